#pragma once

#include <optional>
#include <string>

#include "cli/commands.hpp"

namespace elsewhere::cli {

// The tag of an interpreter ("cpython-312-x86_64-linux-gnu"), or nothing where `command` does not
// run or is no Python 3. A plain CPython binary tells by its name and is not started: starting
// one costs as much as the rest of `run`. The engine checks again when it is loaded.
std::optional<std::string> python_tag(const Words &command);

} // namespace elsewhere::cli
