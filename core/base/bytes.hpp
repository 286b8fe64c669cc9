#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/error.hpp"
#include "core/base/unfilled.hpp"

namespace elsewhere {

using Bytes = std::vector<std::uint8_t, Unfilled<std::uint8_t>>;

using Span = std::span<const std::uint8_t>; // bytes that somebody else owns

// Appends to a Bytes: little-endian fixed integers, LEB128 varints, length-prefixed strings.
class Writer {
  public:
    void u8(std::uint8_t v) { out_.push_back(v); }
    void u32(std::uint32_t v) { fixed(v); }
    void u64(std::uint64_t v) { fixed(v); }
    void f64(double v) { fixed(std::bit_cast<std::uint64_t>(v)); }
    void varint(std::uint64_t v) {
        while (v >= 0x80) {
            out_.push_back(static_cast<std::uint8_t>(v | 0x80));
            v >>= 7;
        }
        out_.push_back(static_cast<std::uint8_t>(v));
    }
    // Signed integer, zigzag then varint.
    void zigzag(std::int64_t v) {
        varint((static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63));
    }
    void raw(const void *data, std::size_t size) {
        if (size == 0) return;
        const std::size_t at = out_.size();
        out_.resize(at + size);
        std::memcpy(out_.data() + at, data, size);
    }
    void text(std::string_view s) {
        varint(s.size());
        raw(s.data(), s.size());
    }
    [[nodiscard]] std::size_t size() const noexcept { return out_.size(); }
    [[nodiscard]] Bytes &bytes() noexcept { return out_; }

  private:
    template <typename T> void fixed(T v) {
        static_assert(std::endian::native == std::endian::little);
        raw(&v, sizeof v);
    }
    Bytes out_;
};

// Reads what Writer wrote, from bytes it does not own. Every read is checked: running past the
// end, or a varint over 64 bits, throws Error{damaged}. Safe on hostile input.
class Reader {
  public:
    Reader(const void *data, std::size_t size)
        : begin_(static_cast<const std::uint8_t *>(data)), at_(begin_), end_(begin_ + size) {}
    explicit Reader(std::string_view s) : Reader(s.data(), s.size()) {}

    [[nodiscard]] bool done() const noexcept { return at_ == end_; }
    [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    [[nodiscard]] std::size_t offset() const noexcept {
        return static_cast<std::size_t>(at_ - begin_);
    }
    std::uint8_t u8() { return *take(1); }
    std::uint32_t u32() { return fixed<std::uint32_t>(); }
    std::uint64_t u64() { return fixed<std::uint64_t>(); }
    double f64() { return std::bit_cast<double>(fixed<std::uint64_t>()); }
    std::uint64_t varint() {
        std::uint64_t v = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t b = u8();
            if (shift == 63 && b > 1) break;
            v |= static_cast<std::uint64_t>(b & 0x7f) << shift;
            if ((b & 0x80) == 0) return v;
        }
        throw Error(ErrorKind::damaged, "a number runs over 64 bits");
    }
    std::int64_t zigzag() {
        const std::uint64_t v = varint();
        return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
    }
    std::string_view raw(std::size_t size) {
        return {reinterpret_cast<const char *>(take(size)), size};
    }
    std::string_view text() {
        const std::uint64_t size = varint();
        if (size > left()) throw Error(ErrorKind::damaged, "a string runs past the end");
        return raw(static_cast<std::size_t>(size));
    }
    // A count of things that take at least `each` bytes: refuses what cannot fit in the rest.
    std::size_t count(std::size_t each = 1) {
        const std::uint64_t n = varint();
        if (n > left() / each) throw Error(ErrorKind::damaged, "a count runs past the end");
        return static_cast<std::size_t>(n);
    }

  private:
    const std::uint8_t *take(std::size_t size) {
        if (size > left()) throw Error(ErrorKind::damaged, "the data ends early");
        const std::uint8_t *p = at_;
        at_ += size;
        return p;
    }
    template <typename T> T fixed() {
        T v;
        std::memcpy(&v, take(sizeof v), sizeof v);
        return v;
    }
    const std::uint8_t *begin_;
    const std::uint8_t *at_;
    const std::uint8_t *end_;
};

} // namespace elsewhere
