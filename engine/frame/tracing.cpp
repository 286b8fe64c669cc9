#include "engine/frame/tracing.hpp"

#include <string_view>
#include <utility>

#include "engine/cpython/ref.hpp"

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
    Ref sys = Ref::steal(PyImport_ImportModule("sys"));
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

Error unkept(const char *what, PyObject *object) {
    const std::string_view type(object != nullptr ? Py_TYPE(object)->tp_name : "?");
    if (type.starts_with("coverage."))
        return {ErrorKind::refused, "coverage's C tracer is active: its state is in C",
                "run coverage with COVERAGE_CORE=sysmon or COVERAGE_CORE=pytrace"};
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
    bool call = false; // an event "call" is not one
    PyFrameObject *frame = nullptr;
    bool again = false; // nor is an event "opcode" of it
    int told = -1;      // nor is the line of this instruction of `frame`, which is not looked into
};
StandIn stand_ins[] = {{&PyThreadState::c_tracefunc}, {&PyThreadState::c_profilefunc}};

template <int which> int stand_in(PyObject *self, PyFrameObject *frame, int what, PyObject *value) {
    StandIn &here = stand_ins[which];
    PyThreadState *thread = PyThreadState_Get();
    if (std::exchange(here.call, false) && what == PyTrace_CALL) {
        if (here.told < 0) thread->*here.place = here.original;
        return 0;
    }
    thread->*here.place = here.original;
    if ((what == PyTrace_LINE || (what == PyTrace_OPCODE && here.again)) && frame == here.frame &&
        elw_in_flight(elw_frame_of(frame)) == here.told)
        return 0;
    return here.original(self, frame, what, value);
}

template <int which>
void stand_in_for(PyThreadState *thread, bool call, PyFrameObject *frame, int told, bool again) {
    StandIn &here = stand_ins[which];
    if (thread->*here.place == nullptr || thread->*here.place == stand_in<which>) return;
    here.original = thread->*here.place;
    here.call = call;
    here.frame = frame;
    here.told = told;
    here.again = again;
    thread->*here.place = stand_in<which>;
}

void stand_down(PyThreadState *thread) {
    if (thread->c_tracefunc == stand_in<0>) thread->c_tracefunc = stand_ins[0].original;
    if (thread->c_profilefunc == stand_in<1>) thread->c_profilefunc = stand_ins[1].original;
}

// The frame object, whether or not the program has one.
Ref object_of(PyThreadState *thread, ElwFrame *frame) {
    elw_link(thread, frame);
    Ref object = Ref::steal(reinterpret_cast<PyObject *>(PyThreadState_GetFrame(thread)));
    elw_unlink(thread, frame);
    return object;
}

Ref call_ours(const char *name, PyObject *first, int second) {
    Ref module = Ref::steal(PyImport_ImportModule("elsewhere._state_tracing"));
    return Ref::steal(module ? PyObject_CallMethod(module.get(), name, "Oi", first, second)
                             : nullptr);
}

// Where the eval loop does not see that a new line begins, its event comes from here.
bool tell_line(PyThreadState *thread, ElwFrame *frame, int next, int from) {
    PyCodeObject *code = elw_code(frame);
    const int line = PyCode_Addr2Line(code, next * 2);
    if (thread->tracing > 0 || line < 0 || line == PyCode_Addr2Line(code, from * 2)) return true;
    const Untraced untraced;
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
        good = static_cast<bool>(call_ours("line_event", reinterpret_cast<PyObject *>(code), line));
    elw_unlink(thread, frame);
    return good;
}

} // namespace

PyObject *go_on_traced(PyThreadState *thread, ElwFrame *frame, int throwing, int told, int from,
                       bool again) {
    const bool traced = thread->c_tracefunc != nullptr || thread->c_profilefunc != nullptr;
    const bool has_tools = elw_has_tools(thread);
    if (traced || has_tools) {
        const int next = elw_next(frame);
        if (!throwing && elw_facts.forgets_line && from >= 0 &&
            !tell_line(thread, frame, next, from))
            throwing = 1;
        const bool call = elw_facts.call_on_entry || (throwing != 0 && elw_facts.throw_is_event);
        if (elw_facts.forgets_line && !again) told = -1; // and of that it is silent by itself
        if (thread->tracing == 0 && (call || told >= 0)) {
            const Ref object = object_of(thread, frame); // it lives as long as the frame runs
            stand_in_for<0>(thread, call, reinterpret_cast<PyFrameObject *>(object.get()), told,
                            again);
            if (call) stand_in_for<1>(thread, call, nullptr, -1, false);
        }
        if (throwing && has_tools && elw_facts.throw_is_event) {
            const Untraced untraced;
            PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
            PyErr_Fetch(&type, &value, &traceback);
            if (!call_ours("not_thrown", reinterpret_cast<PyObject *>(elw_code(frame)), 0))
                PyErr_Clear();
            PyErr_Restore(type, value, traceback);
        }
    }
    return elw_eval(thread, frame, throwing);
}

