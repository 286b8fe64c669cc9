#include "cli/json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "cli/utf8.hpp"

namespace elsewhere::cli {

void JsonWriter::separate() {
    if (!first_) out_ += ", ";
    first_ = false;
}

JsonWriter &JsonWriter::open(char bracket) {
    separate();
    out_ += bracket;
    first_ = true;
    return *this;
}

JsonWriter &JsonWriter::close(char bracket) {
    out_ += bracket;
    first_ = false;
    return *this;
}

JsonWriter &JsonWriter::literal(std::string_view value) {
    separate();
    out_ += value;
    return *this;
}

JsonWriter &JsonWriter::key(std::string_view name) {
    separate();
    quote(name);
    out_ += ": ";
    first_ = true;
    return *this;
}

JsonWriter &JsonWriter::text(std::string_view value) {
    separate();
    quote(value);
    return *this;
}

JsonWriter &JsonWriter::number(double value) {
    if (!std::isfinite(value)) return null(); // JSON has no word for it
    std::array<char, 32> digits = {};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return literal({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void JsonWriter::quote(std::string_view value) {
    out_ += '"';
    while (!value.empty()) {
        const CodePoint point = decode(value);
        if (!point.valid() || point.value < 0x20 || point.value == 0x7F) {
            std::array<char, 8> escape = {};
            std::snprintf(escape.data(), escape.size(), "\\u%04x",
                          static_cast<unsigned>(point.value & 0xFFFF));
            out_ += escape.data();
        } else {
            if (point.value == '"' || point.value == '\\') out_ += '\\';
            out_ += value.substr(0, point.size);
        }
        value.remove_prefix(point.size);
    }
    out_ += '"';
}

} // namespace elsewhere::cli
