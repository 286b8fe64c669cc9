#pragma once

#include <string>

#include "engine/cpython/frame_abi.h"
#include "engine/cpython/ref.hpp"
#include "engine/frame/capture.hpp"
#include "engine/frame/tracing.hpp"
#include "engine/object/image.hpp"
#include "engine/snapshot/file.hpp"

namespace elsewhere::bindings {

// Python code runs on top of a program that may stand at its recursion limit.
inline constexpr int lent_levels = 400;

// The quiet in which a program is read: no garbage collection, room to call Python.
class Quiet {
  public:
    Quiet() : thread_(PyThreadState_Get()), collecting_(PyGC_Disable() == 1) {
        elw_lend_recursion(thread_, lent_levels, lent_levels);
    }
    ~Quiet() {
        elw_lend_recursion(thread_, -lent_levels, -lent_levels);
        if (collecting_) PyGC_Enable();
    }
    Quiet(const Quiet &) = delete;
    Quiet &operator=(const Quiet &) = delete;

  private:
    const frame::Untraced untraced_;
    PyThreadState *thread_;
    bool collecting_;
};

// The running program: stack, objects, interpreter state. It is not changed. Throws Error or
// PythonError.
struct Departure {
    snapshot::Header header;
    object::Image image;
    [[nodiscard]] std::vector<snapshot::Part> parts() const; // good as long as this object is
};
Departure take_snapshot(const frame::CaptureRequest &request, snapshot::Purpose purpose);

// Writes the running program to `path`: stack, objects, interpreter state. The program is not
// changed. Throws Error or PythonError; then nothing was written and an earlier file is intact.
// All that stands in the way of leaving now, as rows of (path, reason, hint).
// Without a request: of a program that has ended, of which only objects are left.
std::vector<object::Problem> obstacles(const frame::CaptureRequest *request);

void depart(const frame::CaptureRequest &request, const std::string &path,
            snapshot::Purpose purpose);

// This process is the life of the program in `path`, as long as it runs: the file is not resumed
// a second time meanwhile. Throws Error{refused} if another process holds it and not `clone`.
void hold_snapshot(const std::string &path, bool clone);

// Throws Error{unsupported} where the engine does not work; its reason.
void refuse_if_disabled();

// Ends the process as a suspended one does: exit code 75, without finally, atexit or __del__.
[[noreturn]] void leave();

// A Python exception that is set, as an Error (the exception is cleared).
[[nodiscard]] Error error_from_python();

} // namespace elsewhere::bindings
