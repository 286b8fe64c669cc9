#pragma once

#include "engine/cpython/ref.hpp"

namespace elsewhere::cpython {

// type.__new__(metaclass, *arguments) without running any Python code: no __init_subclass__ and
// no __set_name__ of the bases. Throws PythonError.
Ref new_class_quietly(PyTypeObject *metaclass, PyObject *arguments);

} // namespace elsewhere::cpython
