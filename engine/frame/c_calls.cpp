#include "engine/frame/c_calls.hpp"

#include <unwind.h>

namespace elsewhere::frame {

namespace {

constexpr std::size_t enough = 100'000;
// rbx, rbp, r12 to r15, as DWARF numbers them: a function leaves them to its caller as they were.
constexpr std::array<int, 6> preserved{3, 6, 12, 13, 14, 15};

// What is at work in this thread, innermost first.
std::vector<CCall> c_calls() {
    std::vector<CCall> calls;
    _Unwind_Backtrace(
        [](_Unwind_Context *context, void *into) {
            auto *found = static_cast<std::vector<CCall> *>(into);
            if (found->size() == enough) return _URC_END_OF_STACK;
            CCall call{_Unwind_GetIP(context),
                       _Unwind_GetCFA(context),
                       0,
                       _Unwind_GetRegionStart(context),
                       {}};
            for (std::size_t i = 0; i < preserved.size(); ++i)
                call.registers[i] = _Unwind_GetGR(context, preserved[i]);
            found->push_back(call);
            return _URC_NO_REASON;
        },
        &calls);
    for (std::size_t i = 0; i + 1 < calls.size(); ++i) calls[i].end = calls[i + 1].stack;
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

// The call of the eval loop that runs `frame`.
std::size_t running(PyThreadState *thread, const std::vector<CCall> &calls, ElwFrame *frame,
                    std::size_t inside) {
    if (elw_loop_function() != nullptr) return counted(calls, frame, inside);
    return holding(calls, elw_loop_of(thread, frame));
}

std::optional<std::vector<CCall>> between(const std::vector<CCall> &calls, std::size_t from,
                                          std::size_t to) {
    if (to >= calls.size() || from >= to) return std::nullopt;
    return std::vector<CCall>(calls.begin() + static_cast<std::ptrdiff_t>(from) + 1,
                              calls.begin() + static_cast<std::ptrdiff_t>(to) + 1);
}

std::size_t words_of(const CCall &call) {
    return call.registers.size() + (call.end - call.stack) / sizeof(std::uintptr_t);
}

std::uintptr_t word_of(const CCall &call, std::size_t n) {
    const std::size_t registers = call.registers.size();
    if (n < registers) return call.registers[n];
    return reinterpret_cast<const std::uintptr_t *>(call.stack)[n - registers];
}

} // namespace

std::optional<std::vector<CCall>> c_calls_between(PyThreadState *thread, ElwFrame *outer,
                                                  ElwFrame *inner, std::size_t inside) {
    const std::vector<CCall> calls = c_calls();
    const std::size_t from = running(thread, calls, inner, inside);
    return between(calls, from, running(thread, calls, outer, inside + 1));
}

std::optional<std::vector<CCall>> c_calls_up_to(PyThreadState *thread, const void *function,
                                                ElwFrame *inner, std::size_t inside) {
    const std::vector<CCall> calls = c_calls();
    const std::size_t from = running(thread, calls, inner, inside);
    std::size_t to = from;
    while (to < calls.size() && calls[to].function != reinterpret_cast<std::uintptr_t>(function))
        ++to;
    return between(calls, from, to);
}

std::vector<std::uintptr_t> addresses_of(CCalls calls) {
    std::vector<std::uintptr_t> addresses;
    for (const CCall &call : calls) addresses.push_back(call.address);
    return addresses;
}

std::vector<std::uintptr_t> shape_of(CCalls calls) {
    std::vector<std::uintptr_t> shape = addresses_of(calls);
    for (const CCall &call : calls) shape.push_back(call.end - call.stack);
    return shape;
}

std::vector<Place> places_of(CCalls calls, const void *value) {
    std::vector<Place> places;
    for (std::size_t i = 0; i < calls.size(); ++i)
        for (std::size_t n = 0; n < words_of(calls[i]); ++n)
            if (word_of(calls[i], n) == reinterpret_cast<std::uintptr_t>(value))
                places.push_back({i, n});
    return places;
}

void *agreed(CCalls calls, const std::vector<Place> &places) {
    std::uintptr_t value = 0;
    for (const Place &place : places) {
        if (place.call >= calls.size() || place.word >= words_of(calls[place.call])) return nullptr;
        const std::uintptr_t word = word_of(calls[place.call], place.word);
        if (word == 0 || (value != 0 && word != value)) return nullptr;
        value = word;
    }
    return reinterpret_cast<void *>(value);
}

} // namespace elsewhere::frame
