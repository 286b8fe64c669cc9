#pragma once

#include "engine/frame/code_map.hpp"
#include "engine/frame/trampoline.hpp"

// An object dies in the middle of an instruction that has dropped the last reference to it, and its
// __del__ runs. Whether the instruction has done anything but that, and what dies with it, is only
// told by the C calls that are waiting: where these are no others than those of a death of the same
// kind that was tried out, the instruction is over, and the object is all that is left to be
// dropped.
namespace elsewhere::frame {

struct Death {
    PyObject *object = nullptr; // borrowed; null: this is none that can be left
    int kept = 0;               // entries of the stack that the frame still owns
    int taken = -1;             // but this one is its new owner's, or -1
    int loaded = -1;            // a variable that the instruction pushes at its end, or -1
};

// `inner` runs inside of `outer`, whose instruction at `at` is in flight, and has `inside` frames
// inside it.
Death death_of(PyThreadState *thread, ElwFrame *outer, const CodeMap &map, int at,
               ElwFrame *inner_frame, const Inner &inner, std::size_t inside);

// `inner` is a finalizer that was simply called, like any function: what a CALL's operands say.
bool is_called_finalizer(PyCodeObject *code, const CodeMap &map, int at, const ElwSlot *stack,
                         const Inner &inner);

// After a resume, the __del__ of `object` has returned `result` (null: it raised) within `frame`.
// The object dies: now, or when the last of those lets it go whom its __del__ has given it to.
void end_of_death(PyThreadState *thread, ElwFrame *frame, Ref object, PyObject *result);

} // namespace elsewhere::frame
