#pragma once

#include <vector>

#include "engine/cpython/frame_abi.h"
#include "engine/frame/code_map.hpp"
#include "engine/frame/record.hpp"

// `a, b = x`, `a, *b = x`, `f(*x)`, and `tuple(x)` where that has become an instruction: the
// interpreter takes all items first, into places where nobody can look. So the items that
// generators, map and filter give to such an instruction are noted until it has them all. After a
// resume it is executed again, gets the same items from the iterator, and then the next ones.
namespace elsewhere::frame {

// An instruction in the middle of that.
struct Taking {
    ElwFrame *frame = nullptr;
    int instruction = 0;
    PyObject *iterator = nullptr; // borrowed from the instruction, as `given`
    PyObject *given = nullptr;    // what it was given: the iterator, or what has it as its __iter__
    Ref kept; // `given`, after a resume that left only the iterator in its place
    std::vector<Ref> items;
    std::size_t at = 0;   // how many of them it has got; all, unless it is executed again
    bool asking = false;  // the iterator is making its next item
    bool listing = false; // the *b of a, *b = x has asked the iterator for its iterator
    bool resumed = false; // about to be executed again
};

// Notes from now on what is taken. Behind install_resumable_iterators().
void watch_taking();

// The next item of `iterator` as `next` makes it, noted if an instruction takes it.
PyObject *taken(PyObject *iterator, iternextfunc next);

// Is this type's iterator the object itself, as far as C is concerned?
[[nodiscard]] bool iterates_itself(PyTypeObject *type);

// What the instruction of `frame` is taking from an iterator that is at work just now, or null.
[[nodiscard]] const Taking *taking_of(ElwFrame *frame);

// Where the stack before the instruction at `at` has what it takes the items of.
[[nodiscard]] int place_of_given(const CodeMap &map, int at);

// As a call on the way to the frame inside; taken out of `calls` again after the resume, when
// `frame` is about to execute its instruction at `at` again.
[[nodiscard]] SavedCall save_taking(const Taking &taking, bool by_tuple);
void take_again(ElwFrame *frame, int at, std::vector<SavedCall> &calls);
// Has it been executed again as far as it had come?
[[nodiscard]] bool taken_again();

} // namespace elsewhere::frame
