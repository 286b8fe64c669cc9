#pragma once

#include <string>

#include "cli/launch.hpp"
#include "engine/snapshot/file.hpp"

namespace elsewhere::cli {

// Becomes the program in `instructions.file`, whose header is `header`, on a Python that fits it.
// Throws Error{usage} if an earlier resumption is alive and `clone` is not set, and whatever the
// search for a Python throws. The file stays as it is.
[[noreturn]] void resume_from(const snapshot::Header &header, const std::string &python,
                              Instructions instructions);

} // namespace elsewhere::cli
