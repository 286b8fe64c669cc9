#pragma once

#include "core/base/result.hpp"
#include "engine/frame/record.hpp"

namespace elsewhere::frame {

// Where the innermost frame stands at the moment of capture.
enum class Moment {
    call,    // inside the program's own call of `callable` (elsewhere.suspend and the like)
    between, // between two instructions: CPython is handling a signal in its eval loop
    blocked, // inside a C call that waits; it will be called again, with `arguments` replaced
};

struct CaptureRequest {
    Moment moment = Moment::call;
    PyObject *callable = nullptr; // Moment::call: ours; Moment::blocked: the one that waits
    // Moment::blocked: the argument to replace by the time that is left, -1: none.
    int timeout_index = -1;
    Ref timeout;
};

// Reads the whole stack of the current thread. Changes nothing; runs no Python code. A frame that
// cannot be completed later is Error{refused} naming function, file, line and what stands there.
Result<StackRecord> capture_stack(const CaptureRequest &request);

// What the innermost frame is calling just now: callable and positional arguments, a method's
// self among them (all borrowed). CaptureRequest::timeout_index counts in `arguments`. The
// callable is null where it cannot be told.
struct BlockedCall {
    PyObject *callable = nullptr;
    std::vector<PyObject *> arguments;
};
BlockedCall blocked_call();

// May the innermost frame stand inside the C code that it calls? Some of that code handles signals
// just as the eval loop does (Py_MakePendingCalls, in lock.acquire). Told by the place of the
// result: it is still empty, or holds what could be the callable. In doubt, yes.
bool may_be_inside_call();

} // namespace elsewhere::frame
