#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/interpreter.hpp"
#include "engine/snapshot/file.hpp"

namespace elsewhere::cli {

enum class Mode { run, resume, exec };

// What the boot file is told, in one environment variable.
struct Instructions {
    Mode mode = Mode::run;
    snapshot::Target target = snapshot::Target::script;
    std::string program;      // as named on the command line
    Words arguments;          // of the program
    std::string snapshot;     // --snapshot, absolute; empty: not given
    std::string file;         // to resume, absolute
    bool interactive = false; // a session follows the program, or is the program
    bool clone = false;       // resume it although another resumption is alive
    double grace = 10;        // seconds
    bool check_at_end = false;
    std::string spec; // where to execute it
    std::optional<std::uint32_t> hash_seed;
};

inline constexpr const char *instructions_variable = "ELSEWHERE_RUN";

// The seed in PYTHONHASHSEED; without one, a random seed that switches randomisation on.
[[nodiscard]] std::uint32_t pinned_hash_seed();

// Becomes the interpreter: the process id stays. Throws Error where that fails.
[[noreturn]] void launch(const Interpreter &interpreter, const Package &package,
                         const Instructions &instructions);

} // namespace elsewhere::cli
