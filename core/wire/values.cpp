#include "core/wire/values.hpp"

#include "core/wire/value_writer.hpp"

namespace elsewhere::wire {

void ValueWriter::big(bool negative, std::span<const std::uint8_t> magnitude) {
    while (!magnitude.empty() && magnitude.back() == 0)
        magnitude = magnitude.first(magnitude.size() - 1);
    if (magnitude.size() <= 8) {
        std::uint64_t small = 0;
        if (!magnitude.empty()) std::memcpy(&small, magnitude.data(), magnitude.size());
        const std::uint64_t longest_int = negative ? 0x8000'0000u : 0x7fff'ffffu;
        if (small <= longest_int)
            integer(negative ? -static_cast<std::int64_t>(small)
                             : static_cast<std::int64_t>(small));
        else
            digits_of(small, negative);
        return;
    }
    std::vector<std::uint16_t> made;
    made.reserve(magnitude.size() * 8 / 15 + 1);
    std::uint32_t pending = 0;
    unsigned bits = 0;
    for (const std::uint8_t byte : magnitude) {
        pending |= static_cast<std::uint32_t>(byte) << bits;
        bits += 8;
        if (bits < 15) continue;
        made.push_back(static_cast<std::uint16_t>(pending & 0x7fff));
        pending >>= 15;
        bits -= 15;
    }
    if (pending != 0) made.push_back(static_cast<std::uint16_t>(pending));
    if (made.size() > INT32_MAX)
        throw Error(ErrorKind::usage, "an int of this size cannot be sent");
    digits(negative, made);
}

void ValueWriter::digits_of(std::uint64_t magnitude, bool negative) {
    std::uint16_t made[5];
    unsigned count = 0;
    for (; magnitude != 0; magnitude >>= 15)
        made[count++] = static_cast<std::uint16_t>(magnitude & 0x7fff);
    digits(negative, {made, count});
}

void ValueWriter::attach(std::uint8_t tag, std::uint8_t long_tag, std::span<const std::uint8_t> v) {
    if (v.size() <= INT32_MAX) {
        tag_and(tag, static_cast<std::uint32_t>(v.size()));
    } else {
        payload_.extended_ = true;
        tag_and(long_tag, static_cast<std::uint64_t>(v.size()));
    }
    payload_.attachments_.push_back({written().size(), v});
    attached_ += v.size();
}

std::size_t expected_size(std::span<const std::uint8_t> begin) noexcept {
    if (begin.size() < 9) return 0;
    std::uint32_t size = 0;
    std::uint64_t long_size = 0;
    std::memcpy(&size, begin.data() + 1, sizeof size);
    std::memcpy(&long_size, begin.data() + 1, sizeof long_size);
    switch (begin[0]) {
    case 's':
    case 't':
    case 'u': return std::size_t{size} + 5;
    case 'B':
    case 'U': return long_size <= SIZE_MAX - 9 ? long_size + 9 : 0;
    default: return 0;
    }
}

std::optional<std::span<const std::uint8_t>> bytes_alone(std::span<const std::uint8_t> value,
                                                         bool extended) noexcept {
    const bool is_long = extended && !value.empty() && value[0] == 'B';
    const std::size_t head = is_long ? 9 : 5;
    // Python 2 may have interned it.
    if (value.size() < head || (!is_long && value[0] != 's' && value[0] != 't'))
        return std::nullopt;
    std::uint64_t size = 0;
    std::memcpy(&size, value.data() + 1, head - 1);
    if (size != value.size() - head) return std::nullopt;
    return value.subspan(head);
}

bool is_text(std::span<const std::uint8_t> bytes) noexcept {
    const std::uint8_t *at = bytes.data();
    const std::uint8_t *const end = at + bytes.size();
    while (at != end) {
        const std::uint8_t first = *at++;
        if (first < 0x80) continue;
        const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        if (first < 0xc2 || first > 0xf4 || end - at < more) return false;
        // Longer than need be, or beyond the last code point.
        if ((first == 0xe0 && *at < 0xa0) || (first == 0xf0 && *at < 0x90) ||
            (first == 0xf4 && *at > 0x8f))
            return false;
        for (int i = 0; i < more; ++i)
            if ((*at++ & 0xc0) != 0x80) return false;
    }
    return true;
}

} // namespace elsewhere::wire
