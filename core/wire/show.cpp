#include <charconv>
#include <cmath>
#include <cstdio>

#include <elsewhere/value.hpp>

namespace elsewhere {
namespace {

// As float.__repr__: the shortest digits that read back the same.
std::string show_real(double v) {
    if (std::isnan(v)) return "nan";
    if (std::isinf(v)) return v < 0 ? "-inf" : "inf";
    char text[40] = {};
    const char *end = std::to_chars(text, text + sizeof text, v, std::chars_format::scientific).ptr;
    std::string digits;
    const char *at = text;
    const bool negative = *at == '-';
    if (negative) ++at;
    for (; at != end && *at != 'e'; ++at)
        if (*at != '.') digits += *at;
    const int exponent = std::atoi(at + 1);
    std::string out;
    if (exponent < -4 || exponent >= 16) {
        out = digits.substr(0, 1);
        if (digits.size() > 1) out += "." + digits.substr(1);
        char tail[12];
        std::snprintf(tail, sizeof tail, "e%+03d", exponent);
        out += tail;
    } else if (exponent < 0) {
        out = "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    } else {
        const auto whole = static_cast<std::size_t>(exponent + 1);
        if (digits.size() < whole) digits.append(whole - digits.size(), '0');
        out = digits.substr(0, whole) + "." +
              (digits.size() > whole ? digits.substr(whole) : std::string("0"));
    }
    return (negative ? "-" : "") + out;
}

std::string show_complex(const Value::Complex &v) {
    const auto part = [](double x) {
        std::string text = show_real(x);
        return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
    };
    const std::string imaginary = part(v.imaginary) + "j";
    if (v.real == 0 && !std::signbit(v.real)) return imaginary;
    return "(" + part(v.real) + (imaginary[0] == '-' ? "" : "+") + imaginary + ")";
}

std::string show_big(const Value::Big &v) {
    Value::Bytes rest = v.magnitude;
    std::string text;
    while (!rest.empty()) {
        std::uint32_t remainder = 0;
        for (std::size_t i = rest.size(); i-- > 0;) {
            remainder = remainder << 8 | rest[i];
            rest[i] = static_cast<std::uint8_t>(remainder / 10);
            remainder %= 10;
        }
        text.insert(text.begin(), static_cast<char>('0' + remainder));
        while (!rest.empty() && rest.back() == 0) rest.pop_back();
    }
    return (v.negative ? "-" : "") + text;
}

// Quotes as Python chooses them; `units` are code points, or bytes with `of_bytes`.
template <class Units> std::string quoted(const Units &units, bool of_bytes) {
    bool single = false, twice = false;
    for (const std::uint32_t c : units) {
        single |= c == '\'';
        twice |= c == '"';
    }
    const char quote = single && !twice ? '"' : '\'';
    std::string out(1, quote);
    for (const std::uint32_t c : units) {
        char escape[12];
        if (c == '\\' || c == static_cast<unsigned char>(quote)) {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c >= 0x20 && c < 0x7f) {
            out += static_cast<char>(c);
        } else {
            const char *format = of_bytes || c <= 0xff ? "\\x%02x"
                                 : c <= 0xffff         ? "\\u%04x"
                                                       : "\\U%08x";
            std::snprintf(escape, sizeof escape, format, c);
            out += escape;
        }
    }
    return out + quote;
}

// Of text that is_text.
std::vector<std::uint32_t> code_points(const std::string &text) {
    std::vector<std::uint32_t> points;
    for (std::size_t i = 0; i < text.size();) {
        const auto first = static_cast<std::uint8_t>(text[i++]);
        const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : first >= 0x80 ? 1 : 0;
        std::uint32_t point = more == 0 ? first : first & (0x3fu >> more);
        for (int n = 0; n < more; ++n) point = point << 6 | (text[i++] & 0x3f);
        points.push_back(point);
    }
    return points;
}

std::string show_items(const Value::Items &v) {
    std::string inside;
    for (const Value &item : v.items) inside += (inside.empty() ? "" : ", ") + show(item);
    const bool empty = v.items.empty();
    switch (v.kind) {
    case Value::Kind::list: return "[" + inside + "]";
    case Value::Kind::tuple: return "(" + inside + (v.items.size() == 1 ? ",)" : ")");
    case Value::Kind::set: return empty ? "set()" : "{" + inside + "}";
    case Value::Kind::frozen_set: return empty ? "frozenset()" : "frozenset({" + inside + "})";
    }
    return inside;
}

struct Show {
    std::string operator()(const Value::None &) { return "None"; }
    std::string operator()(bool v) { return v ? "True" : "False"; }
    std::string operator()(std::int64_t v) { return std::to_string(v); }
    std::string operator()(const Value::Big &v) { return show_big(v); }
    std::string operator()(double v) { return show_real(v); }
    std::string operator()(const Value::Complex &v) { return show_complex(v); }
    std::string operator()(const Value::Bytes &v) { return "b" + quoted(v, true); }
    std::string operator()(const std::string &v) { return quoted(code_points(v), false); }
    std::string operator()(const Value::Items &v) { return show_items(v); }
    std::string operator()(const Value::Dict &v) {
        std::string inside;
        for (const auto &[key, item] : v.pairs)
            inside += (inside.empty() ? "" : ", ") + show(key) + ": " + show(item);
        return "{" + inside + "}";
    }
    std::string operator()(const Value::Channel &v) {
        return "<channel " + std::to_string(v.id) + ">";
    }
    std::string operator()(const Value::Failed &) { return "<failed>"; }
};

} // namespace

std::string show(const Value &value) { return std::visit(Show{}, value.any); }

} // namespace elsewhere
