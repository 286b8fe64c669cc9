#pragma once

#include "engine/cpython/ref.hpp"

namespace elsewhere {

// Like PyImport_ImportModule, which would ask the `__import__` of the frame on top: that is a
// function of the program's, or missing where it runs a text with few builtins.
inline PyObject *imported_module(const char *name) {
    Ref asked = Ref::steal(Py_BuildValue("(s)", "__name__")); // so it is not its package
    return asked ? PyImport_ImportModuleLevel(name, nullptr, nullptr, asked.get(), 0) : nullptr;
}

} // namespace elsewhere
