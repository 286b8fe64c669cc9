#pragma once

#include <cstddef>

#include <sys/resource.h>

#include "engine/cpython/frame_abi.h"

namespace elsewhere::frame {

// Room on the C stack for frames that are entered again: each costs some C frames, also where it
// cost none when it ran first, as a Python call of a Python function does not.
//
// While this lives, the soft limit of the main thread's stack (RLIMIT_STACK, which children
// inherit) and the interpreter's idea of it are higher by what `frames` frames may need. The
// kernel lets the stack grow to the new limit as long as nothing is mapped there, which is looked
// at. Throws Error{refused} if there is no room; then nothing has changed.
class CStack {
  public:
    CStack(PyThreadState *thread, std::size_t frames);
    ~CStack();
    CStack(const CStack &) = delete;
    CStack &operator=(const CStack &) = delete;

  private:
    PyThreadState *thread_;
    std::size_t lent_ = 0;
    rlimit before_{};
};

} // namespace elsewhere::frame
