#include "cli/duration.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

namespace elsewhere::cli {

std::optional<double> parse_duration(const std::string &text) {
    constexpr std::array<std::pair<std::string_view, double>, 5> units = {
        {{"", 1}, {"s", 1}, {"ms", 0.001}, {"m", 60}, {"h", 3600}}};
    double value = 0;
    const char *end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
    if (error != std::errc() || value < 0 || !std::isfinite(value)) return std::nullopt;
    for (const auto &[unit, seconds] : units)
        if (std::string_view(rest, end) == unit) return value * seconds;
    return std::nullopt;
}

} // namespace elsewhere::cli
