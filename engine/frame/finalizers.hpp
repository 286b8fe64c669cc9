#pragma once

namespace elsewhere::frame {

// Notes from now on when CPython finalizes a generator, coroutine or async generator: their
// finally blocks then run at a moment at which no operand of the frame outside can be trusted.
void watch_finalizers();

// Is such a finalizer running?
[[nodiscard]] bool finalizing();

} // namespace elsewhere::frame
