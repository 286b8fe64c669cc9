// Instances, calls of reducers, exceptions and references made again.
#include "engine/object/thaw.hpp"

namespace elsewhere::object {

using namespace snapshot;

namespace {

// The builtin type that C made and that knows how to allocate.
PyTypeObject *allocator(PyTypeObject *type) {
    PyTypeObject *base = type;
    while ((base->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 && base->tp_base != nullptr)
        base = base->tp_base;
    return base;
}

// Through the descriptor of the class: it alone also drops values kept inside the object.
void set_dict(PyObject *object, PyObject *dict) {
    Ref name = Ref::checked(PyUnicode_InternFromString("__dict__"));
    if (PyObject_GenericSetAttr(object, name.get(), dict) < 0) throw PythonError{};
}

} // namespace

void Thaw::attributes_into(PyObject *object) {
    const std::size_t n = in_.count(2);
    if (n == 0) return;
    Ref dict = Ref::checked(PyObject_GenericGetDict(object, nullptr));
    for (std::size_t i = 0; i < n; ++i) {
        PyObject *key = known();
        Ref value = need();
        if (PyDict_SetItem(dict.get(), key, value.get()) < 0) throw PythonError{};
    }
}

// Slots: the class's own way around a __setattr__ of the program.
void Thaw::slots_into(PyObject *object) {
    const std::size_t n = in_.count(2);
    for (std::size_t i = 0; i < n; ++i) {
        PyObject *name = known();
        Ref value = need();
        if (PyObject_GenericSetAttr(object, name, value.get()) < 0) throw PythonError{};
    }
}

void Thaw::on_instance() {
    PyTypeObject *type = known_type();
    Ref object = Ref::checked(PyBaseObject_Type.tp_new(type, no_arguments_.get(), nullptr));
    attributes_into(object.get());
    slots_into(object.get());
    add(std::move(object));
}

void Thaw::on_instance_shell() {
    PyTypeObject *type = known_type();
    Ref made_of = tuple();
    PyTypeObject *base = allocator(type);
    if (base == &PyTuple_Type) // tuple() takes its items as one argument
        made_of = Ref::checked(PyTuple_Pack(1, made_of.get()));
    // From 3.15 on these want their function at once, and copy its attributes.
    const bool wraps = base == &PyStaticMethod_Type || base == &PyClassMethod_Type;
    if (wraps) made_of = Ref::checked(PyTuple_Pack(1, Py_None));
    Ref object = Ref::checked(base->tp_new(type, made_of.get(), nullptr));
    if (PyObject **dict = wraps ? _PyObject_GetDictPtr(object.get()) : nullptr;
        dict != nullptr && *dict != nullptr)
        PyDict_Clear(*dict);
    // bytearray has its contents from __init__.
    if (base == &PyByteArray_Type && base->tp_init(object.get(), made_of.get(), nullptr) < 0)
        throw PythonError{};
    add(std::move(object));
}

void Thaw::on_instance_fill() {
    PyObject *object = known();
    attributes_into(object);
    slots_into(object);
}

void Thaw::on_instance_dict() {
    PyObject *object = known();
    Ref dict = need();
    set_dict(object, dict.get());
}

void Thaw::on_finalized() {
    PyObject *object = known();
    if (PyObject_IS_GC(object)) elw_set_finalized(object);
}

void Thaw::on_init() {
    PyObject *object = known();
    Ref arguments = tuple();
    PyTypeObject *base = allocator(Py_TYPE(object));
    if (base->tp_init(object, arguments.get(), nullptr) < 0) throw PythonError{};
}

// ---- what reduce says: pickle's meaning --------------------------------------------------------

void Thaw::on_call() {
    PyObject *callable = known();
    Ref arguments = tuple();
    const bool any = PyTuple_GET_SIZE(arguments.get()) > 0;
    note_call(callable, any ? PyTuple_GET_ITEM(arguments.get(), 0) : nullptr);
    add(Ref::checked(PyObject_Call(callable, arguments.get(), nullptr)));
}

void Thaw::on_build() {
    PyObject *object = known();
    Ref state = need();
    note_change(object, "__setstate__");
    Ref setter = Ref::steal(PyObject_GetAttrString(object, "__setstate__"));
    if (setter) {
        (void)Ref::checked(PyObject_CallOneArg(setter.get(), state.get()));
        return;
    }
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) throw PythonError{};
    PyErr_Clear();
    Ref slots;
    if (!PyDict_Check(state.get()) && !PyTuple_Check(state.get()))
        damaged("a state that nobody takes");
    if (PyTuple_Check(state.get()) && PyTuple_GET_SIZE(state.get()) == 2) {
        slots = Ref::share(PyTuple_GET_ITEM(state.get(), 1));
        state = Ref::share(PyTuple_GET_ITEM(state.get(), 0));
    }
    if (PyDict_Check(state.get()) && PyDict_GET_SIZE(state.get()) > 0) {
        Ref dict = Ref::checked(PyObject_GetAttrString(object, "__dict__"));
        (void)Ref::checked(PyObject_CallMethod(dict.get(), "update", "(O)", state.get()));
    }
    if (slots && PyDict_Check(slots.get())) {
        PyObject *name = nullptr, *value = nullptr;
        Ref copy = Ref::checked(PyDict_Copy(slots.get()));
        for (Py_ssize_t at = 0; PyDict_Next(copy.get(), &at, &name, &value);)
            if (PyObject_SetAttr(object, name, value) < 0) throw PythonError{};
    }
}

void Thaw::on_build_with() {
    PyObject *object = known();
    Ref state = need();
    Ref setter = need();
    note_call(setter.get(), nullptr);
    (void)Ref::checked(PyObject_CallFunctionObjArgs(setter.get(), object, state.get(), nullptr));
}

void Thaw::fill(PyObject *object, bool pairs) {
    if (pairs) {
        for (std::size_t left = in_.count(2); left > 0; --left) {
            Ref key = need();
            Ref value = need();
            if (PyObject_SetItem(object, key.get(), value.get()) < 0) throw PythonError{};
        }
        return;
    }
    Ref items = tuple();
    if (PyList_CheckExact(object)) {
        (void)Ref::checked(PyObject_CallMethod(object, "extend", "(O)", items.get()));
        return;
    }
    Ref append = Ref::checked(PyObject_GetAttrString(object, "append"));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.get()); ++i)
        (void)Ref::checked(PyObject_CallOneArg(append.get(), PyTuple_GET_ITEM(items.get(), i)));
}

