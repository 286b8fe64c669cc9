#include "python/bindings/interposed.hpp"

#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <string_view>

#include "core/base/error.hpp"
#include "engine/cpython/imported_module.hpp"
#include "engine/frame/method_tables.hpp"
#include "python/bindings/entry.hpp"

namespace elsewhere::bindings {

namespace {

using frame::definition_of;
using frame::erase;
using frame::interpose;

double seconds_now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

// ---- waits ----

struct Wait {
    PyMethodDef *function = nullptr;
    double begun = 0;
};
Wait current_wait; // of the main thread
unsigned long main_thread = 0;

class WaitNoted {
  public:
    explicit WaitNoted(PyMethodDef *function)
        : main_(PyThread_get_thread_ident() == main_thread), outer_(current_wait) {
        if (main_) current_wait = {function, seconds_now()};
    }
    ~WaitNoted() {
        if (main_) current_wait = outer_;
    }
    WaitNoted(const WaitNoted &) = delete;
    WaitNoted &operator=(const WaitNoted &) = delete;

  private:
    bool main_;
    Wait outer_; // a signal handler may wait within a wait
};

PyMethodDef *sleep_definition = nullptr;
PyCFunction original_sleep = nullptr;
PyObject *sleep(PyObject *self, PyObject *seconds) {
    const WaitNoted noted(sleep_definition);
    return original_sleep(self, seconds);
}

// Lock.acquire and RLock.acquire: f(self, args, kwargs), from 3.15 on a vector of arguments.
template <int which> struct Acquire {
    using Fast = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);
    static inline PyMethodDef *definition = nullptr;
    static inline PyCFunction original = nullptr;
    static PyObject *call(PyObject *self, PyObject *arguments, PyObject *keywords) {
        const WaitNoted noted(definition);
        return frame::original_of<PyCFunctionWithKeywords>(original)(self, arguments, keywords);
    }
    static PyObject *call_fast(PyObject *self, PyObject *const *arguments, Py_ssize_t count,
                               PyObject *names) {
        const WaitNoted noted(definition);
        return frame::original_of<Fast>(original)(self, arguments, count, names);
    }
    static void install(const char *type) {
        definition = definition_of("_thread", type, "acquire");
        const bool fast = (definition->ml_flags & METH_FASTCALL) != 0;
        original = interpose(definition, (fast ? METH_FASTCALL : METH_VARARGS) | METH_KEYWORDS,
                             fast ? erase(call_fast) : erase(call));
    }
};
using PyCFunctionFastWithKeywords = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t,
                                                  PyObject *);
using AcquireLock = Acquire<0>;
using AcquireRLock = Acquire<1>;

// input() at a terminal: the kernel keeps what is typed until the line is whole, or readline does,
// and that is lost. From a pipe part of a line may have been read already, and it has to wait.
PyMethodDef *input_definition = nullptr;
PyObject *(*original_input)(PyObject *, PyObject *const *, Py_ssize_t) = nullptr;
bool terminal_waits = false;
termios terminal_before;
PyObject *input(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    if (PyThread_get_thread_ident() != main_thread || tcgetattr(0, &terminal_before) != 0)
        return original_input(self, arguments, count);
    const WaitNoted noted(input_definition);
    terminal_waits = true;
    PyObject *line = original_input(self, arguments, count);
    terminal_waits = false;
    return line;
}

PyMethodDef *select_definition = nullptr;
PyObject *(*original_select)(PyObject *, PyObject *const *, Py_ssize_t) = nullptr;
PyObject *select(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    const WaitNoted noted(select_definition);
    return original_select(self, arguments, count);
}

PyMethodDef *poll_definition = nullptr;
PyCFunctionFastWithKeywords original_poll = nullptr;
PyObject *poll(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    const WaitNoted noted(poll_definition);
    return original_poll(self, arguments, count, names);
}

