#ifndef ELSEWHERE_ENGINE_CPYTHON_EVAL_HOOK_H
#define ELSEWHERE_ENGINE_CPYTHON_EVAL_HOOK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#ifdef __cplusplus
extern "C" {
#endif

// type.__new__(arguments[0], …) without running any Python code: no __init_subclass__ and no
// __set_name__ of the bases. A new reference, or NULL with an exception set. Needs the GIL.
PyObject *elsewhere_new_class_quietly(PyTypeObject *metaclass, PyObject *arguments);

#ifdef __cplusplus
}
#endif

#endif
