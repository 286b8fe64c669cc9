#pragma once

#include <optional>
#include <string>

#include "core/base/error.hpp"
#include "engine/cpython/frame_abi.h"
#include "engine/cpython/ref.hpp"
#include "engine/frame/code_map.hpp"
#include "engine/frame/record.hpp"

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

// Why what traces this thread cannot be kept, or nothing: C code that we do not know has set it
// (PyEval_SetTrace).
[[nodiscard]] std::optional<Error> unkept_tracer(PyThreadState *thread);

// Has C code set the trace function of this thread, and not sys.settrace?
[[nodiscard]] bool is_traced_in_c();

// Does a frame on the stack have a trace function of its own? One may have been taken away for a
// moment. Makes no frame objects.
[[nodiscard]] bool frames_are_traced();

// The frame outside of one whose f_back does not say it (throw() before 3.11), or nothing.
[[nodiscard]] Ref outer_frame(PyFrameObject *inner);

// How a rebuilt frame goes on, where somebody traces it.
struct GoOn {
    ElwTold event = ELW_TOLD_OTHER; // of this, and of what comes before it, tracers know already,
    int told = -1;                  // at this instruction (elw_in_flight)
    int from = -1; // what was executed before the one that is next, -1: the eval loop knows
    Ref frame;     // the frame object, if it could not be asked for any more
    Ref failure;   // they have raised this then: what PyErr_Fetch gives
    Ref raised;    // ELW_TOLD_RAISE: (type, exception, traceback)
};

// Lets the eval loop go on in a frame that was rebuilt: that is no call, and no throw() into it.
// With `throwing`, an exception is set.
PyObject *go_on_traced(PyThreadState *thread, ElwFrame *frame, int throwing, GoOn how = {});

// Of a tracer that was left while it was at work, and the frame that it was told of.
struct Left {
    Delivery delivery = Delivery::traced;
    int at = 0;        // the instruction of which it was told
    int in_flight = 0; // what elw_in_flight said meanwhile, if no debugger has gone elsewhere
    Ref raised;        // what the frame has raised: (type, exception, traceback)
};
// The tracer has returned `result` (stolen), or raised (null): lets the frame go on.
PyObject *go_on_behind_tracer(PyThreadState *thread, ElwFrame *frame, const CodeMap &map, Left left,
                              PyObject *result);

// Is an event about to come that tracers know of, and which no snapshot can tell?
[[nodiscard]] bool tracers_know();

// The program has ended: what follows in this process is ours, until trace_again().
void trace_no_more();
void trace_again();

} // namespace elsewhere::frame
