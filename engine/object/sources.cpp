// Source text of the program's own code, for tracebacks and inspect.getsource after a move.
#include "engine/object/sources.hpp"

#include <utility>

#include "core/base/file.hpp"
#include "engine/cpython/imported_module.hpp"
#include "engine/object/families.hpp"

namespace elsewhere::object {

namespace {

// Texts that came with a program and go into linecache once that is imported: name → text. With
// what linecache imports that takes 6 ms, and most programs never look. Owned here, for good.
PyObject *waiting = nullptr;
bool may_wait = false;

// linecache.cache, or null while it is not imported.
Ref line_cache() {
    PyObject *linecache = PyDict_GetItemString(PyImport_GetModuleDict(), "linecache");
    if (linecache == nullptr) return {};
    Ref cache = Ref::steal(PyObject_GetAttrString(linecache, "cache"));
    if (!cache) PyErr_Clear(); // its import is under way
    return cache && PyDict_Check(cache.get()) ? std::move(cache) : Ref();
}

// Without a time of change the entry stays.
void put(PyObject *cache, PyObject *name, PyObject *source) {
    Ref lines = Ref::checked(PyObject_CallMethod(source, "splitlines", "i", 1));
    Ref entry = Ref::checked(
        Py_BuildValue("(nOOO)", PyUnicode_GET_LENGTH(source), Py_None, lines.get(), name));
    if (PyDict_SetItem(cache, name, entry.get()) < 0) throw PythonError{};
}

// A linecache entry without a time of change is a text of which there may be no file.
std::string cached(PyObject *file_name) {
    if (PyObject *text_of_it =
            waiting != nullptr ? PyDict_GetItemWithError(waiting, file_name) : nullptr)
        return text(text_of_it);
    const Ref cache = line_cache();
    if (!cache) return {};
    PyObject *entry = PyDict_GetItemWithError(cache.get(), file_name);
    if (entry == nullptr || !PyTuple_Check(entry) || PyTuple_GET_SIZE(entry) != 4 ||
        PyTuple_GET_ITEM(entry, 1) != Py_None)
        return {};
    Ref nothing = Ref::checked(PyUnicode_FromString(""));
    Ref joined = Ref::checked(PyUnicode_Join(nothing.get(), PyTuple_GET_ITEM(entry, 2)));
    return text(joined.get());
}

} // namespace

void keep_source(PyObject *file_name, PyObject *source) {
    if (!may_wait) (void)Ref::checked(imported_module("linecache"));
    if (const Ref cache = line_cache()) return put(cache.get(), file_name, source);
    if (waiting == nullptr) waiting = Ref::checked(PyDict_New()).release();
    if (PyDict_SetItem(waiting, file_name, source) < 0) throw PythonError{};
}

void imports_are_watched() { may_wait = true; }

void linecache_is_imported() {
    const Ref cache = line_cache();
    if (!cache || waiting == nullptr) return;
    const Ref texts = Ref::steal(std::exchange(waiting, nullptr));
    PyObject *name = nullptr, *source = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(texts.get(), &at, &name, &source);)
        put(cache.get(), name, source);
}

std::string read_source(PyObject *file_name) {
    if (std::string known = cached(file_name); !known.empty()) return known;
    const std::string name = text(file_name);
    if (name.empty() || name.front() == '<') return {};
    std::string bytes = read_file(name).value_or(""); // gone: nothing to take along
    // What is not UTF-8 could not be shown as it is.
    Ref decoded = Ref::steal(
        PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), nullptr));
    if (!decoded) {
        PyErr_Clear();
        return {};
    }
    return bytes;
}

} // namespace elsewhere::object
