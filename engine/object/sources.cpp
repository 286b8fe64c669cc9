// Source text of the program's own code, for tracebacks and inspect.getsource after a move.
#include <fstream>
#include <sstream>

#include "engine/object/families.hpp"

namespace elsewhere::object {

namespace {

// A linecache entry without a time of change is a text of which there may be no file.
std::string cached(PyObject *file_name) {
    PyObject *linecache = PyDict_GetItemString(PyImport_GetModuleDict(), "linecache");
    if (linecache == nullptr) return {};
    Ref cache = Ref::checked(PyObject_GetAttrString(linecache, "cache"));
    if (!PyDict_Check(cache.get())) return {};
    PyObject *entry = PyDict_GetItemWithError(cache.get(), file_name);
    if (entry == nullptr || !PyTuple_Check(entry) || PyTuple_GET_SIZE(entry) != 4 ||
        PyTuple_GET_ITEM(entry, 1) != Py_None)
        return {};
    Ref nothing = Ref::checked(PyUnicode_FromString(""));
    Ref joined = Ref::checked(PyUnicode_Join(nothing.get(), PyTuple_GET_ITEM(entry, 2)));
    return text(joined.get());
}

} // namespace

std::string read_source(PyObject *file_name) {
    if (std::string known = cached(file_name); !known.empty()) return known;
    const std::string name = text(file_name);
    if (name.empty() || name.front() == '<') return {};
    std::ifstream file(name, std::ios::binary);
    if (!file) return {}; // gone: nothing to take along
    std::ostringstream content;
    content << file.rdbuf();
    // What is not UTF-8 could not be shown as it is.
    std::string bytes = content.str();
    Ref decoded = Ref::steal(
        PyUnicode_DecodeUTF8(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), nullptr));
    if (!decoded) {
        PyErr_Clear();
        return {};
    }
    return bytes;
}

} // namespace elsewhere::object
