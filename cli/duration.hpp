#pragma once

#include <optional>
#include <string>

namespace elsewhere::cli {

// Seconds in "10s", "500ms", "2m", "1.5h" or "10"; nothing if it is none of these.
[[nodiscard]] std::optional<double> parse_duration(const std::string &text);

} // namespace elsewhere::cli
