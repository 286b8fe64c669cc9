// elsewhere.teleport and elsewhere.fork: the running program, handed over to another interpreter.
#include "python/bindings/handover.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/fd.hpp"
#include "engine/cpython/imported_module.hpp"
#include "python/bindings/departure.hpp"
#include "python/bindings/entry.hpp"
#include "python/bindings/head_start.hpp"
#include "python/bindings/python_values.hpp"
#include "python/bindings/state.hpp"

namespace elsewhere::bindings {

namespace {

PyObject *teleport_function = nullptr; // what programs call; owned by the module
PyObject *fork_function = nullptr;

// Stack, objects and state of the program that called `function`.
Ref read_program(PyObject *function) {
    frame::CaptureRequest request;
    request.moment = frame::Moment::call;
    request.callable = function;
    return state_of(take_snapshot(request, snapshot::Purpose::suspend));
}

// `way`: has reached the far side. Hands over, or leaves the program as it was.
Ref hand_over(const Ref &way, PyObject *function) {
    try {
        const Ref state = read_program(function);
        return Ref::checked(PyObject_CallMethod(way.get(), "hand_over", "O", state.get()));
    } catch (const Error &error) {
        (void)Ref::checked(PyObject_CallMethod(way.get(), "abandon", nullptr));
        throw error;
    } catch (const PythonError &) {
        PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
        PyErr_Fetch(&type, &value, &traceback);
        Ref done = Ref::steal(PyObject_CallMethod(way.get(), "abandon", nullptr));
        PyErr_Restore(type, value, traceback);
        throw;
    }
}

PyObject *teleport(PyObject *, PyObject *spec) {
    return entry([&] {
        refuse_if_disabled();
        // As open_gateway() in elsewhere/_gateway/group.py has it.
        const std::string python =
            std::to_string(PY_MAJOR_VERSION) + "." + std::to_string(PY_MINOR_VERSION);
        transport::HeadStart begun;
        begin_way(begun, spec, python);
        Ref origin = Ref::checked(imported_module("elsewhere._travel.origin"));
        Ref way = Ref::checked(PyObject_CallMethod(origin.get(), "reach", "O", spec));
        (void)hand_over(way, teleport_function);
        (void)Ref::checked(PyObject_CallMethod(way.get(), "leave", nullptr));
        return none(); // leave() ends the process
    });
}

PyObject *fork_(PyObject *, PyObject *arguments, PyObject *keywords) {
    return entry([&] {
        refuse_if_disabled();
        PyObject *spec = nullptr, *values = nullptr, *count = nullptr;
        static const char *names[] = {"spec", "values", "n", nullptr};
        if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|O$O:fork",
                                         const_cast<char **>(names), &spec, &values, &count))
            throw PythonError{};
        if (values != nullptr && count != nullptr)
            throw Error(ErrorKind::usage, "fork takes n or values, not both");
        Ref one = Ref::checked(PyLong_FromLong(1));
        PyObject *wanted = values != nullptr ? values : count != nullptr ? count : one.get();
        Ref children = Ref::checked(imported_module("elsewhere._travel.children"));
        Ref way = Ref::checked(PyObject_CallMethod(children.get(), "Litter", "OO", spec, wanted));
        return hand_over(way, fork_function);
    });
}

bool arrived = false; // this program came over a link, and was told to go

// Reads exactly so much; false at the end of the stream.
bool read_all(int fd, char *data, std::size_t size) {
    while (size > 0) {
        const ssize_t n = ::read(fd, data, size);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        data += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

std::string place_after_a_lost_link() {
    Ref module = Ref::checked(imported_module("elsewhere._travel.arrival"));
    Ref path = Ref::checked(PyObject_GetAttrString(module.get(), "path"));
    return text(path.get());
}

void make_folder_of(const std::string &path) {
    for (auto end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1))
        ::mkdir(path.substr(0, end).c_str(), 0777);
}

// READY was said, and whether GO was meant to follow can be known to nobody here: there may be a
// runner elsewhere, so this process does not run, and what it would have run is not lost.
[[noreturn]] void keep_unconfirmed(const std::string &state, const std::string &path) {
    ::umask(077);
    try {
        make_folder_of(path);
        const Fd file(::open(state.c_str(), O_RDONLY | O_CLOEXEC));
        snapshot::write_copy(path, file.get());
    } catch (const std::exception &) {
        ::_exit(exit_code(ErrorKind::unwritable)); // the origin has kept it as well
    }
    ::_exit(0);
}

PyObject *has_arrived(PyObject *, PyObject *) {
    return entry([] { return Ref::share(arrived ? Py_True : Py_False); });
}

PyMethodDef methods[] = {
    {"teleport", teleport, METH_O,
     "teleport(spec)\n--\n\n"
     "Go on in the interpreter that `spec` names, e.g. \"ssh=user@host\" or \"popen\".\n\n"
     "Returns None over there. This process becomes a pipe for stdio, signals and window size and\n"
     "ends as the program ends. No finally block, exit handler or finalizer runs here.\n\n"
     "Raises elsewhere.errors.Error (Unreachable, Unsupported, Refused, ...) if the program "
     "cannot\n"
     "go there; it then goes on here."},
    {"fork", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(fork_)),
     METH_VARARGS | METH_KEYWORDS,
     "fork(spec, values=None, *, n=1)\n--\n\n"
     "Copy the running program to the interpreter that `spec` names; this one goes on.\n\n"
     "Returns here a Child (n == 1) or a list of n Children, one for each of `values` if given.\n"
     "Returns in a child its value; without `values` its number, from 0. `fork(spec, 3)` is "
     "n=3.\n\n"
     "Raises like teleport."},
    {"has_arrived", has_arrived, METH_NOARGS, "has_arrived()\n--\n\nWas GO said to this program?"},
    {nullptr, nullptr, 0, nullptr},
};

} // namespace

void await_go(int control, const std::string &state) {
    // Messages as in python/elsewhere/_travel/arrival.py: size, then a tuple by marshal.
    static constexpr char ready[] = "\x0f\0\0\0(\x01\0\0\0u\x05\0\0\0ready";
    static constexpr char go[] = "\x0c\0\0\0(\x01\0\0\0u\x02\0\0\0go";
    static constexpr char gone[] = "\x0e\0\0\0(\x01\0\0\0u\x04\0\0\0gone";
    const std::string path = place_after_a_lost_link();
    if (::write(control, ready, sizeof ready - 1) != sizeof ready - 1)
        ::_exit(0); // nobody was told that this one is ready
    char heard[sizeof go - 1];
    if (!read_all(control, heard, sizeof heard) || std::memcmp(heard, go, sizeof heard) != 0)
        keep_unconfirmed(state, path);
    (void)!::write(control, gone, sizeof gone - 1); // if nobody hears it, a signal has come
    arrived = true;
}

void add_handover(PyObject *module) {
    Ref name = Ref::checked(PyUnicode_FromString("elsewhere"));
    for (PyMethodDef *method = methods; method->ml_name != nullptr; ++method) {
        Ref function = Ref::checked(PyCFunction_NewEx(method, nullptr, name.get()));
        if (PyModule_AddObjectRef(module, method->ml_name, function.get()) < 0) throw PythonError{};
        if (method->ml_meth == teleport) teleport_function = function.get();
        if (std::strcmp(method->ml_name, "fork") == 0) fork_function = function.get();
    }
}

} // namespace elsewhere::bindings
