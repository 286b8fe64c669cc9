#include "engine/frame/patch.hpp"

#include "core/base/error.hpp"

namespace elsewhere::frame {

std::pair<Role, Ref> read_slot(ElwSlot slot) {
    intptr_t number = 0;
    if (elw_get_number(slot, &number))
        return {Role::number, Ref::checked(PyLong_FromSsize_t(number))};
    PyObject *object = elw_get(slot);
    return {object == nullptr ? Role::null : Role::temporary, Ref::share(object)};
}

namespace {

ElwSlot slot_for(Slot &slot) {
    if (slot.role == Role::number) return elw_number_slot(PyLong_AsSsize_t(slot.value.get()));
    return elw_slot(slot.value.release());
}

} // namespace

FrameRecord read_frame(ElwFrame *frame) {
    FrameRecord record;
    PyCodeObject *code = elw_code(frame);
    record.code = Ref::share(reinterpret_cast<PyObject *>(code));
    record.function = Ref::share(elw_function(frame));
    record.globals = Ref::share(elw_globals(frame));
    record.builtins = Ref::share(elw_builtins(frame));
    record.locals = Ref::share(elw_locals(frame));
    record.generator = Ref::share(elw_generator(frame));
    record.frame = Ref::share(reinterpret_cast<PyObject *>(elw_frame_object(frame)));
    const int instruction = elw_in_flight(frame);
    const int line = instruction < 0 ? -1 : PyCode_Addr2Line(code, instruction * 2);
    record.instruction = instruction < 0 ? 0 : static_cast<std::uint32_t>(instruction);
    record.line = line < 0 ? 0 : static_cast<std::uint32_t>(line);
    const int count = elw_variable_count(code);
    const ElwSlot *variables = elw_variables(frame);
    record.variables.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) record.variables.push_back(Ref::share(elw_get(variables[i])));
    ElwBlock blocks[elw_max_blocks];
    record.blocks.assign(blocks, blocks + elw_blocks(frame, blocks));
    return record;
}

ElwFrame *patch_frame(ElwFrame *frame, FrameRecord &&record) {
    PyCodeObject *code = elw_code(frame);
    const auto count = static_cast<std::size_t>(elw_variable_count(code));
    if (record.variables.size() != count ||
        record.stack.size() > static_cast<std::size_t>(code->co_stacksize) ||
        record.blocks.size() > (elw_facts.has_block_stack ? elw_max_blocks : 0))
        throw Error(ErrorKind::damaged, "a frame does not fit its code");
    for (const Slot &slot : record.stack)
        if (slot.role == Role::number && (!slot.value || !PyLong_CheckExact(slot.value.get())))
            throw Error(ErrorKind::damaged, "a frame counts with something that is no number");
    // Read, then change, then drop: the old values go last.
    std::vector<Ref> old;
    ElwSlot *slots = elw_variables(frame);
    const int held = elw_saved_depth(frame);
    for (std::size_t i = 0; i < count + static_cast<std::size_t>(held > 0 ? held : 0); ++i)
        old.push_back(Ref::steal(elw_take(&slots[i])));
    for (std::size_t i = 0; i < count; ++i) slots[i] = elw_slot(record.variables[i].release());
    ElwSlot *stack = elw_stack(frame);
    for (std::size_t i = 0; i < record.stack.size(); ++i) stack[i] = slot_for(record.stack[i]);
    elw_set_depth(frame, static_cast<int>(record.stack.size()));
    elw_set_blocks(frame, record.blocks.data(), static_cast<int>(record.blocks.size()));
    if (record.function)
        elw_set_function(frame, record.function.get());
    else if (record.builtins)
        elw_set_builtins(frame, record.builtins.get());
    elw_set_locals(frame, record.locals.get());
    if (!record.frame) return frame;
    return elw_adopt_frame_object(frame, reinterpret_cast<PyFrameObject *>(record.frame.release()));
}

Ref dummy_closure(PyCodeObject *code) {
    Ref names =
        Ref::checked(PyObject_GetAttrString(reinterpret_cast<PyObject *>(code), "co_freevars"));
    const Py_ssize_t count = PyTuple_GET_SIZE(names.get());
    if (count == 0) return {};
    Ref cells = Ref::checked(PyTuple_New(count));
    for (Py_ssize_t i = 0; i < count; ++i)
        PyTuple_SET_ITEM(cells.get(), i, Ref::checked(PyCell_New(nullptr)).release());
    return cells;
}

namespace {

PyObject *no_next(PyObject *) {
    PyErr_SetString(PyExc_SystemError, "a generator that is made again has begun");
    return nullptr;
}

// An object that is its own iterator, asynchronous or not, as a generator expression may begin by
// asking its argument for either.
Ref nothing_to_go_over() {
    static PyObject *only = nullptr;
    if (only == nullptr) {
        PyType_Slot slots[] = {{Py_tp_iter, reinterpret_cast<void *>(PyObject_SelfIter)},
                               {Py_tp_iternext, reinterpret_cast<void *>(no_next)},
                               {Py_am_aiter, reinterpret_cast<void *>(PyObject_SelfIter)},
                               {Py_am_anext, reinterpret_cast<void *>(no_next)},
                               {0, nullptr}};
        PyType_Spec spec{"elsewhere._Nothing", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT, slots};
        Ref type = Ref::checked(PyType_FromSpec(&spec));
        only = Ref::checked(PyObject_CallNoArgs(type.get())).release();
    }
    return Ref::share(only);
}

} // namespace

Ref call_with_dummies(PyObject *function, PyCodeObject *code) {
    Ref nothing = nothing_to_go_over();
    const std::vector<PyObject *> arguments(
        static_cast<std::size_t>(code->co_argcount + code->co_kwonlyargcount + 1), nothing.get());
    Ref names;
    if (code->co_kwonlyargcount > 0) {
        Ref varnames =
            Ref::checked(PyObject_GetAttrString(reinterpret_cast<PyObject *>(code), "co_varnames"));
        names = Ref::checked(PyTuple_GetSlice(varnames.get(), code->co_argcount,
                                              code->co_argcount + code->co_kwonlyargcount));
    }
    return Ref::checked(PyObject_Vectorcall(
        function, arguments.data(), static_cast<std::size_t>(code->co_argcount), names.get()));
}

} // namespace elsewhere::frame