void Thaw::on_extend() {
    PyObject *object = known();
    note_change(object, "append");
    fill(object, false);
}

void Thaw::on_update() {
    PyObject *object = known();
    note_change(object, "__setitem__");
    fill(object, true);
}

// ---- exceptions --------------------------------------------------------------------------------

void Thaw::on_exception_fill() {
    PyObject *exception = known();
    if (!PyExceptionInstance_Check(exception)) damaged("an exception that is none");
    Ref arguments = get(), cause = get(), context = get(), suppress = get(), trace = get();
    Ref dict = get();
    if (arguments && PyObject_SetAttrString(exception, "args", arguments.get()) < 0)
        throw PythonError{};
    PyException_SetCause(exception, cause.release());
    PyException_SetContext(exception, context.release());
    if (trace && PyException_SetTraceback(exception, trace.get()) < 0) throw PythonError{};
    if (dict) set_dict(exception, dict.get());
    const std::size_t n = in_.count(2);
    for (std::size_t i = 0; i < n; ++i) {
        PyObject *name = known();
        Ref value = get();
        if (value && PyObject_GenericSetAttr(exception, name, value.get()) < 0) throw PythonError{};
    }
    if (PyObject_TypeCheck(exception, reinterpret_cast<PyTypeObject *>(PyExc_StopIteration))) {
        auto *end = reinterpret_cast<PyStopIterationObject *>(exception); // not null, to CPython
        if (end->value == nullptr) end->value = Ref::share(Py_None).release();
    }
    // Last: setting the cause sets it.
    if (PyObject_SetAttrString(exception, "__suppress_context__", suppress.get()) < 0)
        throw PythonError{};
}

void Thaw::on_traceback() {
    PyObject *frame = known();
    Ref offset = need(), line = need();
    Ref type = Ref::share(reinterpret_cast<PyObject *>(&PyTraceBack_Type));
    add(Ref::checked(
        PyObject_CallFunction(type.get(), "OOOO", Py_None, frame, offset.get(), line.get())));
}

void Thaw::on_traceback_fill() {
    PyObject *trace = known();
    Ref next = need();
    if (PyObject_SetAttrString(trace, "tb_next", next.get()) < 0) throw PythonError{};
}

// ---- weak references ---------------------------------------------------------------------------

void Thaw::on_weak_reference() {
    PyTypeObject *type = known_type();
    Ref referent = get();
    Ref callback = get();
    const bool dead = !referent;
    if (dead) referent = Ref::checked(PySet_New(nullptr)); // dies below
    if (type == &_PyWeakref_ProxyType || type == &_PyWeakref_CallableProxyType) {
        add(Ref::checked(PyWeakref_NewProxy(referent.get(), callback.get())));
        return;
    }
    if (!PyType_IsSubtype(type, &_PyWeakref_RefType)) damaged("a weak reference that is none");
    Ref arguments = callback && !dead
                        ? Ref::checked(PyTuple_Pack(2, referent.get(), callback.get()))
                        : Ref::checked(PyTuple_Pack(1, referent.get()));
    Ref made = Ref::checked(_PyWeakref_RefType.tp_new(type, arguments.get(), nullptr));
    if (dead && callback.get() == Py_True)
        reinterpret_cast<PyWeakReference *>(made.get())->hash = hash_by_address(made.get());
    add(std::move(made));
}

} // namespace elsewhere::object
