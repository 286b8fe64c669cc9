#pragma once

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "core/gateway/shared_stream.hpp"

namespace elsewhere::gateway {

// Looks at descriptors for a moment before it sleeps on them. To be woken takes longer than many an
// answer does, and whoever wakes pays as well. Between two looks whoever wants the core may have
// it. Where nothing comes so soon, or the core is given back late, it stops looking, and tries
// again now and then.
class Glance {
  public:
    static constexpr auto longest = std::chrono::microseconds(30);

    // As ppoll() with the thread's own mask: a signal ends it whenever it comes. `shared`, if there
    // is one, is looked at with the first of them, which is its bell.
    int poll(pollfd *watched, nfds_t count, const timespec *timeout,
             SharedStream *shared = nullptr) {
        if (has_come(shared, watched, count)) return 1;
        if (!is_worth_while()) return sleep(watched, count, timeout, nullptr, shared);
        // One that comes while nobody sleeps must not be slept through.
        sigset_t all, before;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        int ready = look(watched, count, shared);
        if (ready == 0) ready = sleep(watched, count, timeout, &before, shared);
        const int error = errno;
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        errno = error;
        return ready;
    }
    // Whether that was seen, in a moment in which it was looked for.
    template <class Seen> bool sees(Seen seen) { return is_worth_while() && look(seen); }
    [[nodiscard]] unsigned hopes() const noexcept { return hopes_; }

  private:
    using Clock = std::chrono::steady_clock;

    static bool has_come(const SharedStream *shared, pollfd *watched, nfds_t count) {
        if (shared == nullptr || !shared->readable()) return false;
        for (nfds_t i = 0; i < count; ++i) watched[i].revents = 0;
        watched[0].revents = POLLIN;
        return true;
    }

    static int sleep(pollfd *watched, nfds_t count, const timespec *timeout, const sigset_t *mask,
                     SharedStream *shared) {
        if (shared == nullptr) return ::ppoll(watched, count, timeout, mask);
        if (!shared->sleeps()) return has_come(shared, watched, count) ? 1 : 0;
        const int ready = ::ppoll(watched, count, timeout, mask);
        const int error = errno;
        shared->is_awake();
        errno = error;
        return ready;
    }

    int look(pollfd *watched, nfds_t count, const SharedStream *shared) {
        int ready = 0;
        look([&] {
            // Memory is looked at for less than a call to the system.
            for (int i = 0; shared != nullptr && i < 64 && ready == 0; ++i)
                ready = has_come(shared, watched, count) ? 1 : 0;
            if (ready == 0) ready = ::poll(watched, count, 0);
            return ready != 0;
        });
        return ready;
    }

    template <class Seen> bool look(Seen seen) {
        const auto end = Clock::now() + longest;
        auto now = end;
        do {
            if (seen()) {
                hopes_ = many;
                pause_ = rarely;
                return true;
            }
            std::this_thread::yield();
            now = Clock::now();
        } while (now < end);
        if (now > end + longest) { // others need the core: to sleep is to be woken sooner
            hopes_ = 0;
            pause_ = std::min(pause_ * 2, most_rarely);
        } else if (hopes_ > 0) {
            --hopes_;
        }
        return false;
    }
    bool is_worth_while() {
        static const bool alone = std::thread::hardware_concurrency() < 2;
        return !alone && (hopes_ != 0 || ++passed_ % pause_ == 0);
    }

    static constexpr unsigned many = 8, rarely = 64, most_rarely = 4096;
    // Looks that are worth while; polls since without one, of which each so many-th looks.
    unsigned hopes_ = 0, passed_ = 0, pause_ = rarely;
};

} // namespace elsewhere::gateway
