#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "core/wire/buffer.hpp"
#include "core/wire/values.hpp"

namespace elsewhere::wire {

// The bytes of a value on its way out: what the writer wrote, and long bytes attached where they
// are in memory, which stays its owner's and must outlast the payload.
class Payload {
  public:
    // `bytes` come after the first `at` bytes of the written ones.
    struct Attachment {
        std::size_t at;
        std::span<const std::uint8_t> bytes;
    };

    Payload() = default;
    explicit Payload(Buffer written, bool extended = false)
        : size_(written.size()), written_(std::move(written)), extended_(extended) {}

    // Behind what is written.
    void attach(std::span<const std::uint8_t> bytes) {
        attachments_.push_back({written_.size(), bytes});
        size_ += bytes.size();
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] bool extended() const noexcept { return extended_; }
    [[nodiscard]] const Buffer &written() const noexcept { return written_; }
    [[nodiscard]] const std::vector<Attachment> &attachments() const noexcept {
        return attachments_;
    }

    [[nodiscard]] Buffer take_written() &&noexcept { return std::move(written_); }

    // Calls take(span) for each stretch of the bytes, in order.
    template <class Take> void each_stretch(Take take) const {
        std::size_t at = 0;
        for (const Attachment &attachment : attachments_) {
            if (attachment.at != at) take(written_.span().subspan(at, attachment.at - at));
            take(attachment.bytes);
            at = attachment.at;
        }
        if (at != written_.size()) take(written_.span().subspan(at));
    }
    // The same bytes in one piece.
    [[nodiscard]] Buffer joined() const {
        Buffer all;
        all.reserve_more(size_);
        each_stretch([&](auto stretch) { all.append(stretch); });
        return all;
    }

  private:
    friend class ValueWriter;
    std::size_t size_ = 0;
    Buffer written_;
    std::vector<Attachment> attachments_;
    bool extended_ = false;
};

// Writes values as spec/values.md says. The caller walks its objects and keeps to `deepest`; a
// container is begun with its count and then followed by that many values.
class ValueWriter {
  public:
    // Bytes from this length on are attached instead of copied.
    static constexpr std::size_t long_bytes = 32'768;

    void none() { written().push_back('N'); }
    void boolean(bool v) { written().push_back(v ? 'T' : 'F'); }
    void integer(std::int64_t v) {
        if (v >= INT32_MIN && v <= INT32_MAX) {
            tag_and('i', static_cast<std::int32_t>(v));
            return;
        }
        const auto u = static_cast<std::uint64_t>(v);
        digits_of(v < 0 ? 0 - u : u, v < 0);
    }
    // Digits of 15 bits, least first, the last not 0.
    void digits(bool negative, std::span<const std::uint16_t> digits) {
        const auto count = static_cast<std::int32_t>(digits.size());
        tag_and('l', negative ? -count : count);
        std::memcpy(written().extend(digits.size() * 2), digits.data(), digits.size() * 2);
    }
    // An int by its absolute value, least byte first.
    void big(bool negative, std::span<const std::uint8_t> magnitude);
    void real(double v) { tag_and('g', v); }
    void complex(double real, double imaginary) {
        tag_and('y', real);
        fixed(imaginary);
    }
    void bytes(std::span<const std::uint8_t> v) { sized('s', 'B', v); }
    // UTF-8, lone surrogates as three bytes each.
    void text(std::span<const std::uint8_t> v) { sized('u', 'U', v); }
    void text(std::string_view v) {
        text(std::span(reinterpret_cast<const std::uint8_t *>(v.data()), v.size()));
    }
    void begin(Container kind, std::uint32_t count) {
        tag_and(static_cast<std::uint8_t>(kind), count);
    }
    void begin_tuple(std::uint32_t count) { begin(Container::tuple, count); }
    void begin_list(std::uint32_t count) { begin(Container::list, count); }
    void begin_set(std::uint32_t count) { begin(Container::set, count); }
    void begin_frozen_set(std::uint32_t count) { begin(Container::frozen_set, count); }
    void begin_dict() { written().push_back('{'); }
    void end_dict() { written().push_back('0'); }
    void channel(std::uint32_t id) {
        payload_.extended_ = true;
        tag_and('C', id);
    }

    // What has been written; the writer is as new afterwards.
    [[nodiscard]] Payload finish() {
        payload_.size_ = attached_ + written().size();
        attached_ = 0;
        return std::exchange(payload_, Payload());
    }

  private:
    Buffer &written() noexcept { return payload_.written_; }
    template <class T> void fixed(T v) { std::memcpy(written().extend(sizeof v), &v, sizeof v); }
    template <class T> void tag_and(std::uint8_t tag, T v) {
        std::uint8_t *at = written().extend(1 + sizeof v);
        *at = tag;
        std::memcpy(at + 1, &v, sizeof v);
    }
    void digits_of(std::uint64_t magnitude, bool negative);
    void sized(std::uint8_t tag, std::uint8_t long_tag, std::span<const std::uint8_t> v) {
        if (v.size() >= long_bytes) {
            attach(tag, long_tag, v);
            return;
        }
        std::uint8_t *at = written().extend(5 + v.size());
        const auto size = static_cast<std::uint32_t>(v.size());
        *at = tag;
        std::memcpy(at + 1, &size, 4);
        if (size != 0) std::memcpy(at + 5, v.data(), size);
    }
    void attach(std::uint8_t tag, std::uint8_t long_tag, std::span<const std::uint8_t> v);

    Payload payload_;
    std::size_t attached_ = 0;
};

} // namespace elsewhere::wire
