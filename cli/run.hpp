#pragma once

#include "cli/commands.hpp"

namespace elsewhere::cli {

// `elsewhere run WORDS`; with `check_at_end` the program answers a request to check when it ends,
// asked or not.
int run_program(const Words &words, bool check_at_end);

} // namespace elsewhere::cli
