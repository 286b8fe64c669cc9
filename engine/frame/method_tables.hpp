#pragma once

#include "engine/cpython/ref.hpp"

// C functions of the interpreter get a prologue, or another body, by their method tables: the
// function objects stay the same, and nobody pays who does not call them.
namespace elsewhere::frame {

// The method table entry behind a builtin function, or a method of a C type (`type` null: none).
// Throws PythonError, and Error{unsupported} for what is no C function.
PyMethodDef *definition_of(const char *module, const char *type, const char *name);

// Puts `ours` into the table; returns what was there. A flag that is not as expected means a
// calling convention that `ours` does not speak: then the function is left alone (null).
PyCFunction interpose(PyMethodDef *definition, int flags, PyCFunction ours);

template <typename Function> PyCFunction erase(Function function) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}
template <typename Function> Function original_of(PyCFunction function) {
    return reinterpret_cast<Function>(reinterpret_cast<void (*)()>(function));
}

} // namespace elsewhere::frame
