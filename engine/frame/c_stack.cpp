#include "engine/frame/c_stack.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "core/base/error.hpp"

namespace elsewhere::frame {

namespace {

constexpr std::size_t bytes_a_frame = 2048; // measured: 0.4–0.8 kB
constexpr std::size_t shallow = 512;        // fits into what every stack has to spare

// How far the running thread's stack reaches down to and could reach: the end of the mapping below
// it. Zeros if it is not the main thread's.
struct Place {
    std::uintptr_t top = 0;
    std::uintptr_t floor = 0;
};

Place main_stack() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE *)> maps(std::fopen("/proc/self/maps", "re"),
                                                                std::fclose);
    Place place;
    std::uintptr_t below = 0;
    char line[512];
    while (maps && std::fgets(line, sizeof line, maps.get()) != nullptr) {
        std::uintptr_t start = 0, end = 0;
        if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &start, &end) != 2) continue;
        if (std::strstr(line, "[stack]") != nullptr) {
            const auto here = reinterpret_cast<std::uintptr_t>(&line);
            if (here >= start && here < end) place = {end, below};
            break;
        }
        below = end;
    }
    return place;
}

Error no_room(std::size_t frames, std::size_t bytes) {
    const std::string kilobytes = std::to_string(bytes / 1024);
    return Error(ErrorKind::refused,
                 "no room on the C stack for " + std::to_string(frames) + " frames",
                 "raise its limit first: ulimit -s " + kilobytes);
}

} // namespace

CStack::CStack(PyThreadState *thread, std::size_t frames) : thread_(thread) {
    if (frames < shallow || ::getrlimit(RLIMIT_STACK, &before_) != 0 ||
        before_.rlim_cur == RLIM_INFINITY)
        return;
    const std::size_t more = frames * bytes_a_frame;
    const std::size_t wanted = before_.rlim_cur + more;
    const Place place = main_stack();
    constexpr std::size_t guard = 2 << 20; // the kernel keeps mappings and stack apart
    if (place.top == 0 || place.top - place.floor < wanted + guard) throw no_room(frames, wanted);
    rlimit raised = before_;
    raised.rlim_cur = wanted;
    if (raised.rlim_max != RLIM_INFINITY && raised.rlim_max < wanted) throw no_room(frames, wanted);
    if (::setrlimit(RLIMIT_STACK, &raised) != 0) throw no_room(frames, wanted);
    lent_ = more;
    elw_lend_c_stack(thread_, static_cast<intptr_t>(lent_));
}

CStack::~CStack() {
    if (lent_ == 0) return;
    elw_lend_c_stack(thread_, -static_cast<intptr_t>(lent_));
    ::setrlimit(RLIMIT_STACK, &before_);
}

} // namespace elsewhere::frame
