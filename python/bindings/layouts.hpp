#pragma once

#include <string>

#include "engine/cpython/object_abi.h"
#include "engine/cpython/ref.hpp"

namespace elsewhere::bindings {

// A layout of the table, bound to the running interpreter's type after its probe object was read
// back as described. `failure` says why it must not be used. Lives as long as the process.
struct Layout {
    const ElwLayout *row = nullptr;
    PyTypeObject *type = nullptr; // owned; null when the probe could not be made
    PyObject *probe = nullptr;    // owned
    std::string failure;
};

// By the name of the table. Throws Error{unsupported} for one that is not usable here.
const Layout &layout_named(const std::string &name);

// By an object of exactly the layout's type.
const Layout &layout_of(PyObject *object);

// The address of a field of `object`. Throws Error{internal} where there is no such field.
char *field_of(PyObject *object, const Layout &layout, const char *name);

template <typename T> T &field(PyObject *object, const Layout &layout, const char *name) {
    return *reinterpret_cast<T *>(field_of(object, layout, name));
}

// Functions for what no single struct holds: layout_parts.cpp.
void add_layout_parts(PyObject *module);
// Those for re: layout_matches.cpp.
void add_layout_matches(PyObject *module);

} // namespace elsewhere::bindings
