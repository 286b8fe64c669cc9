/* The entries of a dict, with their hashes, where CPython does not give them out any more; included
 * by objects_py313.c and its younger ones, behind pycore_dict.h. */
#ifndef ELSEWHERE_ENGINE_CPYTHON_DICT_ENTRIES_H
#define ELSEWHERE_ENGINE_CPYTHON_DICT_ENTRIES_H

bool elw_dict_next(PyObject *dict, Py_ssize_t *at, PyObject **key, Py_hash_t *hash) {
    PyDictKeysObject *keys = ((PyDictObject *)dict)->ma_keys;
    if (DK_IS_UNICODE(keys)) return false;
    while (*at < keys->dk_nentries) {
        const PyDictKeyEntry *entry = &DK_ENTRIES(keys)[(*at)++];
        if (entry->me_value == NULL) continue;
        *key = entry->me_key;
        *hash = entry->me_hash;
        return true;
    }
    return false;
}

#endif
