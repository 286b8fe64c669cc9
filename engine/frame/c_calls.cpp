#include "engine/frame/c_calls.hpp"

#include <unwind.h>

namespace elsewhere::frame {

namespace {

struct CCall {
    std::uintptr_t address;  // where it goes on
    std::uintptr_t stack;    // the lowest address of its part of the stack
    std::uintptr_t function; // where it begins
};

constexpr std::size_t enough = 100'000;

// What is at work in this thread, innermost first.
std::vector<CCall> c_calls() {
    std::vector<CCall> calls;
    _Unwind_Backtrace(
        [](_Unwind_Context *context, void *into) {
            auto *found = static_cast<std::vector<CCall> *>(into);
            if (found->size() == enough) return _URC_END_OF_STACK;
            found->push_back(
                {_Unwind_GetIP(context), _Unwind_GetCFA(context), _Unwind_GetRegionStart(context)});
            return _URC_NO_REASON;
        },
        &calls);
    return calls;
}

// The call whose part of the stack has `place` in it; calls.size() if there is none.
std::size_t holding(const std::vector<CCall> &calls, const void *place) {
    const auto address = reinterpret_cast<std::uintptr_t>(place);
    for (std::size_t i = 0; address != 0 && i + 1 < calls.size(); ++i)
        if (calls[i].stack <= address && address < calls[i + 1].stack) return i;
    return calls.size();
}

// Where each frame has an eval loop of its own: that of the frame with `inside` others in it. The
// frame's address has to be around, in a variable of the loop or in a register that was saved.
std::size_t counted(const std::vector<CCall> &calls, const ElwFrame *frame, std::size_t inside) {
    const auto loop = reinterpret_cast<std::uintptr_t>(elw_loop_function());
    for (std::size_t i = 1; i + 1 < calls.size(); ++i) {
        if (calls[i].function != loop || inside-- != 0) continue;
        const auto *word = reinterpret_cast<ElwFrame *const *>(calls[i - 1].stack);
        const auto *end = reinterpret_cast<ElwFrame *const *>(calls[i + 1].stack);
        while (word != end && *word != frame) ++word;
        return word == end ? calls.size() : i;
    }
    return calls.size();
}

} // namespace

std::optional<std::vector<std::uintptr_t>> c_calls_between(PyThreadState *thread, ElwFrame *outer,
                                                           ElwFrame *inner, std::size_t inside) {
    const std::vector<CCall> calls = c_calls();
    const bool one_each = elw_loop_function() != nullptr;
    const std::size_t from =
        one_each ? counted(calls, inner, inside) : holding(calls, elw_loop_of(thread, inner));
    const std::size_t to =
        one_each ? counted(calls, outer, inside + 1) : holding(calls, elw_loop_of(thread, outer));
    if (to == calls.size() || from >= to) return std::nullopt;
    std::vector<std::uintptr_t> between;
    for (std::size_t i = from + 1; i <= to; ++i) between.push_back(calls[i].address);
    return between;
}

} // namespace elsewhere::frame
