#pragma once

#include <initializer_list>
#include <string>

#include "engine/frame/trampoline.hpp"

// Would an operation on these objects enter the inner frame as the first Python code it runs? The
// answers come from the types' MROs; no user code runs.
namespace elsewhere::frame {

using Names = std::initializer_list<const char *>;

inline Verdict yes(Delivery delivery) { return {true, delivery, nullptr, {}, nullptr}; }
inline Verdict no(std::string reason) {
    return {false, Delivery::result, nullptr, std::move(reason), nullptr};
}
inline Verdict reexecute_if(bool condition, const char *what) {
    return condition ? yes(Delivery::reexecute)
                     : no(std::string(what) + " is calling Python from C");
}

// `callable` is a Python function with the inner frame's code. Null is none.
[[nodiscard]] bool runs(PyObject *callable, const Inner &inner);

// What the type's MRO has under `name` (borrowed), or null.
[[nodiscard]] PyObject *lookup(PyTypeObject *type, const char *name);

// The type has a method of that name that is a Python function.
[[nodiscard]] bool is_python(PyTypeObject *type, const char *name);

// The inner frame is one of these special methods of `self`, and is its method. Looks into `self`
// only after it has met it as the inner frame's first argument.
[[nodiscard]] bool is_method_of(PyObject *self, const Inner &inner, Names names);

// The inner frame is what the bound method `self.name` runs.
[[nodiscard]] bool is_bound_method_of(PyObject *self, PyObject *name, const Inner &inner);

// getattr(o, n), o.n: a property, a descriptor's __get__, __getattr__ or __getattribute__.
[[nodiscard]] bool gets_attribute(PyObject *owner, PyObject *name, const Inner &inner);

// The same, but the next time it is found in the object itself: it has just been put there.
[[nodiscard]] bool got_attribute(PyObject *owner, PyObject *name, const Inner &inner);

// dict[key] runs the __missing__ of the dict's class; the key is there by now if `found`.
[[nodiscard]] bool misses(PyObject *dict, PyObject *key, const Inner &inner, bool found);

// o.n = v, del o.n (`remove`): a property, a descriptor's __set__, __setattr__.
[[nodiscard]] bool sets_attribute(PyObject *owner, PyObject *name, const Inner &inner, bool remove);

// left op right, for CPython's BINARY_OP and comparison numbers.
[[nodiscard]] Verdict through_binary(int number, PyObject *left, PyObject *right,
                                     const Inner &inner);
[[nodiscard]] Verdict through_compare(int oparg, PyObject *left, PyObject *right,
                                      const Inner &inner);

// Is the inner frame what `self`'s own method for one of Py_LT … Py_GE runs?
[[nodiscard]] bool compares_by(PyObject *self, int which, const Inner &inner);

// left < right and the like, by Py_LT … Py_GE.
[[nodiscard]] Verdict through_comparison(int which, PyObject *left, PyObject *right,
                                         const Inner &inner);

// A dict key whose hash and equality run no Python code.
[[nodiscard]] bool hashes_in_c(PyObject *key);

} // namespace elsewhere::frame