PyMethodDef *get_definition = nullptr;
PyCFunctionFastWithKeywords original_plain_get = nullptr;
PyObject *plain_get(PyObject *self, PyObject *const *arguments, Py_ssize_t count, PyObject *names) {
    const WaitNoted noted(get_definition);
    return original_plain_get(self, arguments, count, names);
}
PyCMethod original_get = nullptr; // the same, from 3.10 on
PyObject *get(PyObject *self, PyTypeObject *owner, PyObject *const *arguments, size_t count,
              PyObject *names) {
    const WaitNoted noted(get_definition);
    return original_get(self, owner, arguments, count, names);
}

// These two modules are rarely loaded yet. Their method tables stay when they are forgotten again,
// so that sys.modules shows what it would show without us.
template <typename Install> void in_module(const char *name, Install install) {
    PyObject *modules = PyImport_GetModuleDict();
    const bool loaded = PyDict_GetItemString(modules, name) != nullptr;
    install();
    if (!loaded && PyDict_DelItemString(modules, name) < 0) throw PythonError{};
}

// ---- clocks ----

template <int which> struct Clock {
    static inline PyCFunction original = nullptr;
    static inline double shift = 0;
    static PyObject *seconds(PyObject *self, PyObject *none) {
        Ref value = Ref::steal(original(self, none));
        return value ? PyFloat_FromDouble(PyFloat_AsDouble(value.get()) + shift) : nullptr;
    }
    static PyObject *nanoseconds(PyObject *self, PyObject *none) {
        Ref value = Ref::steal(original(self, none));
        if (!value) return nullptr;
        return PyLong_FromLongLong(PyLong_AsLongLong(value.get()) +
                                   static_cast<long long>(shift * 1e9));
    }
    static void install(const char *name, double by, bool in_nanoseconds) {
        PyCFunction ours = in_nanoseconds ? nanoseconds : seconds;
        PyCFunction found = interpose(definition_of("time", nullptr, name), METH_NOARGS, ours);
        if (found != nullptr) original = found;
        shift = by;
    }
};

double clock_value(const char *name) {
    Ref module = Ref::checked(imported_module("time"));
    Ref value = Ref::checked(PyObject_CallMethod(module.get(), name, nullptr));
    return PyFloat_AsDouble(value.get());
}

// ---- signal.signal ----

using FastCall = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t);
FastCall original_signal = nullptr;
PyObject *our_signal_handler = nullptr;

PyObject *set_signal(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    PyObject *old = original_signal(self, arguments, count);
    if (old == nullptr || count != 2 || arguments[1] == our_signal_handler ||
        our_signal_handler == nullptr)
        return old;
    const long number = PyLong_AsLong(arguments[0]);
    if (number == -1) PyErr_Clear();
    static bool told[65];
    if ((number == SIGTERM || number == SIGUSR1) && !told[number]) {
        told[number] = true;
        std::fprintf(stderr,
                     "elsewhere: the program handles SIG%s itself; `elsewhere suspend %d` still "
                     "suspends it\n",
                     number == SIGTERM ? "TERM" : "USR1", static_cast<int>(getpid()));
    }
    return old;
}

// The number an argument gives, or nothing.
std::optional<double> number_of(PyObject *argument) {
    const double value = PyFloat_AsDouble(argument);
    if (value == -1 && PyErr_Occurred()) {
        PyErr_Clear();
        return std::nullopt;
    }
    return value;
}

} // namespace

