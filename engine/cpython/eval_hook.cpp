// PEP 523: a class is made again without the hooks that ran when it was made first.
#include "engine/cpython/eval_hook.hpp"

namespace elsewhere::cpython {

namespace {

// Leaves each Python frame before its first instruction. The interpreter's own loop does it, told
// to begin with an exception: it alone knows how to clear a frame in every version.
PyObject *leave_at_once(PyThreadState *thread, struct _PyInterpreterFrame *frame, int) {
    PyErr_SetNone(PyExc_StopIteration);
    PyObject *result = _PyEval_EvalFrameDefault(thread, frame, 1);
    if (result != nullptr) return result;
    PyErr_Clear();
    return Py_NewRef(Py_None);
}

} // namespace

Ref new_class_quietly(PyTypeObject *metaclass, PyObject *arguments) {
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    const _PyFrameEvalFunction before = _PyInterpreterState_GetEvalFrameFunc(interpreter);
    _PyInterpreterState_SetEvalFrameFunc(interpreter, leave_at_once);
    Ref type = Ref::steal(PyType_Type.tp_new(metaclass, arguments, nullptr));
    _PyInterpreterState_SetEvalFrameFunc(interpreter, before);
    if (!type) throw PythonError{};
    return type;
}

} // namespace elsewhere::cpython
