#pragma once

#include <optional>
#include <string>

#include "cli/commands.hpp"
#include "cli/package.hpp"

namespace elsewhere::cli {

struct Interpreter {
    Words command;   // the executable's path, then its arguments
    std::string tag; // "cpython-312-x86_64-linux-gnu"
};

// What `--python` names: a path, a name on PATH, either with arguments, or a version. Empty: the
// Python of the environment that this binary is in, else python3 on PATH. Throws
// Error{unsupported} where there is none or this package has no engine for it.
Interpreter find_interpreter(const std::string &wish, const Package &package);

// One with this tag: `executable` if it still has it, else a Python of that version on PATH or
// under pyenv. Throws Error{unsupported}.
Interpreter find_interpreter_by_tag(const std::string &executable, const std::string &tag,
                                    const Package &package);

} // namespace elsewhere::cli
