#pragma once

#include <string_view>

#include "engine/cpython/object_abi.h"

// What the iterators of C that call functions have in common.
namespace elsewhere::frame {

// Where a layout of the version layer has a field, or null where the type is not laid out so.
inline const ElwField *field_of(const char *type, PyTypeObject *actual, const char *name) {
    for (const ElwLayout *row = elw_layouts(); row->name != nullptr; ++row) {
        if (std::string_view(row->name) != type) continue;
        if (static_cast<std::size_t>(actual->tp_basicsize) != row->size) return nullptr;
        for (const ElwField *field = row->fields; field->name != nullptr; ++field)
            if (std::string_view(field->name) == name) return field;
    }
    return nullptr;
}

template <typename T = PyObject *> T &field_at(PyObject *object, std::size_t offset) {
    return *reinterpret_cast<T *>(reinterpret_cast<char *>(object) + offset);
}

struct Fields {
    std::size_t function = 0;
    std::size_t source = 0;
    // False: not as described.
    bool find(const char *type, PyTypeObject *actual, const char *source_name,
              const char *function_name = "function") {
        const ElwField *one = field_of(type, actual, function_name);
        const ElwField *other = field_of(type, actual, source_name);
        if (one == nullptr || other == nullptr) return false;
        function = one->offset;
        source = other->offset;
        return true;
    }
    static PyObject *at(PyObject *object, std::size_t offset) { return field_at(object, offset); }
};

// Gives its items without any Python code.
inline bool gives_passively(PyObject *iterator) {
    return Py_IS_TYPE(iterator, &PyListIter_Type) || Py_IS_TYPE(iterator, &PyTupleIter_Type) ||
           Py_IS_TYPE(iterator, &PyRangeIter_Type) || Py_IS_TYPE(iterator, &PyUnicodeIter_Type) ||
           Py_IS_TYPE(iterator, &PyDictIterKey_Type) || Py_IS_TYPE(iterator, &PySetIter_Type);
}

inline bool may_run_python(PyObject *function) {
    return !PyCFunction_Check(function) && !PyType_Check(function);
}

} // namespace elsewhere::frame
