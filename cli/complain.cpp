#include "cli/complain.hpp"

#include <cstdio>

#include "cli/utf8.hpp"

namespace elsewhere::cli {

void complain(const std::string &error, const std::string &hint) {
    std::fprintf(stderr, "error: %s\n", printable(error).c_str());
    if (!hint.empty()) std::fprintf(stderr, "hint: %s\n", printable(hint).c_str());
}

} // namespace elsewhere::cli
