#pragma once

#include <poll.h>
#include <signal.h>

#include <cerrno>
#include <chrono>
#include <thread>

namespace elsewhere::gateway {

// Looks at descriptors for a moment before it sleeps on them. To be woken takes longer than many an
// answer does, and whoever wakes pays as well. Where nothing comes so soon, as when the other end
// waits for this very core, it soon stops looking, and tries again now and then.
class Glance {
  public:
    static constexpr auto longest = std::chrono::microseconds(30);

    // As ppoll() with the thread's own mask: a signal ends it whenever it comes. `hopeful`: an
    // answer is expected.
    int poll(pollfd *watched, nfds_t count, const timespec *timeout, bool hopeful) {
        static const bool alone = std::thread::hardware_concurrency() < 2;
        if (!hopeful || alone || (hopes_ == 0 && ++passed_ % rarely != 0))
            return ::ppoll(watched, count, timeout, nullptr);
        // One that comes while nobody sleeps must not be slept through.
        sigset_t all, before;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        int ready = look(watched, count);
        if (ready == 0) ready = ::ppoll(watched, count, timeout, &before);
        const int error = errno;
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        errno = error;
        return ready;
    }
    [[nodiscard]] unsigned hopes() const noexcept { return hopes_; }

  private:
    int look(pollfd *watched, nfds_t count) {
        const auto end = std::chrono::steady_clock::now() + longest;
        do {
            if (const int ready = ::poll(watched, count, 0); ready != 0) {
                hopes_ = many;
                return ready;
            }
        } while (std::chrono::steady_clock::now() < end);
        if (hopes_ > 0) --hopes_;
        return 0;
    }

    static constexpr unsigned many = 8, rarely = 64;
    unsigned hopes_ = 0, passed_ = 0; // looks that are worth while; polls since without one
};

} // namespace elsewhere::gateway
