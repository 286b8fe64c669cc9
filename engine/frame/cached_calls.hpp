#pragma once

#include <vector>

#include "engine/frame/record.hpp"
#include "engine/frame/trampoline.hpp"

// functools.cache and lru_cache: a call whose result is not in the cache is counted as a miss, and
// then made. Executed again after a resume it would be counted twice, so the count is taken back
// first.
namespace elsewhere::frame {

[[nodiscard]] bool is_cached_function(PyObject *callable);

// Does calling it again come to `inner`, counted as a miss once more?
[[nodiscard]] Verdict through_cache(const CallOperands &call, const Inner &inner);

// As a call among those on the way to the frame inside; taken out of `calls` again after the
// resume.
[[nodiscard]] SavedCall save_cached_call(PyObject *callable);
void take_back_miss(std::vector<SavedCall> &calls);

} // namespace elsewhere::frame
