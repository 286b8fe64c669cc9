#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <elsewhere/value.hpp>

#include "core/base/result.hpp"

namespace elsewhere::wire {

// Containers may be nested this deep.
constexpr unsigned deepest = 1000;

using Container = Value::Kind;

// Reads one value of spec/values.md from bytes of anyone. What the value becomes is the builder's
// affair; everything it is told has been checked but text, which may be other than UTF-8. Calls
// are direct, so that a decoder costs what its builder costs. A builder has:
//
//   Value                                a movable type
//   Value failure(), bool ok(Value)      "could not be made"; decoding then ends
//   std::string why()                    what could not be made; asked once, after a failure
//   none() boolean(bool) integer(int64_t) real(double) complex(double, double)
//   bytes(span) text(span) channel(uint32_t)
//   big(bool negative, span magnitude)   an int of any size, least byte first
//   share(const Value &)                 the same value again
//   begin<Container>(uint32_t count), bool add<Container>(Value &, uint32_t index, Value &&)
//   begin_dict(), bool add_pair(Value &, Value &&key, Value &&value)
template <class Builder> class Decoder {
  public:
    using Value = typename Builder::Value;

    Decoder(std::span<const std::uint8_t> bytes, bool extended, Builder &build)
        : begin_(bytes.data()), at_(begin_), end_(begin_ + bytes.size()), extended_(extended),
          build_(build) {}

    Result<Value> all() {
        Value made = value(0);
        if (build_.ok(made) && at_ != end_) made = fail("there are bytes left over");
        if (build_.ok(made)) return Result<Value>(std::move(made));
        return Error(ErrorKind::protocol, "a value cannot be read at its byte " +
                                              std::to_string(at_ - begin_) + ": " +
                                              (why_ ? std::string(why_) : build_.why()));
    }

  private:
    Value value(unsigned depth) {
        if (at_ == end_) return fail("it ends early");
        switch (*at_++) {
        case 'N': return build_.none();
        case 'F': return build_.boolean(false);
        case 'T': return build_.boolean(true);
        case 'i':
            if (!holds(4)) return early();
            return build_.integer(fixed<std::int32_t>());
        case 'I':
            if (!holds(8)) return early();
            return build_.integer(fixed<std::int64_t>());
        case 'l': return big();
        case 'g':
            if (!holds(8)) return early();
            return build_.real(fixed<double>());
        case 'y': {
            if (!holds(16)) return early();
            const double real = fixed<double>();
            return build_.complex(real, fixed<double>());
        }
        case 's': return sized(4, [&](auto bytes) { return build_.bytes(bytes); });
        case 'u': return sized(4, [&](auto bytes) { return build_.text(bytes); });
        case 't': return interned();
        case 'R': {
            if (!holds(4)) return early();
            const auto number = fixed<std::uint32_t>();
            if (number >= interned_.size()) return fail("it refers to a str that never came");
            return build_.share(interned_[number]);
        }
        case '(': return items<Container::tuple>(depth);
        case '[': return items<Container::list>(depth);
        case '<': return items<Container::set>(depth);
        case '>': return items<Container::frozen_set>(depth);
        case '{': return dict(depth);
        case 'C':
            if (!extended_) break;
            if (!holds(4)) return early();
            return build_.channel(fixed<std::uint32_t>());
        case 'B':
            if (!extended_) break;
            return sized(8, [&](auto bytes) { return build_.bytes(bytes); });
        case 'U':
            if (!extended_) break;
            return sized(8, [&](auto bytes) { return build_.text(bytes); });
        }
        --at_;
        return fail("there is no such tag");
    }

    template <Container kind> Value items(unsigned depth) {
        if (!holds(4)) return early();
        const auto count = fixed<std::uint32_t>();
        // Each item takes a byte at least.
        if (count > left()) return early();
        if (depth == deepest) return fail("it is nested too deep");
        Value made = build_.template begin<kind>(count);
        if (!build_.ok(made)) return made;
        for (std::uint32_t i = 0; i < count; ++i) {
            Value item = value(depth + 1);
            if (!build_.ok(item)) return item;
            if (!build_.template add<kind>(made, i, std::move(item))) return build_.failure();
        }
        return made;
    }

    Value dict(unsigned depth) {
        if (depth == deepest) return fail("it is nested too deep");
        Value made = build_.begin_dict();
        if (!build_.ok(made)) return made;
        while (at_ != end_ && *at_ != '0') {
            Value key = value(depth + 1);
            if (!build_.ok(key)) return key;
            Value item = value(depth + 1);
            if (!build_.ok(item)) return item;
            if (!build_.add_pair(made, std::move(key), std::move(item))) return build_.failure();
        }
        if (at_ == end_) return early();
        ++at_;
        return made;
    }

    Value big() {
        if (!holds(4)) return early();
        const auto count = static_cast<std::int64_t>(fixed<std::int32_t>());
        const auto digits = static_cast<std::size_t>(count < 0 ? -count : count);
        if (digits > left() / 2) return early();
        magnitude_.clear();
        magnitude_.reserve(digits * 15 / 8 + 1);
        std::uint32_t pending = 0;
        unsigned bits = 0;
        std::uint16_t digit = 1;
        for (std::size_t i = 0; i < digits; ++i) {
            digit = fixed<std::uint16_t>();
            if (digit >= 0x8000) return fail("a digit of an int is too large");
            pending |= static_cast<std::uint32_t>(digit) << bits;
            for (bits += 15; bits >= 8; bits -= 8, pending >>= 8)
                magnitude_.push_back(static_cast<std::uint8_t>(pending));
        }
        if (digit == 0) return fail("an int begins with zeros");
        if (bits != 0) magnitude_.push_back(static_cast<std::uint8_t>(pending));
        while (!magnitude_.empty() && magnitude_.back() == 0) magnitude_.pop_back();
        return build_.big(count < 0, magnitude_);
    }

    template <class Make> Value sized(unsigned width, Make make) {
        if (!holds(width)) return early();
        const std::uint64_t size = width == 4 ? fixed<std::uint32_t>() : fixed<std::uint64_t>();
        if (size > left()) return early();
        const std::uint8_t *begin = at_;
        at_ += size;
        return make(std::span(begin, static_cast<std::size_t>(size)));
    }

    Value interned() {
        Value made = sized(4, [&](auto bytes) { return build_.bytes(bytes); });
        if (build_.ok(made)) interned_.push_back(build_.share(made));
        return made;
    }

    [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    [[nodiscard]] bool holds(std::size_t size) const noexcept { return left() >= size; }
    template <class T> T fixed() noexcept {
        static_assert(std::endian::native == std::endian::little);
        T made;
        std::memcpy(&made, at_, sizeof made);
        at_ += sizeof made;
        return made;
    }
    Value early() { return fail("it ends early"); }
    Value fail(const char *why) {
        why_ = why;
        return build_.failure();
    }

    const std::uint8_t *begin_;
    const std::uint8_t *at_;
    const std::uint8_t *end_;
    const bool extended_;
    Builder &build_;
    const char *why_ = nullptr;
    std::vector<Value> interned_;
    std::vector<std::uint8_t> magnitude_;
};

// One value and nothing else; Error{protocol} for anything that is not. `extended`: the packet's
// flag.
template <class Builder> Result<typename Builder::Value> decode(std::span<const std::uint8_t> bytes,
                                                                bool extended, Builder &build) {
    return Decoder<Builder>(bytes, extended, build).all();
}

// How long the value will be that begins so, if that is one of long bytes or text; else 0.
[[nodiscard]] std::size_t expected_size(std::span<const std::uint8_t> begin) noexcept;

// The contents of a value that is bytes and nothing else; nothing if it is another, or broken.
[[nodiscard]] std::optional<std::span<const std::uint8_t>>
bytes_alone(std::span<const std::uint8_t> value, bool extended) noexcept;

// UTF-8 in which surrogates may stand alone, three bytes each: Python's "surrogatepass".
[[nodiscard]] bool is_text(std::span<const std::uint8_t> bytes) noexcept;

} // namespace elsewhere::wire
