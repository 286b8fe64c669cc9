#pragma once

#include <optional>
#include <string>

namespace elsewhere {

// All that is in it; nothing if it cannot be read. (The streams of the standard library would bring
// all of its locales into the engine, which is sent to other machines and hashed there.)
[[nodiscard]] std::optional<std::string> read_file(const std::string &path);

} // namespace elsewhere
