#include "engine/frame/tracing.hpp"

#include <string_view>
#include <utility>

#include "engine/cpython/imported_module.hpp"
#include "engine/cpython/line_abi.h"
#include "engine/cpython/ref.hpp"
#include "engine/frame/telling.hpp"

namespace elsewhere::frame {

namespace {

using Setter = void (*)(Py_tracefunc, PyObject *);

// Was `function` set by sys.settrace or sys.setprofile? These set one C function of their own,
// which nobody tells; setting the same object again shows it.
bool set_from_python(Py_tracefunc PyThreadState::*place, PyObject *PyThreadState::*object,
                     const char *set, Setter set_in_c, Py_tracefunc &known) {
    PyThreadState *thread = PyThreadState_Get();
    const Py_tracefunc function = thread->*place;
    if (known != nullptr) return function == known;
    const Ref held = Ref::share(thread->*object);
    Ref sys = Ref::steal(imported_module("sys"));
    Ref done =
        Ref::steal(sys && held ? PyObject_CallMethod(sys.get(), set, "O", held.get()) : nullptr);
    if (!done) {
        PyErr_Clear();
        return false;
    }
    known = thread->*place;
    if (function == known) return true;
    set_in_c(function, held.get());
    return false;
}

Py_tracefunc by_settrace = nullptr;
Py_tracefunc by_setprofile = nullptr;

bool is_by_settrace() {
    return set_from_python(&PyThreadState::c_tracefunc, &PyThreadState::c_traceobj, "settrace",
                           PyEval_SetTrace, by_settrace);
}

// One of C's, of which Python code of ours knows how it goes on (_state_c_tracers.py). The frame
// that runs may have builtins of its own, without an __import__ (a namedtuple's).
bool is_known_in_c(PyObject *tracer) {
    const Ref held = Ref::share(tracer);
    const Ref names = Ref::steal(Py_BuildValue("(s)", "is_known"));
    Ref module =
        Ref::steal(held && names ? PyImport_ImportModuleLevel("elsewhere._state_c_tracers", nullptr,
                                                              nullptr, names.get(), 0)
                                 : nullptr);
    Ref known = Ref::steal(module ? PyObject_CallMethod(module.get(), "is_known", "O", held.get())
                                  : nullptr);
    if (!known) PyErr_Clear();
    return known.get() == Py_True;
}

Error unkept(const char *what, PyObject *object) {
    const std::string_view type(object != nullptr ? Py_TYPE(object)->tp_name : "?");
    if (type.starts_with("coverage."))
        return {ErrorKind::refused, "coverage's C tracer is active, in a version that is not known",
                "use a newer coverage, or COVERAGE_CORE=pytrace"};
    if (type == "_lsprof.Profiler")
        return {ErrorKind::refused, "cProfile is active: its state is in C",
                "use the module profile, or stop it before suspending"};
    return {ErrorKind::refused,
            "a " + std::string(what) + " that C code has set is active (" + std::string(type) + ")",
            "remove it before suspending"};
}

// ---- events that are none ----

// While a rebuilt frame is entered, one of these stands in for the trace function or profiler.
struct StandIn {
    Py_tracefunc PyThreadState::*place;
    Py_tracefunc original = nullptr;
    bool call = false;              // an event "call" is not one
    PyFrameObject *frame = nullptr; // nor are, at `told` in this one, which is not looked into,
    int event = -1;                 // this event and those that come before it
    int told = -1;
    Ref failure; // but this is what then comes of it
    Ref raised;  // the exception of the event is to have this traceback
    int thrown_at =
        -1;       // an exception goes on in `frame`: the line of its handler may be none either
    int line = 0; // that was told before
};
// Never destroyed: at the end of the process there is no interpreter any more.
StandIn *const stand_ins =
    new StandIn[2]{{&PyThreadState::c_tracefunc}, {&PyThreadState::c_profilefunc}};

// The events of one instruction, in their order.
int rank(int what) { return what == PyTrace_LINE ? 0 : what == PyTrace_OPCODE ? 1 : 2; }

int event_for(ElwTold told) {
    switch (told) {
    case ELW_TOLD_LINE: return PyTrace_LINE;
    case ELW_TOLD_INSTRUCTION: return PyTrace_OPCODE;
    case ELW_TOLD_RETURN: return PyTrace_RETURN;
    case ELW_TOLD_RAISE: return PyTrace_EXCEPTION;
    default: return PyTrace_CALL;
    }
}

void raise_again(const Ref &fetched) {
    PyObject *parts[3];
    for (int i = 0; i < 3; ++i) {
        PyObject *part = PyTuple_GET_ITEM(fetched.get(), i);
        parts[i] = part == Py_None ? nullptr : Ref::share(part).release();
    }
    PyErr_Restore(parts[0], parts[1], parts[2]);
}

Ref fetch_raised() {
    PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    const Ref owned[] = {Ref::steal(type), Ref::steal(value), Ref::steal(traceback)};
    return Ref::steal(PyTuple_Pack(3, type, value, traceback != nullptr ? traceback : Py_None));
}

// A trace function that raises is none any more.
int fail(PyFrameObject *frame, const Ref &failure) {
    PyEval_SetTrace(nullptr, nullptr);
    auto *object = reinterpret_cast<PyObject *>(frame);
    if (PyObject_SetAttrString(object, "f_trace", Py_None) < 0) PyErr_Clear();
    raise_again(failure);
    if (elw_facts.has_block_stack) PyTraceBack_Here(frame);
    return -1;
}

// Is this the line of a handler, of which nobody would be told in one life? Other frames may be
// entered on the way there.
bool is_silent(StandIn &here, PyFrameObject *frame, int what) {
    if (here.thrown_at < 0 || frame != here.frame) return false;
    if (what == PyTrace_CALL || what == PyTrace_EXCEPTION) return false;
    const int from = std::exchange(here.thrown_at, -1);
    return what == PyTrace_LINE && elw_tells_only_now(elw_frame_of(frame), from);
}

template <int which> int stand_in(PyObject *self, PyFrameObject *frame, int what, PyObject *value) {
    StandIn &here = stand_ins[which];
    PyThreadState *thread = PyThreadState_Get();
    const bool call = std::exchange(here.call, false);
    const bool silent = is_silent(here, frame, what);
    const auto no_more = [&] {
        here.event = -1;
        if (here.thrown_at < 0) thread->*here.place = here.original;
    };
    if (silent) {
        elw_set_told_line(elw_frame_of(frame), here.line);
        no_more();
        return 0;
    }
    const bool known =
        here.event >= 0 && frame == here.frame &&
        (what == PyTrace_EXCEPTION || elw_in_flight(elw_frame_of(frame)) == here.told);
    if (known && what == here.event) {
        no_more();
        const Ref failure = std::move(here.failure);
        const Ref raised = std::move(here.raised);
        if (failure) return fail(frame, failure);
        if (raised && elw_facts.throw_is_event)
            PyException_SetTraceback(PyTuple_GET_ITEM(raised.get(), 1),
                                     PyTuple_GET_ITEM(raised.get(), 2));
        return 0;
    }
    if (call && what == PyTrace_CALL) {
        if (here.event < 0) no_more();
        return 0;
    }
    if (known && rank(what) < rank(here.event)) return 0;
    no_more();
    return here.original != nullptr ? here.original(self, frame, what, value) : 0;
}

template <int which> StandIn *stand_in_for(PyThreadState *thread, bool call) {
    StandIn &here = stand_ins[which];
    if (thread->*here.place == nullptr || thread->*here.place == stand_in<which>) return nullptr;
    here.original = thread->*here.place;
    here.call = call;
    here.event = -1;
    here.failure = Ref();
    here.raised = Ref();
    here.thrown_at = -1;
    thread->*here.place = stand_in<which>;
    return &here;
}

void stand_down(PyThreadState *thread) {
    if (thread->c_tracefunc == stand_in<0>) thread->c_tracefunc = stand_ins[0].original;
    if (thread->c_profilefunc == stand_in<1>) thread->c_profilefunc = stand_ins[1].original;
}

// For one that has removed itself, and is to raise.
int no_tracer(PyObject *, PyFrameObject *, int, PyObject *) { return 0; }

// The frame object, whether or not the program has one.
Ref object_of(PyThreadState *thread, ElwFrame *frame) {
    elw_link(thread, frame);
    Ref object = Ref::steal(reinterpret_cast<PyObject *>(PyThreadState_GetFrame(thread)));
    elw_unlink(thread, frame);
    return object;
}

Ref call_ours(const char *name, PyCodeObject *code, PyObject *second) {
    Ref module = Ref::steal(imported_module("elsewhere._state_tracing"));
    return Ref::steal(module ? PyObject_CallMethod(module.get(), name, "OO", code, second)
                             : nullptr);
}

Ref call_ours(const char *name, PyCodeObject *code, int second) {
    const Ref number = Ref::steal(PyLong_FromLong(second));
    return number ? call_ours(name, code, number.get()) : Ref();
}

// Does the eval loop, entered at `next`, tell of no new line there, wherever it came from?
bool needs_line(PyCodeObject *code, int next) {
    return elw_facts.forgets_line ||
           (elw_facts.looks_back && next > 0 &&
            PyCode_Addr2Line(code, next * 2) == PyCode_Addr2Line(code, next * 2 - 2));
}

// Where the eval loop does not see that a new line begins, its event comes from here.
bool tell_line(PyThreadState *thread, ElwFrame *frame, int next, int from) {
    PyCodeObject *code = elw_code(frame);
    const int line = PyCode_Addr2Line(code, next * 2);
    if (thread->tracing > 0 || line < 0 || line == PyCode_Addr2Line(code, from * 2)) return true;
    const Untraced untraced;
    if (elw_facts.looks_back) elw_set_in_flight(frame, next, next + 1);
    elw_link(thread, frame);
    bool good = true;
    if (thread->c_tracefunc != nullptr) {
        PyFrameObject *object = PyThreadState_GetFrame(thread);
        Ref lines = Ref::steal(
            PyObject_GetAttrString(reinterpret_cast<PyObject *>(object), "f_trace_lines"));
        if (lines.get() == Py_True)
            good = thread->c_tracefunc(thread->c_traceobj, object, PyTrace_LINE, Py_None) == 0;
        Py_DECREF(object);
    }
    if (good && elw_has_tools(thread))
        good = static_cast<bool>(call_ours("line_event", code, line));
    elw_unlink(thread, frame);
    // There, if the tracer has raised; where it has sent the frame, if it has.
    if (elw_facts.looks_back && good) elw_set_next(frame, elw_in_flight(frame));
    return good;
}

} // namespace

PyObject *go_on_traced(PyThreadState *thread, ElwFrame *frame, int throwing, GoOn how) {
    if (how.failure && thread->c_tracefunc == nullptr) { // it has removed itself
        elw_link(thread, frame);
        PyEval_SetTrace(no_tracer, Py_None);
        elw_unlink(thread, frame);
    }
    const bool traced = thread->c_tracefunc != nullptr || thread->c_profilefunc != nullptr;
    const bool has_tools = elw_has_tools(thread);
    if (traced || has_tools) {
        const int next = elw_next(frame);
        if (!throwing && how.from >= 0 && needs_line(elw_code(frame), next) &&
            !tell_line(thread, frame, next, how.from))
            throwing = 1;
        const bool call = elw_facts.call_on_entry || throwing != 0;
        // Of a line that it is in, it is silent by itself then.
        const bool again = how.event != ELW_TOLD_LINE || !elw_facts.forgets_line;
        const bool told = how.event != ELW_TOLD_OTHER && again;
        if (thread->tracing == 0 && (call || told)) {
            // It lives as long as the frame runs.
            const Ref object = how.frame ? std::move(how.frame) : object_of(thread, frame);
            StandIn *here = stand_in_for<0>(thread, call);
            if (here != nullptr) here->frame = reinterpret_cast<PyFrameObject *>(object.get());
            if (here != nullptr && throwing && elw_told_line(frame) >= 0) {
                here->thrown_at = elw_in_flight(frame);
                here->line = elw_told_line(frame);
            }
            if (here != nullptr && told) {
                here->event = event_for(how.event);
                here->told = how.told;
                here->failure = std::move(how.failure);
                here->raised = std::move(how.raised);
            }
            if (call) stand_in_for<1>(thread, call);
        }
        if (throwing && has_tools && elw_facts.throw_is_event) {
            const Untraced untraced;
            PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
            PyErr_Fetch(&type, &value, &traceback);
            if (!call_ours("not_thrown", elw_code(frame), 0)) PyErr_Clear();
            PyErr_Restore(type, value, traceback);
        }
    }
    return elw_eval(thread, frame, throwing);
}

namespace {

// What the interpreter does with what the trace function has returned. Steals `result`.
bool set_local_trace(PyThreadState *thread, ElwFrame *frame, PyObject *result) {
    const Ref local = Ref::steal(result);
    if (local.get() == Py_None) return true;
    const Ref object = object_of(thread, frame);
    return object && PyObject_SetAttrString(object.get(), "f_trace", local.get()) == 0;
}

// The tools are told once more: their callback has heard of it.
bool not_heard_again(ElwFrame *frame, ElwTold event, int at, const Ref &raised) {
    PyCodeObject *code = elw_code(frame);
    const int offset = at * 2;
    const Untraced untraced;
    switch (event) {
    case ELW_TOLD_START: return static_cast<bool>(call_ours("heard_start", code, offset));
    case ELW_TOLD_RESUME: return static_cast<bool>(call_ours("heard_resume", code, offset));
    case ELW_TOLD_RETURN: return static_cast<bool>(call_ours("heard_return", code, offset));
    case ELW_TOLD_RAISE: return static_cast<bool>(call_ours("heard_raise", code, raised.get()));
    case ELW_TOLD_INSTRUCTION:
        if (!call_ours("heard_instruction", code, offset)) return false;
        [[fallthrough]];
    default:
        return elw_facts.forgets_line ||
               call_ours("heard_line", code, PyCode_Addr2Line(code, offset));
    }
}

// An exception goes on in `frame`, from its instruction `at`.
PyObject *raise_at(PyThreadState *thread, ElwFrame *frame, const CodeMap &map, int at) {
    // Entered anew, the eval loop looks for the handler of the instruction before.
    const bool shifted = elw_facts.forgets_line && at > 0 && map.handler(at) != map.handler(at - 1);
    elw_set_in_flight(frame, shifted ? at + 1 : at, at + 1);
    return go_on_traced(thread, frame, 1);
}

} // namespace

PyObject *go_on_behind_tracer(PyThreadState *thread, ElwFrame *frame, const CodeMap &map, Left left,
                              PyObject *result) {
    const ElwTold event = event_of(left.delivery);
    const bool by_function = is_of_trace_function(left.delivery);
    const int now = elw_in_flight(frame);
    const bool moved = now != left.in_flight;
    elw_leave_tracing(thread);
    elw_set_told(thread, ELW_TOLD_OTHER);
    GoOn how;
    if (result == nullptr) {
        const bool comes_again = event != ELW_TOLD_LINE && event != ELW_TOLD_INSTRUCTION;
        how.failure = fetch_raised();
        if (!by_function || !comes_again || moved) {
            const Ref object = by_function ? object_of(thread, frame) : Ref();
            if (object)
                fail(reinterpret_cast<PyFrameObject *>(object.get()), how.failure);
            else
                raise_again(how.failure);
            return raise_at(thread, frame, map, moved ? now : left.at);
        }
    } else if (by_function) {
        if (!set_local_trace(thread, frame, result)) return raise_at(thread, frame, map, left.at);
    } else {
        Py_DECREF(result);
    }
    if (moved) {
        elw_set_next(frame, now);
        how.from = left.at;
        return go_on_traced(thread, frame, 0, std::move(how));
    }
    if (!by_function && !not_heard_again(frame, event, left.at, left.raised))
        return raise_at(thread, frame, map, left.at);
    how.event = event;
    how.told = left.in_flight;
    if (event == ELW_TOLD_RAISE) {
        PyObject *type = PyTuple_GET_ITEM(left.raised.get(), 0);
        PyObject *value = PyTuple_GET_ITEM(left.raised.get(), 1);
        // The eval loop puts this frame on it once more.
        auto *newest =
            reinterpret_cast<PyTracebackObject *>(PyTuple_GET_ITEM(left.raised.get(), 2));
        auto *rest = reinterpret_cast<PyObject *>(newest->tb_next);
        how.raised = std::move(left.raised);
        PyErr_Restore(Ref::share(type).release(), Ref::share(value).release(),
                      Ref::share(rest).release());
        return go_on_traced(thread, frame, 1, std::move(how));
    }
    how.frame = object_of(thread, frame); // ahead of its RESUME it is out of sight
    // Before 3.11, what an instruction's prefixes say is not with it.
    elw_set_next(frame, elw_facts.has_block_stack ? map.reexecute_from(left.at) : left.at);
    return go_on_traced(thread, frame, 0, std::move(how));
}

bool tracers_know() {
    const StandIn &here = stand_ins[0];
    return PyThreadState_Get()->c_tracefunc == stand_in<0> && here.event >= 0 &&
           rank(here.event) == 2;
}

int tracers_running(PyThreadState *thread) {
    return thread->tracing - Untraced::levels() - elw_own_tracing(thread);
}

std::optional<Error> unkept_tracer(PyThreadState *thread) {
    stand_down(thread);
    const Untraced untraced;
    if (thread->c_tracefunc != nullptr && !is_by_settrace() && !is_known_in_c(thread->c_traceobj))
        return unkept("trace function", thread->c_traceobj);
    if (thread->c_profilefunc != nullptr &&
        !set_from_python(&PyThreadState::c_profilefunc, &PyThreadState::c_profileobj, "setprofile",
                         PyEval_SetProfile, by_setprofile))
        return unkept("profiler", thread->c_profileobj);
    return std::nullopt;
}

bool is_traced_in_c() {
    PyThreadState *thread = PyThreadState_Get();
    if (thread->c_tracefunc == nullptr) return false;
    if (thread->c_tracefunc == stand_in<0>)
        return by_settrace != nullptr && stand_ins[0].original != by_settrace;
    const Untraced untraced;
    return !is_by_settrace();
}

bool frames_are_traced() {
    ElwFrame *frame = elw_innermost(PyThreadState_Get());
    while (frame != nullptr) {
        // Before 3.11 every frame is an object.
        PyObject *object = elw_facts.has_block_stack
                               ? reinterpret_cast<PyObject *>(frame)
                               : reinterpret_cast<PyObject *>(elw_frame_object(frame));
        if (object != nullptr) {
            const Ref own = Ref::steal(PyObject_GetAttrString(object, "f_trace"));
            if (own && own.get() != Py_None) return true;
            if (!own) PyErr_Clear();
        }
        ElwEntry entry = ELW_ENTERED_FROM_C;
        PyObject *instance = nullptr;
        frame = elw_outer(frame, &entry, &instance);
    }
    return false;
}

Ref outer_frame(PyFrameObject *inner) {
    if (!elw_facts.has_block_stack) return {}; // from 3.11 on f_back is what we go by, too
    ElwEntry entry = ELW_ENTERED_FROM_C;
    PyObject *instance = nullptr;
    return Ref::share(
        reinterpret_cast<PyObject *>(elw_outer(elw_frame_of(inner), &entry, &instance)));
}

void trace_no_more() { elw_enter_tracing(PyThreadState_Get()); }
void trace_again() { elw_leave_tracing(PyThreadState_Get()); }

} // namespace elsewhere::frame
