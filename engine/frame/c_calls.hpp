#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/cpython/frame_abi.h"

// What C code stands between two Python frames is written nowhere but on the C stack: the return
// addresses there say exactly what remains to be done once the inner frame has returned.
namespace elsewhere::frame {

// The return addresses from the eval loop that runs `inner` (exclusive) to the one that runs
// `outer`, which is the last of them. Nothing where that cannot be told for certain. `inside`: how
// many Python frames run inside of `inner`.
std::optional<std::vector<std::uintptr_t>> c_calls_between(PyThreadState *thread, ElwFrame *outer,
                                                           ElwFrame *inner, std::size_t inside);

} // namespace elsewhere::frame