bool is_told(ElwFrame *outer, ElwFrame *inner) {
    auto *frame = reinterpret_cast<PyObject *>(elw_frame_object(outer));
    const int count = elw_code(inner)->co_argcount;
    for (int i = 0; frame != nullptr && i + 1 < count && i < 2; ++i) {
        PyObject *event = elw_argument(inner, i + 1);
        if (elw_argument(inner, i) == frame && event != nullptr && PyUnicode_Check(event))
            return PyUnicode_CompareWithASCIIString(event, "line") == 0 ||
                   PyUnicode_CompareWithASCIIString(event, "opcode") == 0;
    }
    return false;
}

namespace {

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

} // namespace

ElwTold is_called_back(PyThreadState *thread, ElwFrame *outer, ElwFrame *inner) {
    const ElwTold told = elw_told(thread);
    PyObject *callback = elw_only_callback(thread, told);
    if (callback == nullptr) return ELW_TOLD_OTHER;
    const int first = PyMethod_Check(callback) ? 1 : 0; // behind self
    if (first != 0) callback = PyMethod_GET_FUNCTION(callback);
    if (!PyFunction_Check(callback) ||
        PyFunction_GET_CODE(callback) != reinterpret_cast<PyObject *>(elw_code(inner)))
        return ELW_TOLD_OTHER;
    PyCodeObject *code = elw_code(outer);
    PyObject *number = given(inner, first + 1);
    if (given(inner, first) != reinterpret_cast<PyObject *>(code) || number == nullptr ||
        !PyLong_CheckExact(number))
        return ELW_TOLD_OTHER;
    const int offset = elw_in_flight(outer) * 2;
    const int expected = told == ELW_TOLD_LINE ? PyCode_Addr2Line(code, offset) : offset;
    return PyLong_AsLong(number) == expected ? told : ELW_TOLD_OTHER;
}

bool end_of_callback(PyThreadState *thread, ElwFrame *frame, ElwTold told, bool moved,
                     PyObject *result) {
    const Ref returned = Ref::steal(result);
    elw_leave_tracing(thread);
    elw_set_told(thread, ELW_TOLD_OTHER);
    if (!returned || moved) return static_cast<bool>(returned);
    auto *code = reinterpret_cast<PyObject *>(elw_code(frame));
    const int offset = elw_in_flight(frame) * 2;
    const Untraced untraced;
    if (told == ELW_TOLD_INSTRUCTION && !call_ours("heard_instruction", code, offset)) return false;
    return elw_facts.forgets_line ||
           call_ours("heard_line", code, PyCode_Addr2Line(elw_code(frame), offset));
}

bool end_of_trace_function(PyThreadState *thread, ElwFrame *frame, PyObject *result) {
    const Ref local = Ref::steal(result);
    const Ref object = object_of(thread, frame);
    elw_leave_tracing(thread);
    if (!object) return false;
    elw_set_told(thread, ELW_TOLD_OTHER);
    if (!local) {
        PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
        PyErr_Fetch(&type, &value, &traceback);
        PyEval_SetTrace(nullptr, nullptr);
        if (PyObject_SetAttrString(object.get(), "f_trace", Py_None) < 0) PyErr_Clear();
        PyErr_Restore(type, value, traceback);
        return false;
    }
    return local.get() == Py_None ||
           PyObject_SetAttrString(object.get(), "f_trace", local.get()) == 0;
}

int tracers_running(PyThreadState *thread) {
    return thread->tracing - Untraced::levels() - elw_own_tracing(thread);
}

std::optional<Error> unkept_tracer(PyThreadState *thread) {
    stand_down(thread);
    const Untraced untraced;
    if (thread->c_tracefunc != nullptr &&
        !set_from_python(&PyThreadState::c_tracefunc, &PyThreadState::c_traceobj, "settrace",
                         PyEval_SetTrace, by_settrace))
        return unkept("trace function", thread->c_traceobj);
    if (thread->c_profilefunc != nullptr &&
        !set_from_python(&PyThreadState::c_profilefunc, &PyThreadState::c_profileobj, "setprofile",
                         PyEval_SetProfile, by_setprofile))
        return unkept("profiler", thread->c_profileobj);
    return std::nullopt;
}

void trace_no_more() { elw_enter_tracing(PyThreadState_Get()); }
void trace_again() { elw_leave_tracing(PyThreadState_Get()); }

} // namespace elsewhere::frame
