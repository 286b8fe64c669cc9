#include "engine/frame/consuming.hpp"

#include "engine/frame/taking.hpp"

namespace elsewhere::frame {

bool is_passive(PyObject *iterable) {
    static PyTypeObject *const types[] = {&PyList_Type,       &PyTuple_Type,     &PyDict_Type,
                                          &PySet_Type,        &PyFrozenSet_Type, &PyUnicode_Type,
                                          &PyBytes_Type,      &PyRange_Type,     &PyDictKeys_Type,
                                          &PyDictValues_Type, &PyDictItems_Type, &PyByteArray_Type};
    for (PyTypeObject *each : types)
        if (Py_IS_TYPE(iterable, each)) return true;
    return false;
}

// CPython's own `extend` and `update` put each item into its place at once: called again, they go
// on. But they ask for an iterator first, and that of a class of Python's runs its `__iter__`.
bool take_all(Activation &a, std::size_t from, std::size_t into) {
    PyObject *container = a.slots[into].get();
    if (iterates_itself(Py_TYPE(a.slots[from].get())) && !PyFrozenSet_CheckExact(container)) {
        a.begin(Step::next, a.slots[from].get());
        const Ref done = Ref::steal(PyObject_CallMethod(
            container, PyList_Check(container) ? "extend" : "update", "O", a.slots[from].get()));
        a.end();
        return static_cast<bool>(done);
    }
    for (;;) {
        const Ref item = a.next(from);
        if (!item) return PyErr_Occurred() == nullptr;
        const int done = PyList_Check(container) ? PyList_Append(container, item.get())
                                                 : PySet_Add(container, item.get());
        if (done < 0) return false;
    }
}

// A list asks how many items to expect; whoever counts them may be Python.
bool begin_list(Activation &a, std::size_t iterator, PyObject *iterable) {
    return a.iterate(iterator, iterable) && PyObject_LengthHint(iterable, 8) >= 0;
}

} // namespace elsewhere::frame
