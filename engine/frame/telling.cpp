#include "engine/frame/telling.hpp"

#include <array>
#include <climits>
#include <string_view>
#include <utility>

#include "engine/frame/tracing.hpp"

namespace elsewhere::frame {

namespace {

struct Kind {
    ElwTold event;
    Delivery of_trace_function;
    Delivery of_callback;
};
constexpr std::array<Kind, 6> kinds{{
    {ELW_TOLD_LINE, Delivery::traced, Delivery::told_line},
    {ELW_TOLD_INSTRUCTION, Delivery::traced_opcode, Delivery::told_instruction},
    {ELW_TOLD_START, Delivery::traced_start, Delivery::told_start},
    {ELW_TOLD_RESUME, Delivery::traced_resume, Delivery::told_resume},
    {ELW_TOLD_RETURN, Delivery::traced_return, Delivery::told_return},
    {ELW_TOLD_RAISE, Delivery::traced_raise, Delivery::told_raise},
}};

// The n-th argument of a call, which *args may have taken; null where that cannot be told.
PyObject *given(ElwFrame *frame, int n) {
    PyCodeObject *code = elw_code(frame);
    if (n < code->co_argcount) return elw_argument(frame, n);
    if ((code->co_flags & CO_VARARGS) == 0) return nullptr;
    PyObject *rest = elw_get(elw_variables(frame)[code->co_argcount + code->co_kwonlyargcount]);
    if (rest != nullptr && PyCell_Check(rest)) rest = PyCell_GET(rest);
    const Py_ssize_t at = n - code->co_argcount;
    const bool there = rest != nullptr && PyTuple_CheckExact(rest) && at < PyTuple_GET_SIZE(rest);
    return there ? PyTuple_GET_ITEM(rest, at) : nullptr;
}

// What an event of sys.settrace is called. A call may also be a generator's going on.
ElwTold named(PyObject *name, bool begun) {
    constexpr std::array<std::pair<std::string_view, ElwTold>, 5> names{{
        {"line", ELW_TOLD_LINE},
        {"opcode", ELW_TOLD_INSTRUCTION},
        {"call", ELW_TOLD_START},
        {"return", ELW_TOLD_RETURN},
        {"exception", ELW_TOLD_RAISE},
    }};
    for (const auto &[text, event] : names)
        if (PyUnicode_CompareWithASCIIString(name, text.data()) == 0)
            return event == ELW_TOLD_START && begun ? ELW_TOLD_RESUME : event;
    return ELW_TOLD_OTHER;
}

struct Told {
    ElwTold event = ELW_TOLD_OTHER;
    PyObject *about = nullptr; // borrowed: the value that comes with it
};

bool is_object_of(PyObject *object, ElwFrame *frame) {
    return object != nullptr && PyFrame_Check(object) &&
           elw_frame_of(reinterpret_cast<PyFrameObject *>(object)) == frame;
}

// Of the trace function `inner`, called with the frame, the name of the event and a value.
Told told_to_trace_function(PyThreadState *thread, ElwFrame *outer, ElwFrame *inner, bool begun) {
    for (int i = 0; i < 2; ++i) { // behind self, in a method
        PyObject *name = given(inner, i + 1);
        if (!is_object_of(given(inner, i), outer) || name == nullptr || !PyUnicode_Check(name))
            continue;
        const ElwTold event = named(name, begun);
        // A line that begins by a jump is another event. So are yield and throw(), and an
        // iterator's end, which are called "return", "call" and "exception", too.
        if (elw_facts.throw_is_event && event != ELW_TOLD_LINE && elw_told(thread) != event)
            return {};
        return {event, given(inner, i + 2)};
    }
    return {};
}

// Of `inner`, the callback of a tool of sys.monitoring.
Told told_to_callback(PyThreadState *thread, ElwFrame *outer, ElwFrame *inner, const CodeMap &map) {
    const ElwTold event = elw_told(thread);
    PyObject *callback = elw_only_callback(thread, event);
    if (callback == nullptr) return {};
    const int first = PyMethod_Check(callback) ? 1 : 0; // behind self
    if (first != 0) callback = PyMethod_GET_FUNCTION(callback);
    if (!PyFunction_Check(callback) ||
        PyFunction_GET_CODE(callback) != reinterpret_cast<PyObject *>(elw_code(inner)))
        return {};
    PyCodeObject *code = elw_code(outer);
    PyObject *number = given(inner, first + 1);
    if (given(inner, first) != reinterpret_cast<PyObject *>(code) || number == nullptr ||
        !PyLong_CheckExact(number))
        return {};
    const int at = elw_in_flight(outer);
    const long found = PyLong_AsLong(number);
    bool is_it = found == (event == ELW_TOLD_LINE ? PyCode_Addr2Line(code, at * 2) : at * 2);
    if (event == ELW_TOLD_RAISE && found >= 0 && found <= INT_MAX) {
        // In one of its caches; what comes out of a call is said to be raised just ahead of it.
        const int where = static_cast<int>(found) / 2;
        is_it = map.start(where) == map.start(at) || where == at - 1;
    }
    return is_it ? Told{event, given(inner, first + 2)} : Told{};
}

// The exception that was just raised in `frame`: the newest entry of its traceback says so.
Ref raised_in(ElwFrame *frame, PyObject *about) {
    if (about == nullptr) return {};
    Ref three = Ref::share(about);
    if (PyExceptionInstance_Check(about)) {
        Ref traceback = Ref::steal(PyException_GetTraceback(about));
        if (!traceback) return {};
        three = Ref::checked(
            PyTuple_Pack(3, reinterpret_cast<PyObject *>(Py_TYPE(about)), about, traceback.get()));
    }
    if (!PyTuple_CheckExact(three.get()) || PyTuple_GET_SIZE(three.get()) != 3) return {};
    PyObject *exception = PyTuple_GET_ITEM(three.get(), 1);
    PyObject *traceback = PyTuple_GET_ITEM(three.get(), 2);
    if (!PyExceptionInstance_Check(exception) || !PyTraceBack_Check(traceback)) return {};
    if (PyTuple_GET_ITEM(three.get(), 0) != reinterpret_cast<PyObject *>(Py_TYPE(exception)))
        return {};
    auto *newest = reinterpret_cast<PyTracebackObject *>(traceback);
    const bool here = is_object_of(reinterpret_cast<PyObject *>(newest->tb_frame), frame);
    return here ? std::move(three) : Ref();
}

// Entries of the value stack that an instruction which has failed leaves alone; -1: not known.
int left_by(const Instruction &failed, PyObject *exception) {
    const int depth = failed.depth;
    const int effect = elw_stack_effect(failed.opcode, failed.oparg, 0);
    switch (failed.op) {
    case ELW_OP_CALL:
    case ELW_OP_CALL_KEYWORDS:
    case ELW_OP_CALL_UNPACKED:
    case ELW_OP_BINARY:
    case ELW_OP_COMPARE:
    case ELW_OP_CONTAINS:
    case ELW_OP_UNARY:
    case ELW_OP_SUBSCRIPT:
    case ELW_OP_IMPORT: return depth + effect - 1; // it pushes one
    case ELW_OP_RAISE:
    case ELW_OP_STORE_SUBSCRIPT:
    case ELW_OP_DELETE_SUBSCRIPT:
    case ELW_OP_STORE_ATTRIBUTE:
    case ELW_OP_DELETE_ATTRIBUTE: return depth + effect;
    case ELW_OP_LOAD_ATTRIBUTE: // until 3.11, a method that is not there keeps its object
        return effect == 1 && !elw_facts.throw_is_event ? depth : depth - 1;
    case ELW_OP_UNPACK: return depth - 1;
    case ELW_OP_LOAD_NAME: return depth;
    case ELW_OP_FOR_ITER: // until 3.11 the end of a loop is an "exception", too
        return PyErr_GivenExceptionMatches(exception, PyExc_StopIteration) ? -1 : depth;
    default: return -1;
    }
}

// How deep the stack of `frame` is, where its instruction is told of; -1: that cannot be left.
int depth_at(ElwTold event, ElwFrame *frame, const CodeMap &map, int at, PyObject *raised) {
    const Instruction &instruction = map.at(at);
    const int saved = elw_saved_depth(frame);
    const int depth = instruction.depth;
    if (depth < 0) return -1;
    switch (event) {
    case ELW_TOLD_LINE: return saved == depth ? depth : -1;
    case ELW_TOLD_INSTRUCTION: return saved == depth || saved < 0 ? depth : -1;
    case ELW_TOLD_START:
    case ELW_TOLD_RESUME:
        if (!elw_facts.call_on_entry && instruction.op != ELW_OP_RESUME) return -1;
        return saved == depth ? depth : -1;
    case ELW_TOLD_RETURN: {
        // Where the value is taken off the stack first, C holds it, and its place still shows it.
        if (instruction.op != ELW_OP_RETURN || depth > 1) return -1; // nothing else: or a constant
        const bool may_be_off = !elw_facts.throw_is_event;
        return saved == depth || saved < 0 || (may_be_off && saved == 0) ? depth : -1;
    }
    case ELW_TOLD_RAISE: {
        // Entered anew, the eval loop looks for the handler of the instruction before.
        if (elw_facts.forgets_line && (at == 0 || map.handler(at) != map.handler(at - 1)))
            return -1;
        if (saved >= 0) return saved <= depth ? saved : -1;
        return left_by(instruction, raised);
    }
    default: return -1;
    }
}

} // namespace

ElwTold event_of(Delivery delivery) {
    for (const Kind &kind : kinds)
        if (delivery == kind.of_trace_function || delivery == kind.of_callback) return kind.event;
    return ELW_TOLD_OTHER;
}

bool is_of_trace_function(Delivery delivery) {
    for (const Kind &kind : kinds)
        if (delivery == kind.of_trace_function) return true;
    return false;
}

bool is_ahead_of_start(Delivery delivery) {
    return elw_facts.call_on_entry && delivery == Delivery::traced_start;
}

Telling telling_of(PyThreadState *thread, ElwFrame *outer, ElwFrame *inner, const CodeMap &map) {
    Telling telling;
    if (tracers_running(thread) != 1) return telling;
    const int in_flight = elw_in_flight(outer);
    int at = map.start(in_flight);
    const bool begun =
        in_flight >= 0 && at >= 0 && map.at(at).op == ELW_OP_RESUME && (map.at(at).oparg & 3) != 0;
    const bool traced = thread->c_tracefunc != nullptr;
    const Told told = traced ? told_to_trace_function(thread, outer, inner, begun)
                             : told_to_callback(thread, outer, inner, map);
    if (told.event == ELW_TOLD_OTHER) return telling;
    const bool of_next = told.event == ELW_TOLD_LINE || told.event == ELW_TOLD_INSTRUCTION;
    // To the eval loop these events come again, and others may be told of them.
    if (!of_next && thread->c_profilefunc != nullptr) return telling;
    if (traced && elw_has_tools(thread) && !(of_next && elw_facts.forgets_line)) return telling;
    if (!traced && !of_next && !elw_facts.forgets_line) return telling;
    PyObject *generator = elw_generator(outer);
    if (generator != nullptr && elw_generator_state(generator) != ELW_GEN_EXECUTING) return telling;
    // Up to 3.10 a call is told of ahead of everything; throw() cannot be told from send() then.
    if (told.event == ELW_TOLD_START && elw_facts.call_on_entry) {
        if (in_flight >= 0) return telling;
        at = 0;
    }
    if (at < 0) return telling;
    if (told.event == ELW_TOLD_RAISE) {
        telling.raised = raised_in(outer, told.about);
        if (!telling.raised) return telling;
    }
    PyObject *raised = telling.raised ? PyTuple_GET_ITEM(telling.raised.get(), 1) : nullptr;
    telling.depth = depth_at(told.event, outer, map, at, raised);
    if (telling.depth < 0) return telling;
    telling.at = at;
    for (const Kind &kind : kinds)
        if (kind.event == told.event)
            telling.delivery = traced ? kind.of_trace_function : kind.of_callback;
    return telling;
}

} // namespace elsewhere::frame
