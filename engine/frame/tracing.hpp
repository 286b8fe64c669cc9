#pragma once

#include <optional>
#include <string>

#include "core/base/error.hpp"
#include "engine/cpython/frame_abi.h"

// Trace functions, profilers and the tools of sys.monitoring. What is set is kept by Python code
// (python/elsewhere/_state_tracing.py); here is what C has to know of it.
namespace elsewhere::frame {

// While one lives, nothing that this thread executes is an event for any of them.
class Untraced {
  public:
    Untraced() : thread_(PyThreadState_Get()) {
        elw_enter_tracing(thread_);
        ++levels_;
    }
    ~Untraced() {
        elw_leave_tracing(thread_);
        --levels_;
    }
    Untraced(const Untraced &) = delete;
    Untraced &operator=(const Untraced &) = delete;

    [[nodiscard]] static int levels() { return levels_; }

  private:
    PyThreadState *thread_;
    static inline int levels_ = 0; // main thread only
};

// How many trace functions, profilers and monitoring callbacks run one inside another. Not ours.
[[nodiscard]] int tracers_running(PyThreadState *thread);

// Why what traces this thread cannot be kept, or nothing: C code set it (PyEval_SetTrace).
[[nodiscard]] std::optional<Error> unkept_tracer(PyThreadState *thread);

// Is `inner` the trace function, called with `outer` before its next instruction?
[[nodiscard]] bool is_told(ElwFrame *outer, ElwFrame *inner);

// Is `inner` the callback of a tool of sys.monitoring, called with `outer` before its next
// instruction? Of which event?
[[nodiscard]] ElwTold is_called_back(PyThreadState *thread, ElwFrame *outer, ElwFrame *inner);

// The same for such a callback, which has been told of the instruction that `frame` would execute
// next: nobody hears of it again, unless the frame has `moved` to another one.
bool end_of_callback(PyThreadState *thread, ElwFrame *frame, ElwTold told, bool moved,
                     PyObject *result);

// What the interpreter does with what the trace function has returned for `frame` (null: it has
// raised). False: an exception goes on in `frame`. Steals `result`.
bool end_of_trace_function(PyThreadState *thread, ElwFrame *frame, PyObject *result);

// Lets the eval loop go on in a frame that was rebuilt: that is no call, and no throw() into it.
// `told` is an instruction of which tracers know already, -1: none; `from` is what was executed
// before the one that is next, -1: the eval loop knows.
// `again`: this very call of the trace function is over, an event "opcode" among them.
PyObject *go_on_traced(PyThreadState *thread, ElwFrame *frame, int throwing, int told, int from,
                       bool again = false);

// The program has ended: what follows in this process is ours, until trace_again().
void trace_no_more();
void trace_again();

} // namespace elsewhere::frame
