#pragma once

#include <vector>

#include "engine/frame/record.hpp"
#include "engine/frame/trampoline.hpp"

// A comparison asks one operand, and if that says NotImplemented, the other one. Executed again
// after a resume inside of the second answer, it would ask the first operand once more; so the
// first one's type says NotImplemented for it, once, in the place of its own method.
namespace elsewhere::frame {

// As a call among those on the way to the frame inside; taken out of `calls` again after the
// resume.
[[nodiscard]] SavedCall save_declined(const Verdict &verdict);
void decline(std::vector<SavedCall> &calls);
// Has it been asked?
bool has_declined();

} // namespace elsewhere::frame
