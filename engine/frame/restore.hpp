#pragma once

#include <functional>
#include <optional>

#include "engine/cpython/frame_abi.h"
#include "engine/frame/record.hpp"

namespace elsewhere::frame {

// Rebuilds the recorded stack in this thread and lets it run to its end. The frames that call
// this are hidden: the outermost recorded frame has nothing outside it.
//
// `top_result` is what the innermost frame's call returns (Delivery::result of the innermost
// frame; else null). `on_live` is called when every frame is in place and the innermost is about
// to go on; it must not throw.
//
// Returns what the outermost frame returned, or null with a Python exception set. A record that
// turns out not to fit ends the process with exit code 70: part of the program may already have
// been entered, and nothing but the unharmed snapshot is left to go on from.
//
// How: CPython's frame evaluation hook (PEP 523) is installed until the innermost frame runs.
// Each recorded frame is entered the way CPython enters it, its fresh frame is overwritten in the
// hook, and then
//   result, construct   the frame is linked as running while the next one is entered from here;
//                       its result is pushed and the frame goes on behind the call;
//   reexecute           the frame runs its instruction again, which leads to the next one;
//   resume              the frame goes on.
Ref run_stack(StackRecord &&stack, Ref top_result, const std::function<void()> &on_live);

// Where run_stack holds `inner` inside `outer`, both of them frames that it has rebuilt.
struct Link {
    const ElwFrame *outer;
    ElwFrame *inner;
    Delivery delivery;     // of what `inner` returns
    PyObject *constructed; // the instance that `inner` initializes, or null
};
std::optional<Link> linked(const ElwFrame *outer, const ElwFrame *inner);
// The same of the innermost of these frames, if `outer` is that which has entered it; else null.
const Link *last_linked(const ElwFrame *outer);

// How a rebuilt frame is entered: PyEval_EvalCodeEx, in a function that is to be found among the C
// calls. Up to 3.11, what is in the frame dies behind its eval loop.
PyObject *enter_code(PyObject *code, PyObject *globals, PyObject *locals,
                     PyObject *const *arguments, int count, PyObject *keywords, PyObject *cells);

// Evaluates a module body (code, globals = locals) with every calling frame hidden.
Ref run_hidden(PyObject *code, PyObject *globals);

// Calls call[0] with the `count` - 1 objects behind it, with every calling frame hidden.
Ref call_hidden(PyObject *const *call, Py_ssize_t count);

// Rebuilds small stacks in the running interpreter; the reason if that does not work as it must.
const char *self_test();

} // namespace elsewhere::frame
