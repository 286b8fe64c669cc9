#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace elsewhere::cli {

struct CodePoint {
    char32_t value = 0;   // for a byte that is no UTF-8: 0xDC00 + byte, as surrogateescape does
    std::size_t size = 0; // in bytes
    [[nodiscard]] bool valid() const noexcept { return value < 0xDC00 || value > 0xDCFF; }
};

// The first code point of a text that is not empty.
[[nodiscard]] CodePoint decode(std::string_view text) noexcept;

// Safe to print on a terminal: control characters and bytes that are no UTF-8 are spelled out.
[[nodiscard]] std::string printable(std::string_view text);

} // namespace elsewhere::cli
