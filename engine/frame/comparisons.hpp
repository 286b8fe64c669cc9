#pragma once

#include "engine/frame/activation.hpp"

// A sort keeps in C how far it has come, and that depends on nothing but what the comparisons came
// to. So these are noted, one bit each, while CPython's own sort works on stand-ins for the keys.
// After a resume the sort begins anew and is told what it knew, until it asks for what is new.
namespace elsewhere::frame {

class Comparisons {
  public:
    // `keys`: a list that stays as it is. The slot `outcomes` is for what is noted, a.number counts
    // it, and a.phase says which comparison of which items is being made (low bits: `phase`).
    Comparisons(Activation &a, PyObject *keys, std::size_t outcomes, int phase);

    // A list of stand-ins for the keys, valid as long as this. Null with an exception set.
    Ref stand_ins();

    // Is the first less than the second? -1 with an exception set.
    int less(PyObject *v, PyObject *w);

  private:
    enum Stage { begin = 0, equal = 1, method = 2, rich = 3 };
    int ask(PyObject *v, PyObject *w);
    bool note(bool outcome);
    void at(Stage stage, Py_ssize_t item);

    Activation &a_;
    PyObject *keys_;
    std::size_t outcomes_;
    int phase_;
    std::int64_t told_ = 0; // of the outcomes that are known
    bool in_tuples_ = false;
    richcmpfunc same_ = nullptr; // of the keys, or of the first items of all tuples
    Stage stage_ = begin;        // after a resume, of the next comparison that is new
    Py_ssize_t item_ = 0;
};

// Do comparisons of the items of this list or tuple run no Python code?
[[nodiscard]] bool compare_in_c(PyObject *items);

// What functools.cmp_to_key makes, and a comparison of two of them that runs `inner`.
[[nodiscard]] bool is_cmp_key(PyObject *object);
[[nodiscard]] Verdict through_cmp_key(PyObject *left, PyObject *right, const Inner &inner);

} // namespace elsewhere::frame
