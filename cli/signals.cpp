#include "cli/signals.hpp"

namespace elsewhere::cli {
namespace {

sigset_t original; // one per process, as the mask is

} // namespace

int control_signal() noexcept { return SIGRTMIN + 8; }

void hold_signals() {
    sigset_t held;
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGUSR1);
    sigaddset(&held, control_signal());
    sigprocmask(SIG_BLOCK, &held, &original);
}

void release_signals() { sigprocmask(SIG_SETMASK, &original, nullptr); }

const sigset_t &original_mask() noexcept { return original; }

std::vector<int> original_blocked_signals() {
    std::vector<int> blocked;
    for (int number = 1; number <= SIGRTMAX; ++number)
        if (sigismember(&original, number) == 1) blocked.push_back(number);
    return blocked;
}

} // namespace elsewhere::cli
