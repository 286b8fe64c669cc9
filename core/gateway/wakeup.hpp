#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <optional>

namespace elsewhere::gateway {

using Clock = std::chrono::steady_clock;
// None: for ever.
using Deadline = std::optional<Clock::time_point>;

enum class Wait { done, closed, timed_out, interrupted };

// One thread sleeps here until another wakes it. Unlike a condition variable it lets the sleeper
// go when a signal has been handled, so that a program in another language can run its handlers.
// reset() and wake() are called under one lock, sleep() outside.
class Wakeup {
  public:
    void reset() noexcept { woken_.store(0, std::memory_order_relaxed); }
    void wake() noexcept {
        if (woken_.exchange(1, std::memory_order_release) == 0)
            ::syscall(SYS_futex, &woken_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }
    // Wait::done when woken, or for no reason.
    Wait sleep(Deadline deadline) noexcept {
        if (woken_.load(std::memory_order_acquire) != 0) return Wait::done;
        // FUTEX_WAIT_BITSET takes the time of CLOCK_MONOTONIC at which to end, as Clock has it.
        timespec end{};
        if (deadline) {
            const auto since = deadline->time_since_epoch();
            const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
            end.tv_sec = seconds.count();
            end.tv_nsec = std::chrono::nanoseconds(since - seconds).count();
        }
        const long result = ::syscall(SYS_futex, &woken_, FUTEX_WAIT_BITSET_PRIVATE, 0,
                                      deadline ? &end : nullptr, nullptr, FUTEX_BITSET_MATCH_ANY);
        if (result == 0 || errno == EAGAIN) return Wait::done;
        return errno == EINTR ? Wait::interrupted : Wait::timed_out;
    }

  private:
    static_assert(sizeof(std::atomic<std::uint32_t>) == 4);
    std::atomic<std::uint32_t> woken_ = 0;
};

} // namespace elsewhere::gateway
