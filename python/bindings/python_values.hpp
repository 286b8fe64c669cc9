#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.hpp"
#include "engine/cpython/ref.hpp"

// Plain values out of Python objects that our own Python code made.
namespace elsewhere::bindings {

// A str, as UTF-8; file names that are no UTF-8 keep their bytes (surrogateescape).
[[nodiscard]] inline std::string text(PyObject *object) {
    Ref bytes = Ref::steal(PyUnicode_AsEncodedString(object, "utf-8", "surrogateescape"));
    if (!bytes) throw PythonError{};
    return {PyBytes_AS_STRING(bytes.get()),
            static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.get()))};
}

// The values of a dict with string keys. Does not own it.
class Fields {
  public:
    explicit Fields(PyObject *dict) : dict_(dict) {}

    [[nodiscard]] PyObject *operator[](const char *key) const {
        PyObject *value = PyDict_GetItemString(dict_, key);
        if (value == nullptr) throw Error(ErrorKind::internal, std::string("no field ") + key);
        return value;
    }
    [[nodiscard]] bool is_none(const char *key) const { return (*this)[key] == Py_None; }
    [[nodiscard]] std::string text(const char *key) const { return bindings::text((*this)[key]); }
    [[nodiscard]] std::string text_or_empty(const char *key) const {
        return is_none(key) ? std::string() : text(key);
    }
    [[nodiscard]] std::int64_t integer(const char *key) const {
        const long long value = PyLong_AsLongLong((*this)[key]);
        if (value == -1 && PyErr_Occurred()) throw PythonError{};
        return value;
    }
    [[nodiscard]] double number(const char *key) const {
        const double value = PyFloat_AsDouble((*this)[key]);
        if (value == -1 && PyErr_Occurred()) throw PythonError{};
        return value;
    }
    [[nodiscard]] std::string bytes(const char *key) const {
        PyObject *value = (*this)[key];
        return {PyBytes_AS_STRING(value), static_cast<std::size_t>(PyBytes_GET_SIZE(value))};
    }
    [[nodiscard]] std::vector<std::string> texts(const char *key) const {
        std::vector<std::string> all;
        Ref items = Ref::checked(PySequence_Fast((*this)[key], "a list"));
        for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(items.get()); ++i)
            all.push_back(bindings::text(PySequence_Fast_GET_ITEM(items.get(), i)));
        return all;
    }

  private:
    PyObject *dict_;
};

} // namespace elsewhere::bindings
