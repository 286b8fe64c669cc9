#pragma once

#include <optional>

#include "engine/frame/code_map.hpp"
#include "engine/frame/trampoline.hpp"

// An object dies in the middle of an instruction that has dropped the last reference to it, and its
// __del__ runs. Whether the instruction has done anything but that, and what dies with it, is only
// told by the C calls that are waiting: where these are no others than those of a death of the same
// kind that was tried out (trials.hpp), the instruction is over, and the object is all that is left
// to be dropped. So it is where a function has returned, and its variables die: what it has
// returned, and the others, are in its frame, which these calls are at work on.
namespace elsewhere::frame {

struct Death {
    Ref dying;       // (what dies, what is dropped behind it …); null: none that can be left
    int kept = 0;    // entries of the stack that the frame still owns
    int taken = -1;  // but this one is its new owner's, or -1
    int loaded = -1; // a variable that the instruction pushes at its end, or -1
};

// `inner` runs inside of `outer`, whose instruction at `at` is in flight, and has `inside` frames
// inside it.
Death death_of(PyThreadState *thread, ElwFrame *outer, const CodeMap &map, int at,
               ElwFrame *inner_frame, const Inner &inner, std::size_t inside);

// The same where a function has returned that the instruction had called: what dies, what it has
// returned, and what is dropped after that, in this order. Null: this is none that can be left.
Ref leave_of(PyThreadState *thread, ElwFrame *outer, const CodeMap &map, int at, CodeMaps &maps,
             ElwFrame *inner_frame, const Inner &inner, std::size_t inside);

// The same where the instruction has come to its result, and drops its operands: an attribute, or a
// call, where that is one of C's. None of the operands is on the stack then.
Ref yield_of(PyThreadState *thread, ElwFrame *outer, const CodeMap &map, int at,
             ElwFrame *inner_frame, const Inner &inner, std::size_t inside);

// `inner` is a finalizer that was simply called, like any function: what a CALL's operands say.
bool is_called_finalizer(PyCodeObject *code, const CodeMap &map, int at, const ElwSlot *stack,
                         const Inner &inner);

// Does a record say what dies, as these two deliveries need it?
bool is_death(const Ref &dying, Delivery delivery);

// After a resume, the __del__ of what dies first has returned `result` (null: it raised) within
// `frame`. It dies: now, or when the last of those lets it go whom its __del__ has given it to;
// then the others. Returns what the function has returned (Delivery::leave).
Ref end_of_death(PyThreadState *thread, ElwFrame *frame, Delivery delivery, Ref dying,
                 PyObject *result);

// `inner` is the __del__ of one of these others: the same for the rest.
struct Again {
    Delivery delivery;
    Ref dying;
};
std::optional<Again> dying_again(PyThreadState *thread, const ElwFrame *frame,
                                 ElwFrame *inner_frame, const Inner &inner, std::size_t inside);

} // namespace elsewhere::frame
