#pragma once

#include <vector>

#include "engine/frame/record.hpp"
#include "engine/frame/trampoline.hpp"

// A lookup in a dict or set asks the key for its hash, and then compares it with each key that is
// there and has the same hash. Executed again after a resume inside of a comparison, it would ask
// for the hash a second time; so the key's type answers once for it, with the hash of the other
// one.
namespace elsewhere::frame {

// Does looking `key` up in `container` begin with `inner`, the key's __hash__, or come to it, the
// comparison with the only key that is there with that hash? `what` looks it up, by the special
// method of that name; null: by a method of C's.
[[nodiscard]] Verdict through_lookup(PyObject *container, PyObject *key, const Inner &inner,
                                     const char *what, const char *method = nullptr);

// As a call among those on the way to the frame inside; taken out of `calls` again after the
// resume.
[[nodiscard]] SavedCall save_lookup(const Verdict &verdict);
void answer_hash(std::vector<SavedCall> &calls);
// Has it been asked for?
bool hash_answered();

} // namespace elsewhere::frame
