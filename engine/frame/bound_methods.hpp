#pragma once

#include <Python.h>

#include <unordered_map>
#include <vector>

#include "engine/frame/trampoline.hpp"

namespace elsewhere::frame {

// Which bound method is being called, where only its self is to be seen: while a bound method or a
// partial runs, before 3.11, its first argument stands in its own place. Whoever calls it holds
// it, so it is among the objects that the collector knows.
class BoundMethods {
  public:
    // The callable whose place `self` has taken can only be one that runs the inner frame's
    // function and hands its result through.
    [[nodiscard]] bool run(PyObject *self, const Inner &inner);

  private:
    struct Bound {
        std::vector<PyCodeObject *> codes; // of the Python functions that have this first argument
        bool to_c = false;                 // C functions have it, too
    };
    void collect();
    void add(PyObject *self, PyObject *function);

    std::unordered_map<PyObject *, Bound> bound_; // empty until it is first asked for
};

} // namespace elsewhere::frame
