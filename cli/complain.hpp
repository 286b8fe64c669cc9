#pragma once

#include <string>

namespace elsewhere::cli {

// The form of every failure on stderr: `error: …`, then `hint: …` if there is one. What they quote
// from a snapshot or a command line cannot play tricks on the terminal.
void complain(const std::string &error, const std::string &hint);

} // namespace elsewhere::cli
