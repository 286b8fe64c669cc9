#pragma once

#include <csignal>
#include <vector>

// The signals by which a program under `run` is asked for a snapshot, and the mask they are held
// in from the first instruction of `main` until the engine is ready.
namespace elsewhere::cli {

// What `elsewhere suspend` sends. Real-time, so that no program's own use is in the way.
[[nodiscard]] int control_signal() noexcept;

void hold_signals();

// For commands that start no program: as they were before hold_signals().
void release_signals();

// The mask before hold_signals(), which the program gets back.
[[nodiscard]] const sigset_t &original_mask() noexcept;
[[nodiscard]] std::vector<int> original_blocked_signals();

} // namespace elsewhere::cli
