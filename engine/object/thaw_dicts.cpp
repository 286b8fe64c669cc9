// Dicts. Their keys are known to be different, so none of them is asked whether it equals another:
// the program's __eq__ may need what is not there yet, or say something else each time.
#include <utility>

#include "engine/object/thaw.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

// Takes a key's place while a dict is filled: it has the key's hash and equals nothing.
struct StandIn {
    PyObject_HEAD;
    Py_hash_t hash;
};

Py_hash_t hash_of_stand_in(PyObject *self) { return reinterpret_cast<StandIn *>(self)->hash; }

Ref stand_in(Py_hash_t hash) {
    static PyTypeObject *const type = [] {
        PyType_Slot slots[] = {
            {Py_tp_hash, reinterpret_cast<void *>(hash_of_stand_in)},
            {Py_tp_richcompare, reinterpret_cast<void *>(PyBaseObject_Type.tp_richcompare)},
            {0, nullptr}};
        PyType_Spec spec = {"elsewhere.StandIn", sizeof(StandIn), 0, Py_TPFLAGS_DEFAULT, slots};
        return reinterpret_cast<PyTypeObject *>(PyType_FromSpec(&spec));
    }();
    if (type == nullptr) throw PythonError{};
    Ref made = Ref::checked(PyType_GenericAlloc(type, 0));
    reinterpret_cast<StandIn *>(made.get())->hash = hash;
    return made;
}

struct Key {
    Ref key;
    Ref stand_in;
};

// Is it compared and hashed by C alone, whatever it is compared with?
bool asks_nobody(PyObject *key, int depth = 4) {
    PyTypeObject *type = Py_TYPE(key);
    if (type == &PyUnicode_Type || type == &PyLong_Type || type == &PyFloat_Type ||
        type == &PyBool_Type || type == &PyBytes_Type || type == &PyComplex_Type)
        return true;
    if (type->tp_richcompare == PyBaseObject_Type.tp_richcompare &&
        type->tp_hash == PyBaseObject_Type.tp_hash)
        return true;
    if (type != &PyTuple_Type || depth == 0) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); ++i)
        if (!asks_nobody(PyTuple_GET_ITEM(key, i), depth - 1)) return false;
    return true;
}

// A dead weak reference is found by its identity alone, and what has no hash any more by nobody.
Py_hash_t hash_of(PyObject *key) {
    if (is_dead_reference(key) && reinterpret_cast<PyWeakReference *>(key)->hash == -1)
        reinterpret_cast<PyWeakReference *>(key)->hash = hash_by_address(key);
    const Py_hash_t hash = PyObject_Hash(key);
    if (hash != -1) return hash;
    if (!PyErr_ExceptionMatches(PyExc_Exception)) throw PythonError{};
    PyErr_Clear();
    return hash_by_address(key);
}

// The table has the stand-ins in the order in which they came.
void put_in_place(PyObject *dict, std::vector<Key> &keys) {
    auto *type = reinterpret_cast<PyObject *>(&PyDict_Type);
    Ref whole = Ref::checked(PyObject_CallMethod(type, "__sizeof__", "O", dict));
    const Py_ssize_t size = PyLong_AsSsize_t(whole.get()) - Py_TYPE(dict)->tp_basicsize;
    auto **words = reinterpret_cast<PyObject **>(reinterpret_cast<PyDictObject *>(dict)->ma_keys);
    std::size_t next = 0;
    for (Py_ssize_t i = 0; i < size / Py_ssize_t{sizeof *words} && next < keys.size(); ++i) {
        Key &at = keys[next];
        if (words[i] != at.stand_in.get()) continue;
        if (PyObject_IS_GC(at.key.get()) && PyObject_GC_IsTracked(dict) == 0)
            PyObject_GC_Track(dict);
        Ref dropped = Ref::steal(std::exchange(words[i], at.key.release()));
        ++next;
    }
    if (next != keys.size())
        throw Error(ErrorKind::unsupported, "this Python lays out its dicts in another way");
}

} // namespace

void Thaw::pairs_into(PyObject *dict) {
    const std::size_t n = in_.count(2);
    std::vector<Key> keys;
    for (std::size_t i = 0; i < n; ++i) {
        Ref key = need();
        Ref value = need();
        Ref place = asks_nobody(key.get()) ? key.copy() : stand_in(hash_of(key.get()));
        if (PyDict_SetItem(dict, place.get(), value.get()) < 0) throw PythonError{};
        if (place.get() != key.get()) keys.push_back({std::move(key), std::move(place)});
    }
    if (!keys.empty()) put_in_place(dict, keys);
}

void Thaw::on_dict() {
    Ref dict = Ref::checked(PyDict_New());
    pairs_into(dict.get());
    add(std::move(dict));
}
void Thaw::on_dict_shell() { add(Ref::checked(PyDict_New())); }
void Thaw::on_dict_fill() {
    PyObject *dict = known();
    if (!PyDict_Check(dict)) damaged("a dict that is none");
    PyDict_Clear(dict); // what made its items may have put some there itself
    pairs_into(dict);
}

} // namespace elsewhere::object
