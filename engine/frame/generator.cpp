// Generators, coroutines and async generators that are not running, wherever they are kept.
#include <tuple>

#include "engine/cpython/frame_abi.h"
#include "engine/frame/closing.hpp"
#include "engine/frame/patch.hpp"
#include "engine/frame/record.hpp"

#include "core/base/error.hpp"

namespace elsewhere::frame {

namespace {

void replace(PyObject **place, Ref value) {
    PyObject *old = std::exchange(*place, value.release());
    Py_XDECREF(old);
}

} // namespace

GeneratorRecord capture_generator(PyObject *generator) {
    if (!elw_is_generator(generator))
        throw Error(ErrorKind::internal, "not a generator, coroutine or async generator");
    GeneratorRecord record;
    record.name = Ref::share(*elw_generator_name(generator));
    record.qualname = Ref::share(*elw_generator_qualname(generator));
    record.handled_exception = Ref::steal(elw_generator_handled(generator));
    if (!PyGen_CheckExact(generator)) record.origin = Ref::share(*elw_generator_origin(generator));
    record.flags = PyAsyncGen_CheckExact(generator)
                       ? static_cast<std::uint8_t>(elw_async_generator_flags(generator))
                       : std::uint8_t{0};
    record.code = Ref::share(reinterpret_cast<PyObject *>(elw_generator_code(generator)));
    switch (elw_generator_state(generator)) {
    case ELW_GEN_FINISHED: record.state = GeneratorState::finished; return record;
    case ELW_GEN_EXECUTING:
        record.state = GeneratorState::executing;
        if (!is_passed_through(generator)) return record;
        record.state = GeneratorState::suspended;
        break;
    case ELW_GEN_CREATED: record.state = GeneratorState::created; break;
    case ELW_GEN_SUSPENDED: record.state = GeneratorState::suspended; break;
    }
    ElwFrame *frame = elw_generator_frame(generator);
    const int depth = elw_saved_depth(frame);
    if (depth < 0) throw Error(ErrorKind::refused, "a generator in an unknown state");
    record.frame = read_frame(frame);
    record.frame.instruction = static_cast<std::uint32_t>(elw_next(frame));
    record.frame.delivery = Delivery::resume;
    for (int i = 0; i < depth; ++i) {
        Slot slot;
        slot.origin = record.frame.instruction;
        std::tie(slot.role, slot.value) = read_slot(elw_stack(frame)[i]);
        record.frame.stack.push_back(std::move(slot));
    }
    return record;
}

Ref generator_shell(PyObject *code, PyObject *globals) {
    auto *object = reinterpret_cast<PyCodeObject *>(code);
    Ref function = Ref::checked(PyFunction_New(code, globals));
    Ref closure = dummy_closure(object);
    if (closure && PyFunction_SetClosure(function.get(), closure.get()) < 0) throw PythonError{};
    return call_with_dummies(function.get(), object);
}

void fill_generator(PyObject *generator, GeneratorRecord &&record) {
    replace(elw_generator_name(generator), std::move(record.name));
    replace(elw_generator_qualname(generator), std::move(record.qualname));
    elw_set_generator_handled(generator, record.handled_exception.release());
    if (!PyGen_CheckExact(generator))
        replace(elw_generator_origin(generator), std::move(record.origin));
    if (record.state == GeneratorState::finished) {
        // Closing a generator that has not started runs none of its code.
        Ref closed = Ref::checked(PyObject_CallMethod(
            generator, PyAsyncGen_CheckExact(generator) ? "aclose" : "close", nullptr));
        if (PyAsyncGen_CheckExact(generator)) {
            Ref end = Ref::steal(PyObject_CallMethod(closed.get(), "send", "O", Py_None));
            PyErr_Clear(); // StopIteration: closed
            elw_set_async_generator_flags(generator, record.flags);
        }
        return;
    }
    if (PyAsyncGen_CheckExact(generator)) elw_set_async_generator_flags(generator, record.flags);
    if (record.state == GeneratorState::executing) {
        // run_stack enters it through the C code that had entered it.
        elw_set_generator_state(generator, ELW_GEN_SUSPENDED);
        return;
    }
    ElwFrame *frame = elw_generator_frame(generator);
    const int next = static_cast<int>(record.frame.instruction);
    const ElwGenState state =
        record.state == GeneratorState::created ? ELW_GEN_CREATED : ELW_GEN_SUSPENDED;
    patch_frame(frame, std::move(record.frame));
    elw_set_next(frame, next);
    elw_set_generator_state(generator, state);
}

} // namespace elsewhere::frame
