#pragma once

#include <array>
#include <string>

#include "engine/cpython/frame_abi.h"
#include "engine/frame/code_map.hpp"
#include "engine/frame/record.hpp"

namespace elsewhere::frame {

// A frame that runs inside another one, as seen by that other one.
struct Inner {
    PyCodeObject *code = nullptr;
    PyObject *function = nullptr;
    PyObject *generator = nullptr; // its owner, or null
    PyObject *first = nullptr;     // its first argument (self), or null where it cannot be told
    PyObject *second = nullptr;    // the one behind it, likewise
    const void *builtin = nullptr; // not a frame but a builtin of ours: its PyMethodDef or type
};

[[nodiscard]] Inner inner_of(ElwFrame *frame);

class BoundMethods;

struct Verdict {
    bool ok = false;
    Delivery delivery = Delivery::result;
    PyObject *constructed = nullptr; // borrowed, for Delivery::construct
    std::string reason;              // why not
    PyObject *counted = nullptr;     // borrowed: a cached function that has counted the call
    // Borrowed: the dict or set, the key that is looked up, the one it is being compared with.
    std::array<PyObject *, 3> looked_up{};
    // Borrowed: of a comparison, who has said NotImplemented, and the other one.
    std::array<PyObject *, 2> declined{};
    int declined_which = 0; // Py_LT … Py_GE, as the first of them was asked
};

// C code runs between the outer frame's instruction and `inner`. Can the outer frame be completed
// after a restore? Yes where the C code only forwards (Delivery::result), or where executing the
// instruction again leads straight to the same inner frame (Delivery::reexecute): then it is C
// that completes it, with all its error paths. Whatever is not known to be one of these is no.
//
// `stack` holds the entries before the instruction at `at`. Entries are looked into only after
// they have been tied to the inner frame by identity: during a finalizer they may be dangling.
[[nodiscard]] Verdict through_c(PyCodeObject *code, const CodeMap &map, int at,
                                const ElwSlot *stack, const Inner &inner, BoundMethods &bound);

// What a CALL calls; the callable is null if the instruction is no CALL.
struct CallOperands {
    PyObject *callable = nullptr;
    const ElwSlot *arguments = nullptr; // on the stack, of CALL
    PyObject *const *objects = nullptr; // elsewhere: the tuple of f(*args), or what C calls with
    int count = 0;
    PyObject *names = nullptr; // tuple: of the last arguments, which are keyword arguments
    bool kept = false; // of f(*args, **names): the operands lie on the stack until it is done

    [[nodiscard]] PyObject *argument(int i) const {
        return objects != nullptr ? objects[i] : elw_get(arguments[i]);
    }
    [[nodiscard]] bool known() const { return arguments != nullptr || objects != nullptr; }
    [[nodiscard]] int positional() const {
        return count - (names != nullptr ? static_cast<int>(PyTuple_GET_SIZE(names)) : 0);
    }
};
[[nodiscard]] CallOperands call_operands(PyCodeObject *code, const CodeMap &map, int at,
                                         const ElwSlot *stack);

// The name by which the entry `depth` of the stack before `at` was loaded as an attribute, or "".
[[nodiscard]] PyObject *attribute_at(PyCodeObject *code, const CodeMap &map, int at,
                                     std::ptrdiff_t depth);

// C code calls again what it has called: as good as executing an instruction again, if that enters
// `inner` first.
[[nodiscard]] Verdict called_again(const CallOperands &call, const Inner &inner);

// "name (a builtin function)" and the like, for messages.
[[nodiscard]] std::string describe_callable(PyObject *callable);

} // namespace elsewhere::frame
