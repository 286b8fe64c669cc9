#pragma once

#include "engine/frame/trampoline.hpp"

// Lists and tuples compare their items one by one: for `in`, index, count, remove, and when they
// are compared themselves. Where items are of Python these are done again here, and what they know
// is in an Activation: which items they have come to.
namespace elsewhere::frame {

// Is `inner` the comparison of these two lists or tuples, or the search for `item` in this one?
[[nodiscard]] bool compares_sequences(PyObject *left, PyObject *right, const Inner &inner);
[[nodiscard]] bool searches(PyObject *sequence, PyObject *item, const Inner &inner);

} // namespace elsewhere::frame
