// Run at import: captures and rebuilds small stacks in the running interpreter, so that a layout
// that is not what this engine was built for disables it instead of corrupting a program.
#include <string_view>

#include "core/base/error.hpp"
#include "engine/cpython/frame_abi.h"
#include "engine/frame/capture.hpp"
#include "engine/frame/restore.hpp"

namespace elsewhere::frame {

namespace {

// Two nested calls with temporaries, a loop over a generator, and a call of `probe` inside.
constexpr const char *program = R"(
def numbers():
    yield 1
    yield 2
def inner(a, *, b=5):
    held = [a, b]
    return [probe(), held[0] + held[1]]
def outer():
    total = 0
    for n in numbers():
        total += n * (3 + inner(n)[1])
    return total
result = 1000 + outer()
)";

struct Probe {
    StackRecord stack;
    std::string failure;
    int calls = 0;
};

Probe *probe_state = nullptr;
PyObject *probe_object = nullptr;

PyObject *probe(PyObject *, PyObject *) {
    if (++probe_state->calls == 1) {
        CaptureRequest request;
        request.moment = Moment::call;
        request.callable = probe_object;
        try {
            Result<StackRecord> stack = capture_stack(request);
            if (stack)
                probe_state->stack = std::move(stack).value();
            else
                probe_state->failure = stack.error().message();
        } catch (const std::exception &error) {
            probe_state->failure = error.what();
        } catch (const PythonError &) {
            PyErr_Clear();
            probe_state->failure = "a Python error";
        }
        PyErr_SetString(PyExc_RuntimeError, "unwind");
        return nullptr;
    }
    Py_RETURN_NONE;
}

PyMethodDef probe_method = {"probe", probe, METH_NOARGS, nullptr};

long result_of(PyObject *globals) {
    PyObject *value = PyDict_GetItemString(globals, "result");
    return value == nullptr ? -1 : PyLong_AsLong(value);
}

const char *run() {
    Probe state;
    probe_state = &state;
    Ref globals = Ref::checked(PyDict_New());
    Ref function = Ref::checked(PyCFunction_New(&probe_method, nullptr));
    probe_object = function.get();
    if (PyDict_SetItemString(globals.get(), "__builtins__", PyEval_GetBuiltins()) < 0 ||
        PyDict_SetItemString(globals.get(), "probe", function.get()) < 0)
        throw PythonError{};
    Ref code = Ref::checked(Py_CompileString(program, "<elsewhere self-test>", Py_file_input));
    // The probe reads the stack, then unwinds it by an exception; what follows runs on the record.
    Ref unwound = run_hidden(code.get(), globals.get());
    PyErr_Clear();
    if (unwound || !state.failure.empty()) return "the self-test could not capture its stack";
    if (state.stack.frames.size() != 3) return "the self-test captured a wrong stack";
    Ref done = run_stack(std::move(state.stack), Ref::share(Py_None), [] {});
    if (!done) throw PythonError{};
    // n = 1: 1 * (3 + 6); n = 2: 2 * (3 + 7)
    constexpr long expected = 1000 + 9 + 20;
    if (result_of(globals.get()) != expected) return "a rebuilt stack went wrong";
    return nullptr;
}

} // namespace

const char *self_test() {
    try {
        return run();
    } catch (const PythonError &) {
        PyErr_Clear();
        return "the self-test of the frame layer failed";
    } catch (const std::exception &) {
        return "the self-test of the frame layer failed";
    }
}

} // namespace elsewhere::frame
