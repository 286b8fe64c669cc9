#include "python/bindings/departure.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/base/fd.hpp"
#include "engine/cpython/frame_abi.h"
#include "engine/cpython/imported_module.hpp"
#include "engine/object/image.hpp"
#include "python/bindings/interposed.hpp"
#include "python/bindings/python_values.hpp"

namespace elsewhere::bindings {

namespace {

// The stack must be the program's: `__main__`'s body at the bottom, or runpy on its way there.
void check_outermost(const frame::StackRecord &stack) {
    const frame::FrameRecord &outermost = stack.frames.front();
    auto *code = reinterpret_cast<PyCodeObject *>(outermost.code.get());
    Ref modules = Ref::share(PyImport_GetModuleDict());
    PyObject *main = PyDict_GetItemString(modules.get(), "__main__");
    if (main != nullptr && PyModule_Check(main) &&
        outermost.globals.get() == PyModule_GetDict(main))
        return;
    PyObject *session = PyDict_GetItemString(modules.get(), "elsewhere._console");
    if (session != nullptr && PyModule_Check(session) &&
        outermost.globals.get() == PyModule_GetDict(session))
        return;
    PyObject *runpy = PyDict_GetItemString(modules.get(), "runpy");
    if (runpy != nullptr && PyModule_Check(runpy) &&
        outermost.globals.get() == PyModule_GetDict(runpy))
        return;
    throw Error(ErrorKind::refused,
                "cannot leave from " + text(elw_qualname(code)) +
                    ": the main program is not on the stack",
                "suspend while the main program runs, not from an exit handler or a callback");
}

snapshot::Header header_of_program() {
    Ref module = Ref::checked(imported_module("elsewhere._program"));
    Ref told = Ref::checked(PyObject_CallMethod(module.get(), "header", nullptr));
    snapshot::Header header;
    const Fields fields(told.get());
    header.python_tag = fields.text("python_tag");
    header.python_version = fields.text("python_version");
    header.executable = fields.text("executable");
    header.interpreter_arguments = fields.texts("interpreter_arguments");
    header.creator = fields.text("creator");
    header.target = static_cast<snapshot::Target>(fields.integer("target"));
    header.program = fields.text("program");
    header.arguments = fields.texts("arguments");
    header.directory = fields.text("directory");
    if (!fields.is_none("hash_seed"))
        header.hash_seed = static_cast<std::uint32_t>(fields.integer("hash_seed"));
    header.created = static_cast<std::uint64_t>(fields.integer("created"));
    header.generation = static_cast<std::uint32_t>(fields.integer("generation"));
    const std::string id = fields.bytes("id");
    if (id.size() != header.id.size())
        throw Error(ErrorKind::internal, "a program id of wrong size");
    std::copy(id.begin(), id.end(), header.id.begin());
    return header;
}

} // namespace

std::vector<snapshot::Part> Departure::parts() const {
    return {{snapshot::Section::frames, {Span(image.frames)}},
            {snapshot::Section::objects, image.objects.pieces()}};
}

Departure take_snapshot(const frame::CaptureRequest &request, snapshot::Purpose purpose) {
    if (getpid() != static_cast<pid_t>(syscall(SYS_gettid)))
        throw Error(ErrorKind::refused, "only the main thread can leave",
                    "call it from the main thread");
    object::Program program;
    program.stack = frame::capture_stack(request).value();
    check_outermost(program.stack);
    const Quiet quiet;
    Ref module = Ref::checked(imported_module("elsewhere._state"));
    program.state = Ref::checked(PyObject_CallMethod(module.get(), "capture", nullptr));
    program.last = Ref::checked(PyObject_CallMethod(module.get(), "ask_last", nullptr));
    const Clocks clocks = read_clocks();
    Ref times = Ref::checked(Py_BuildValue("dd", clocks.monotonic, clocks.perf_counter));
    if (PyDict_SetItemString(program.state.get(), "clocks", times.get()) < 0) throw PythonError{};
    Departure taken;
    taken.image = object::freeze(program);
    taken.header = header_of_program();
    taken.header.purpose = purpose;
    return taken;
}

std::vector<object::Problem> obstacles(const frame::CaptureRequest *request) {
    std::vector<object::Problem> found;
    object::Program program;
    try {
        if (request != nullptr) {
            program.stack = frame::capture_stack(*request).value();
            check_outermost(program.stack);
        }
    } catch (const Error &error) {
        found.push_back({"", error.message(), error.hint()});
    }
    const Quiet quiet;
    try {
        Ref module = Ref::checked(imported_module("elsewhere._state"));
        program.state = Ref::checked(PyObject_CallMethod(module.get(), "capture", nullptr));
    } catch (const PythonError &) {
        const Error error = error_from_python();
        found.push_back({"", error.message(), error.hint()});
        program.state = Ref::checked(PyDict_New());
    }
    std::vector<object::Problem> objects = object::problems_of(program);
    std::move(objects.begin(), objects.end(), std::back_inserter(found));
    return found;
}

void depart(const frame::CaptureRequest &request, const std::string &path,
            snapshot::Purpose purpose) {
    const Departure taken = take_snapshot(request, purpose);
    snapshot::write(path, taken.header, taken.parts());
    if (purpose == snapshot::Purpose::checkpoint) hold_snapshot(path, true);
}

void hold_snapshot(const std::string &path, bool clone) {
    static Fd held;
    Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
        throw Error(ErrorKind::missing, "cannot open " + path + ": " + std::strerror(errno),
                    "name an existing snapshot");
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && !clone)
        throw Error(ErrorKind::refused,
                    path + " has been resumed and that program is still running",
                    "end it first, or start a second one with --clone");
    held = std::move(file);
    // A forked child is no life of the program.
    static const int watched = pthread_atfork(nullptr, nullptr, [] { held.reset(); });
    (void)watched;
}

void leave() {
    give_back_terminal();
    std::fflush(nullptr);
    _exit(75);
}

Error error_from_python() {
    PyObject *type = nullptr;
    PyObject *value = nullptr;
    PyObject *traceback = nullptr;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    const Ref t = Ref::steal(type);
    const Ref v = Ref::steal(value);
    const Ref b = Ref::steal(traceback);
    if (!v) return Error(ErrorKind::internal, "an error without an exception");
    Ref message = Ref::steal(PyObject_GetAttrString(v.get(), "message"));
    Ref hint = Ref::steal(PyObject_GetAttrString(v.get(), "hint"));
    Ref code = Ref::steal(PyObject_GetAttrString(v.get(), "exit_code"));
    PyErr_Clear();
    if (message && hint && code && PyUnicode_Check(message.get()) && PyUnicode_Check(hint.get())) {
        ErrorKind kind = ErrorKind::refused;
        const long exit = PyLong_AsLong(code.get());
#define ELSEWHERE_ERROR_KIND(name, python_class, python_base, exit_code)                           \
    if (exit == exit_code) kind = ErrorKind::name;
#include <elsewhere/error_kinds.def>
#undef ELSEWHERE_ERROR_KIND
        PyErr_Clear();
        return Error(kind, text(message.get()), text(hint.get()));
    }
    Ref shown = Ref::steal(PyObject_Str(v.get()));
    PyErr_Clear();
    return Error(ErrorKind::refused, std::string(Py_TYPE(v.get())->tp_name) + ": " +
                                         (shown ? text(shown.get()) : std::string()));
}

} // namespace elsewhere::bindings
