#pragma once

#include "engine/frame/activation.hpp"

// What the builtins that consume an iterable have in common.
namespace elsewhere::frame {

// A builtin of METH_FASTCALL | METH_KEYWORDS.
using Fast = PyObject *(*)(PyObject *, PyObject *const *, Py_ssize_t, PyObject *);

// Its items come without any Python code.
[[nodiscard]] bool is_passive(PyObject *iterable);

// A key function of C's: called without leaving C, as far as we care.
[[nodiscard]] inline bool runs_no_python(PyObject *key) {
    return PyCFunction_Check(key) || PyType_Check(key);
}

// Is it likely that comparing with this one runs Python code?
[[nodiscard]] inline bool is_of_python(PyObject *item) {
    return PyType_HasFeature(Py_TYPE(item), Py_TPFLAGS_HEAPTYPE) != 0;
}

// Moves the items of slots[from] into the list or set in slots[into]. False with an exception set.
[[nodiscard]] bool take_all(Activation &a, std::size_t from, std::size_t into);

// slots[iterator] becomes the iterator of what is to fill a list. False with an exception set.
[[nodiscard]] bool begin_list(Activation &a, std::size_t iterator, PyObject *iterable);

// list, tuple, set, frozenset, dict, deque and join; re.sub with a function.
void install_resumable_collectors();
void install_resumable_substitution();

// False: installed before, or a Python that calls them in another way.
bool install_resumable_sorting();

} // namespace elsewhere::frame
