#include "cli/utf8.hpp"

#include <array>
#include <cstdio>

namespace elsewhere::cli {

CodePoint decode(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    const CodePoint invalid = {static_cast<char32_t>(0xDC00 + lead), 1};
    if (lead < 0x80) return {lead, 1};
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return invalid;
    char32_t value = lead & (0xFF >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return invalid;
        value = value << 6 | (byte(i) & 0x3F);
    }
    constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
    if (value < least[size] || value > 0x10FFFF || surrogate) return invalid;
    return {value, size};
}

std::string printable(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const CodePoint point = decode(text);
        const bool control = point.value < 0x20 || (point.value >= 0x7F && point.value < 0xA0);
        // These turn the reading direction around and could forge a line.
        const bool turning = (point.value >= 0x202A && point.value <= 0x202E) ||
                             (point.value >= 0x2066 && point.value <= 0x2069);
        if (point.valid() && !control && !turning) {
            out += text.substr(0, point.size);
        } else if (point.value == '\n' || point.value == '\t') {
            out += point.value == '\n' ? "\\n" : "\\t";
        } else {
            std::array<char, 16> escape = {};
            std::snprintf(escape.data(), escape.size(), turning ? "\\u%04x" : "\\x%02x",
                          static_cast<unsigned>(turning ? point.value : point.value & 0xFF));
            out += escape.data();
        }
        text.remove_prefix(point.size);
    }
    return out;
}

} // namespace elsewhere::cli
