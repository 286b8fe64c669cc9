#pragma once

#include <string>

#include "cli/commands.hpp"

namespace elsewhere::cli {

// Splits as a shell does: blanks separate, '…' and "…" and \ keep them. No expansion of any kind.
// Throws Error{usage} if a quote is left open.
Words split_words(const std::string &text);

} // namespace elsewhere::cli
