#include "python/bindings/settling.hpp"

#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "python/bindings/entry.hpp"

namespace elsewhere::bindings {

namespace {

std::atomic<int> inside = 0;      // of all threads, however deep
thread_local int inside_here = 0; // of those, this thread's
bool settled = false;             // under the GIL
std::thread::id settler;

// settle(timeout): before the interpreter ends, in its main thread.
PyObject *settle(PyObject *, PyObject *timeout) {
    return entry([&] {
        const double seconds = PyFloat_AsDouble(timeout);
        if (seconds == -1 && PyErr_Occurred()) throw PythonError{};
        settler = std::this_thread::get_id();
        settled = true;
        const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
        PyThreadState *state = PyEval_SaveThread();
        while (inside > inside_here && std::chrono::steady_clock::now() < end)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        PyEval_RestoreThread(state);
        return none();
    });
}

PyMethodDef functions[] = {{"settle", settle, METH_O, nullptr}, {nullptr, nullptr, 0, nullptr}};

} // namespace

Inside::Inside() noexcept {
    if (settled && std::this_thread::get_id() != settler) {
        PyEval_SaveThread();
        for (;;) ::pause();
    }
    ++inside;
    ++inside_here;
}

Inside::~Inside() {
    --inside;
    --inside_here;
}

WithoutGil::WithoutGil() noexcept : state_(settled ? nullptr : PyEval_SaveThread()) {}

WithoutGil::~WithoutGil() {
    if (state_ != nullptr) PyEval_RestoreThread(state_);
}

void add_settling(PyObject *module) {
    // A forked copy has none of the other threads.
    static const int registered = ::pthread_atfork(nullptr, nullptr, [] { inside = inside_here; });
    if (registered != 0 || PyModule_AddFunctions(module, functions) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
