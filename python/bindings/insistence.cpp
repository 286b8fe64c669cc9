#include "python/bindings/insistence.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace elsewhere::bindings {

namespace {

// In ns. What is seen at once, as nearly all signals are, is interrupted by nothing.
constexpr long first_interval = 4'000'000;
constexpr long last_interval = 512'000'000;

timer_t timer;
pid_t home = 0;                 // the process that has the timer; not its forked children
std::atomic<long> interval = 0; // 0: everything was seen
static_assert(std::atomic<long>::is_always_lock_free);
void (*handlers[_NSIG])(int); // CPython's

void arm(long nanoseconds) {
    itimerspec when = {};
    when.it_value.tv_nsec = nanoseconds;
    timer_settime(timer, 0, &when, nullptr);
}

// Only what POSIX allows a handler of signals.
void on_signal(int number, siginfo_t *info, void *) {
    const int error = errno;
    const bool again = info->si_code == SI_TIMER && info->si_value.sival_ptr == &timer;
    if (!again) {
        interval = first_interval;
        handlers[number](number);
    }
    if (const long wait = interval; wait > 0 && getpid() == home) {
        interval = std::min(wait * 2, last_interval);
        arm(wait);
    }
    errno = error;
}

} // namespace

void insist(std::initializer_list<int> numbers) {
    sigevent event = {};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = *numbers.begin();
    event.sigev_value.sival_ptr = &timer;
    event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) return;
    home = getpid();
    for (const int number : numbers) {
        struct sigaction action = {};
        if (sigaction(number, nullptr, &action) != 0 || (action.sa_flags & SA_SIGINFO) != 0)
            continue;
        handlers[number] = action.sa_handler;
        action.sa_flags |= SA_SIGINFO;
        action.sa_sigaction = on_signal;
        sigaction(number, &action, nullptr);
    }
}

void seen() {
    if (home != getpid()) return;
    interval = 0;
    arm(0);
    if (const long wait = interval; wait > 0) arm(wait); // one came meanwhile
}

} // namespace elsewhere::bindings
