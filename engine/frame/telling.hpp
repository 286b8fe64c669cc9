#pragma once

#include "engine/cpython/frame_abi.h"
#include "engine/frame/code_map.hpp"
#include "engine/frame/record.hpp"

// A tracer that is left while it is at work: a trace function, or the callback of a tool of
// sys.monitoring. A debugger waits at its prompt within one. Here is what it was told, and what has
// to be so that the frame that it was told of can go on; engine/frame/tracing.hpp lets it.
namespace elsewhere::frame {

// What the frame inside was told of the one outside.
struct Telling {
    Delivery delivery = Delivery::resume; // this: it is no tracer, or one that cannot be left
    int at = -1;                          // the instruction that the event is about
    int depth = 0;                        // entries of the value stack that go along
    Ref raised;                           // what was raised: (type, exception, traceback)
};
[[nodiscard]] Telling telling_of(PyThreadState *thread, ElwFrame *outer, ElwFrame *inner,
                                 const CodeMap &map);

// The event of such a Delivery. Where sys.settrace is made of events, it is that of its "line" etc.
[[nodiscard]] ElwTold event_of(Delivery delivery);

// Is the tracer of this one a trace function?
[[nodiscard]] bool is_of_trace_function(Delivery delivery);

// Has the frame of a call that tracers are told of not begun yet, not even its first instruction?
[[nodiscard]] bool is_ahead_of_start(Delivery delivery);

} // namespace elsewhere::frame
