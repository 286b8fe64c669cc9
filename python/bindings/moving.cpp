// elsewhere.suspend, elsewhere.snapshot and the two ways a program starts: fresh and resumed.

#include <chrono>
#include <memory>
#include <optional>

#include "engine/cpython/frame_abi.h"
#include "engine/cpython/imported_module.hpp"
#include "engine/cpython/line_abi.h"
#include "engine/frame/activation.hpp"
#include "engine/frame/closing.hpp"
#include "engine/frame/finalizers.hpp"
#include "engine/frame/restore.hpp"
#include "engine/frame/taking.hpp"
#include "engine/frame/told_addresses.hpp"
#include "engine/frame/tracing.hpp"
#include "engine/object/image.hpp"
#include "python/bindings/departure.hpp"
#include "python/bindings/departures.hpp"
#include "python/bindings/entry.hpp"
#include "python/bindings/handover.hpp"
#include "python/bindings/interposed.hpp"
#include "python/bindings/python_values.hpp"

namespace elsewhere::bindings {

namespace {

const char *disabled = nullptr; // why the engine refuses to work here, or null

std::string path_of(PyObject *path) {
    Ref plain = Ref::checked(PyOS_FSPath(path));
    if (PyBytes_Check(plain.get())) return PyBytes_AS_STRING(plain.get());
    return text(plain.get());
}

} // namespace

void refuse_if_disabled() {
    if (disabled != nullptr) throw Error(ErrorKind::unsupported, disabled);
}

namespace {

PyObject *suspend_function = nullptr; // the objects that programs call; owned by the module
PyObject *snapshot_function = nullptr;
PyObject *check_function = nullptr;
PyObject *measure_function = nullptr;

void depart_by_call(PyObject *path, PyObject *function, snapshot::Purpose purpose) {
    refuse_if_disabled();
    frame::CaptureRequest request;
    request.moment = frame::Moment::call;
    request.callable = function;
    depart(request, path_of(path), purpose);
}

PyObject *suspend(PyObject *, PyObject *path) {
    return entry([&]() -> Ref {
        depart_by_call(path, suspend_function, snapshot::Purpose::suspend);
        leave();
    });
}

PyObject *snapshot_(PyObject *, PyObject *path) {
    return entry([&] {
        depart_by_call(path, snapshot_function, snapshot::Purpose::checkpoint);
        return Ref::share(Py_False);
    });
}

// A dry run of snapshot(): a Report of all that stands in its way.
PyObject *check(PyObject *, PyObject *) {
    return entry([&] {
        refuse_if_disabled();
        frame::CaptureRequest request;
        request.moment = frame::Moment::call;
        request.callable = check_function;
        Ref rows = rows_of(obstacles(&request));
        Ref module = Ref::checked(imported_module("elsewhere._freezing"));
        return Ref::checked(PyObject_CallMethod(module.get(), "make_report", "O", rows.get()));
    });
}

// The rows of such a report for a program that has ended.
PyObject *check_remains(PyObject *, PyObject *) {
    return entry([&] { return rows_of(obstacles(nullptr)); });
}

// The program's result; what follows in this process is ours.
Ref ended(Ref result) {
    frame::trace_no_more();
    program_ended();
    if (!result) throw PythonError{};
    return result;
}

PyObject *run_code(PyObject *, PyObject *arguments) {
    return entry([&] {
        PyObject *code = nullptr;
        PyObject *globals = nullptr;
        if (!PyArg_ParseTuple(arguments, "O!O!:run_code", &PyCode_Type, &code, &PyDict_Type,
                              &globals))
            throw PythonError{};
        unblock_signals();
        Ref result = frame::run_hidden(code, globals);
        return ended(std::move(result));
    });
}

PyObject *run_callable(PyObject *, PyObject *const *arguments, Py_ssize_t count) {
    return entry([&] {
        if (count < 1) throw Error(ErrorKind::usage, "a callable is missing");
        unblock_signals();
        Ref result = frame::call_hidden(arguments, count);
        return ended(std::move(result));
    });
}

std::chrono::duration<double> rebuilt_in{}; // how long this process' stack took

// For bench/: seconds that reading the stack took, on average of `rounds`, and that rebuilding it
// took when this program was resumed (0 if it was not).
PyObject *measure_frames(PyObject *, PyObject *rounds) {
    return entry([&] {
        const long count = PyLong_AsLong(rounds);
        if (count == -1 && PyErr_Occurred()) throw PythonError{};
        frame::CaptureRequest request;
        request.moment = frame::Moment::call;
        request.callable = measure_function;
        const auto begun = std::chrono::steady_clock::now();
        for (long i = 0; i < count; ++i) (void)frame::capture_stack(request).value();
        const std::chrono::duration<double> captured = std::chrono::steady_clock::now() - begun;
        return Ref::checked(
            Py_BuildValue("dd", captured.count() / static_cast<double>(count), rebuilt_in.count()));
    });
}

// What the call returns that the program left from.
Ref result_of_move(int control, bool checkpoint) {
    if (control < 0) return Ref::share(checkpoint ? Py_True : Py_None);
    Ref arrival = Ref::checked(imported_module("elsewhere._travel.arrival"));
    (void)Ref::checked(PyObject_CallMethod(arrival.get(), "find_at_origin", nullptr));
    return Ref::checked(PyObject_CallMethod(arrival.get(), "value", nullptr));
}

void restore_state(PyObject *module, PyObject *state) {
    (void)Ref::checked(PyObject_CallMethod(module, "restore", "O", state));
    double monotonic = 0;
    double performance = 0;
    if (!PyArg_ParseTuple(Fields(state)["clocks"], "dd", &monotonic, &performance))
        throw PythonError{};
    continue_clocks(monotonic, performance);
}

bool begun = false; // has a resumed program executed anything?

PyObject *has_begun(PyObject *, PyObject *) { return PyBool_FromLong(begun); }

// The whole stack is in place, and nothing of the program has run yet.
void restore_tracing(Ref kept) {
    const frame::Untraced untraced;
    Ref module = Ref::steal(imported_module("elsewhere._state_tracing"));
    Ref done = Ref::steal(module ? PyObject_CallMethod(module.get(), "restore", "O", kept.get())
                                 : nullptr);
    if (!done) PyErr_WriteUnraisable(kept.get());
}

PyObject *resume_program(PyObject *, PyObject *arguments) {
    return entry([&] {
        PyObject *path = nullptr;
        int clone = 0;
        int control = -1;
        if (!PyArg_ParseTuple(arguments, "Op|i:resume_program", &path, &clone, &control))
            throw PythonError{};
        refuse_if_disabled();
        const std::string file_path = path_of(path);
        hold_snapshot(file_path, clone != 0);
        // A program that moves here is in a file in memory; one on a disk others may shorten.
        std::optional<snapshot::Mapped> mapped;
        snapshot::Snapshot file;
        if (control >= 0)
            file.header = mapped.emplace(file_path).header();
        else
            file = snapshot::read(file_path);
        Ref state_module = Ref::checked(imported_module("elsewhere._state"));
        Ref checkpoint =
            Ref::share(file.header.purpose == snapshot::Purpose::checkpoint ? Py_True : Py_False);
        Ref purpose = Ref::checked(
            PyUnicode_FromString(checkpoint.get() == Py_True ? "checkpoint" : "suspend"));
        if (PyObject_SetAttrString(state_module.get(), "purpose", purpose.get()) < 0)
            throw PythonError{};
        const int collecting = PyGC_Disable();
        const auto section = [&](snapshot::Section kind) {
            return mapped ? mapped->section(kind) : Span(file.section(kind));
        };
        auto whole = std::make_unique<object::Program>(
            object::thaw(section(snapshot::Section::frames), section(snapshot::Section::objects)));
        try {
            restore_state(state_module.get(), whole->state.get());
        } catch (...) {
            (void)whole.release(); // to let go of it would run its finalizers
            throw;
        }
        object::Program &program = *whole;
        mapped.reset();
        file = {};
        Ref tracing = Ref::share(PyDict_GetItemString(program.state.get(), "tracing"));
        program.state = Ref();
        Ref top_result = result_of_move(control, checkpoint.get() == Py_True);
        if (program.stack.frames.empty() ||
            program.stack.frames.back().delivery != frame::Delivery::result)
            top_result = Ref();
        const auto start = std::chrono::steady_clock::now();
        Ref result = frame::run_stack(std::move(program.stack), std::move(top_result), [&] {
            rebuilt_in = std::chrono::steady_clock::now() - start;
            begun = true;
            if (tracing) restore_tracing(std::exchange(tracing, Ref()));
            if (control >= 0) await_go(control, file_path);
            if (collecting == 1) PyGC_Enable(); // it runs the program's code: not before GO
            unblock_signals();
        });
        return ended(std::move(result));
    });
}

// As the interpreter does with the exception that ends a program: sys.excepthook and the rest.
PyObject *print_exception(PyObject *, PyObject *exception) {
    return entry([&] {
        Py_INCREF(exception);
        Py_INCREF(Py_TYPE(exception));
        PyErr_Restore(reinterpret_cast<PyObject *>(Py_TYPE(exception)), exception,
                      PyException_GetTraceback(exception));
        PyErr_PrintEx(1);
        return none();
    });
}

PyObject *install(PyObject *, PyObject *told) {
    return entry([&] {
        const Fields fields(told);
        SignalSettings settings;
        settings.snapshot = fields.text_or_empty("snapshot");
        settings.snapshot_given = !settings.snapshot.empty();
        settings.grace = fields.number("grace");
        settings.standard = PyDict_GetItemString(told, "unmanaged") != Py_True;
        remember_mask(fields["original_signal_mask"]);
        watch_waits();
        Ref module = Ref::checked(imported_module("elsewhere._elsewhere"));
        install_signals(module.get(), std::move(settings));
        return none();
    });
}

// In Python 3.12.1 a tee crashes if the last garbage collection clears its type before it, and
// which comes first depends on when collections happened. A reference that is never dropped keeps
// the types from being garbage.
void outlive_iterators() {
    PyObject *itertools = PyDict_GetItemString(PyImport_GetModuleDict(), "itertools");
    if (itertools == nullptr || !PyModule_Check(itertools)) return;
    PyObject *name = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(PyModule_GetDict(itertools), &at, &name, &value);)
        if (PyType_Check(value)) Py_INCREF(value);
}

PyObject *is_traced_in_c(PyObject *, PyObject *) {
    return PyBool_FromLong(frame::is_traced_in_c());
}

PyObject *frames_are_traced(PyObject *, PyObject *) {
    return PyBool_FromLong(frame::frames_are_traced());
}

PyObject *outer_frame(PyObject *, PyObject *inner) {
    return entry([&] {
        if (!PyFrame_Check(inner)) throw Error(ErrorKind::usage, "not a frame");
        Ref outer = frame::outer_frame(reinterpret_cast<PyFrameObject *>(inner));
        return outer ? std::move(outer) : none();
    });
}

PyObject *set_told_line(PyObject *, PyObject *arguments) {
    return entry([&] {
        PyObject *frame = nullptr;
        int line = 0;
        if (!PyArg_ParseTuple(arguments, "O!i:set_told_line", &PyFrame_Type, &frame, &line))
            throw PythonError{};
        elw_set_told_line(elw_frame_of(reinterpret_cast<PyFrameObject *>(frame)), line);
        return none();
    });
}

PyObject *trace_again(PyObject *, PyObject *) {
    return entry([&] {
        frame::trace_again();
        return none();
    });
}

PyObject *stop(PyObject *, PyObject *) {
    return entry([&] {
        outlive_iterators();
        stop_signals();
        return none();
    });
}

// The header of a snapshot as a dict; the whole file is checked first.
PyObject *read_header(PyObject *, PyObject *path) {
    return entry([&] {
        const snapshot::Header header = snapshot::read_header(path_of(path));
        auto list = [](const std::vector<std::string> &texts) {
            Ref all = Ref::checked(PyList_New(0));
            for (const std::string &one : texts) {
                Ref item = Ref::checked(PyUnicode_DecodeUTF8(
                    one.data(), static_cast<Py_ssize_t>(one.size()), "surrogateescape"));
                if (PyList_Append(all.get(), item.get()) < 0) throw PythonError{};
            }
            return all;
        };
        Ref seed =
            header.hash_seed ? Ref::checked(PyLong_FromUnsignedLong(*header.hash_seed)) : none();
        Ref arguments = list(header.arguments);
        Ref options = list(header.interpreter_arguments);
        return Ref::checked(Py_BuildValue(
            "{s:s,s:s,s:s,s:i,s:s,s:O,s:O,s:O}", "python_tag", header.python_tag.c_str(),
            "python_version", header.python_version.c_str(), "executable",
            header.executable.c_str(), "target", static_cast<int>(header.target), "program",
            header.program.c_str(), "arguments", arguments.get(), "interpreter_arguments",
            options.get(), "hash_seed", seed.get()));
    });
}

PyMethodDef methods[] = {
    {"suspend", suspend, METH_O,
     "suspend(path)\n--\n\n"
     "Write the running program to the file `path` and end the process with exit code 75.\n\n"
     "Returns None in the program that is resumed from the file. No finally block, exit handler\n"
     "or finalizer runs: they belong to the program's later life.\n\n"
     "Raises elsewhere.errors.Refused if a frame or an object cannot be kept, CannotWrite if the\n"
     "file cannot be written; the program then goes on, and an earlier file is untouched."},
    {"snapshot", snapshot_, METH_O,
     "snapshot(path)\n--\n\n"
     "Write the running program to the file `path` and go on.\n\n"
     "Returns False in the program that goes on, True in one that is resumed from the file.\n"
     "Raises like suspend."},
    {"check", check, METH_NOARGS,
     "check()\n--\n\n"
     "Tell everything that stands in the way of suspending the running program just now.\n\n"
     "Returns a Report: true if there is nothing, else its problems with path, reason and hint.\n"
     "Writes nothing and changes nothing."},
    {"check_remains", check_remains, METH_NOARGS,
     "check_remains()\n--\n\nWhat could not be kept of a program that has ended."},
    {"run_code", run_code, METH_VARARGS, "run_code(code, globals)\n--\n\nEvaluate a main program."},
    {"run_callable", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(run_callable)),
     METH_FASTCALL, "run_callable(callable, *arguments)\n--\n\nCall with no frame outside."},
    {"resume_program", resume_program, METH_VARARGS,
     "resume_program(path, clone, control=-1)\n--\n\nRebuild a program and run it to its end."},
    {"has_begun", has_begun, METH_NOARGS,
     "has_begun()\n--\n\nDoes a resumed program execute its own code?"},
    {"print_exception", print_exception, METH_O,
     "print_exception(exception)\n--\n\nShow an exception as the interpreter's end does."},
    {"install", install, METH_O, "install(told)\n--\n\nTake the signals that suspend."},
    {"stop", stop, METH_NOARGS, "stop()\n--\n\nThe program has ended: no more suspends."},
    {"trace_again", trace_again, METH_NOARGS,
     "trace_again()\n--\n\nTrace functions hear again what happens."},
    {"is_traced_in_c", is_traced_in_c, METH_NOARGS,
     "is_traced_in_c()\n--\n\nHas C code set the trace function, and not sys.settrace?"},
    {"frames_are_traced", frames_are_traced, METH_NOARGS,
     "frames_are_traced()\n--\n\nDoes a frame on the stack have a trace function of its own?"},
    {"set_told_line", set_told_line, METH_VARARGS,
     "set_told_line(frame, line)\n--\n\nSet f_lineno, which is the line that was told last (3.9)."},
    {"outer_frame", outer_frame, METH_O,
     "outer_frame(frame)\n--\n\nThe one outside, where f_back does not know it, or None."},
    {"measure_frames", measure_frames, METH_O,
     "measure_frames(rounds)\n--\n\nSeconds to (capture, rebuild) the stack."},
    {"read_header", read_header, METH_O, "read_header(path)\n--\n\nThe header of a snapshot."},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

void add_moving(PyObject *module) {
    disabled = elw_self_test();
    frame::watch_finalizers();
    frame::install_resumable_builtins();
    frame::install_resumable_iterators();
    frame::install_class_statement();
    frame::install_resumable_membership();
    frame::install_resumable_heaps();
    frame::install_resumable_bisection();
    frame::watch_taking();
    frame::watch_closing();
    frame::listen_to_id();
    if (disabled == nullptr) {
        const frame::Untraced untraced;
        disabled = frame::self_test();
    }
    Ref reason = disabled == nullptr ? none() : Ref::checked(PyUnicode_FromString(disabled));
    if (PyModule_AddObjectRef(module, "disabled", reason.get()) < 0) throw PythonError{};
    // As builtin functions of `elsewhere`: that is where programs find them.
    Ref name = Ref::checked(PyUnicode_FromString("elsewhere"));
    for (PyMethodDef *method = methods; method->ml_name != nullptr; ++method) {
        Ref function = Ref::checked(PyCFunction_NewEx(method, nullptr, name.get()));
        if (PyModule_AddObjectRef(module, method->ml_name, function.get()) < 0) throw PythonError{};
        if (method->ml_meth == suspend) suspend_function = function.get();
        if (method->ml_meth == snapshot_) snapshot_function = function.get();
        if (method->ml_meth == check) check_function = function.get();
        if (method->ml_meth == measure_frames) measure_function = function.get();
    }
}

} // namespace elsewhere::bindings
