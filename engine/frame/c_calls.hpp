#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "engine/cpython/frame_abi.h"

// What C code stands between two Python frames is written nowhere but on the C stack: the return
// addresses there say exactly what remains to be done once the inner frame has returned.
namespace elsewhere::frame {

struct CCall {
    std::uintptr_t address;                  // where it goes on
    std::uintptr_t stack;                    // the lowest address of its part of the stack
    std::uintptr_t end;                      // where the part of its caller begins
    std::uintptr_t function;                 // where it begins
    std::array<std::uintptr_t, 6> registers; // those that it will find as it has left them
};

using CCalls = std::span<const CCall>; // innermost first

// The calls from the eval loop that runs `inner` (exclusive) to the one that runs `outer`, which is
// the last of them. Nothing where that cannot be told for certain. `inside`: how many Python frames
// run inside of `inner`.
std::optional<std::vector<CCall>> c_calls_between(PyThreadState *thread, ElwFrame *outer,
                                                  ElwFrame *inner, std::size_t inside);

// The same up to one of `function`, whose place is the last of them.
std::optional<std::vector<CCall>> c_calls_up_to(PyThreadState *thread, const void *function,
                                                ElwFrame *inner, std::size_t inside);

// Where each of them goes on.
std::vector<std::uintptr_t> addresses_of(CCalls calls);
// The same, and how large its part of the stack is: where both are the same, so are the places.
std::vector<std::uintptr_t> shape_of(CCalls calls);

// Where C code that waits has a value that it still needs: in a register that the functions which
// it has called leave alone, or on its own part of the stack. It is the same place in calls of the
// same shape; other places may have the value by chance.
struct Place {
    std::size_t call;
    std::size_t word; // the registers first, then its part of the stack
    bool operator==(const Place &) const = default;
};

// Every place that has `value` now.
std::vector<Place> places_of(CCalls calls, const void *value);

// What all of the places have; null if they differ, or are none.
void *agreed(CCalls calls, const std::vector<Place> &places);

} // namespace elsewhere::frame