void watch_waits() {
    main_thread = PyThread_get_thread_ident();
    if (sleep_definition != nullptr) return;
    sleep_definition = definition_of("time", nullptr, "sleep");
    original_sleep = interpose(sleep_definition, METH_O, sleep);
    input_definition = definition_of("builtins", nullptr, "input");
    original_input = frame::original_of<decltype(original_input)>(
        interpose(input_definition, METH_FASTCALL, erase(input)));
    AcquireLock::install("LockType");
    AcquireRLock::install("RLock");
    in_module("select", [] {
        select_definition = definition_of("select", nullptr, "select");
        original_select = reinterpret_cast<decltype(original_select)>(reinterpret_cast<void (*)()>(
            interpose(select_definition, METH_FASTCALL, erase(select))));
        poll_definition = definition_of("select", "epoll", "poll"); // what asyncio waits in
        original_poll = reinterpret_cast<PyCFunctionFastWithKeywords>(reinterpret_cast<void (*)()>(
            interpose(poll_definition, METH_FASTCALL | METH_KEYWORDS, erase(poll))));
    });
    in_module("_queue", [] {
        get_definition = definition_of("_queue", "SimpleQueue", "get");
        constexpr int fast = METH_FASTCALL | METH_KEYWORDS;
        original_plain_get = frame::original_of<PyCFunctionFastWithKeywords>(
            interpose(get_definition, fast, erase(plain_get)));
        original_get = frame::original_of<PyCMethod>(
            interpose(get_definition, METH_METHOD | fast, erase(get)));
    });
}

void watch_handlers(PyObject *our_handler) {
    our_signal_handler = our_handler; // the module keeps it
    if (original_signal != nullptr) return;
    original_signal = reinterpret_cast<FastCall>(reinterpret_cast<void (*)()>(
        interpose(definition_of("_signal", nullptr, "signal"), METH_FASTCALL,
                  reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(set_signal)))));
}

void continue_clocks(double monotonic, double perf_counter) {
    const double by = monotonic - clock_value("monotonic");
    Clock<0>::install("monotonic", by, false);
    Clock<1>::install("monotonic_ns", by, true);
    const double performance = perf_counter - clock_value("perf_counter");
    Clock<2>::install("perf_counter", performance, false);
    Clock<3>::install("perf_counter_ns", performance, true);
}

Clocks read_clocks() { return {clock_value("monotonic"), clock_value("perf_counter")}; }

PyCFunction interpose(const char *module, const char *name, int flags, PyCFunction ours) {
    return frame::interpose(definition_of(module, nullptr, name), flags, ours);
}

void give_back_terminal() {
    if (!std::exchange(terminal_waits, false)) return;
    tcsetattr(0, TCSADRAIN, &terminal_before);
    if (::write(1, "\n", 1) < 0) return; // nobody sees it
}

std::optional<frame::CaptureRequest> waiting_call() {
    const frame::BlockedCall call = frame::blocked_call();
    if (call.callable == nullptr) return std::nullopt;
    PyMethodDef *definition = nullptr;
    std::size_t behind_self = 0; // the unbound form has self among the arguments
    if (PyCFunction_Check(call.callable)) {
        definition = reinterpret_cast<PyCFunctionObject *>(call.callable)->m_ml;
    } else if (Py_IS_TYPE(call.callable, &PyMethodDescr_Type)) {
        definition = reinterpret_cast<PyMethodDescrObject *>(call.callable)->d_method;
        behind_self = 1;
    }
    if (definition == nullptr || current_wait.function != definition) return std::nullopt;
    frame::CaptureRequest request;
    request.moment = frame::Moment::blocked;
    request.callable = call.callable;
    if (definition == input_definition) return request; // asks again
    // sleep(seconds), select(r, w, x, timeout), acquire(blocking, timeout), get(block, timeout),
    // poll(timeout, maxevents)
    const std::size_t index = definition == sleep_definition    ? 0
                              : definition == poll_definition   ? behind_self
                              : definition == select_definition ? 3
                                                                : behind_self + 1;
    if (index >= call.arguments.size()) return request; // waits without a limit
    if (call.arguments[index] == Py_None) return request;
    const std::optional<double> timeout = number_of(call.arguments[index]);
    if (!timeout) return std::nullopt;
    if (*timeout < 0) return request;
    const double left = std::max(0.0, *timeout - (seconds_now() - current_wait.begun));
    request.timeout_index = static_cast<int>(index);
    request.timeout = Ref::checked(PyFloat_FromDouble(left));
    return request;
}

} // namespace elsewhere::bindings
