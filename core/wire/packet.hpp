#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "core/base/result.hpp"

namespace elsewhere::wire {

// spec/wire.md, "Kinds".
enum class Kind : std::uint8_t {
    hello = 0,
    data = 1,
    exec = 2,
    close = 3,
    last = 4,
    credit = 5,
    exit = 6,
    terminate = 7,
    ping = 8,
    pong = 9,
    status = 10,
    reconfigure = 11,
    engine = 12,
    memory = 13,
};

namespace flag {
constexpr std::uint8_t more = 1;
constexpr std::uint8_t extended = 2;
} // namespace flag

constexpr std::size_t header_size = 16;
constexpr std::uint32_t longest_payload = 1'048'576;
// How long messages are cut, so that they do not hold up the others.
constexpr std::size_t piece_size = 131'072;

struct Header {
    std::uint32_t size = 0;
    Kind kind = Kind::data;
    std::uint8_t flags = 0;
    std::uint16_t address = 0;
    std::uint32_t channel = 0;
    std::uint32_t sequence = 0;

    bool operator==(const Header &) const = default;
};

// Writes `header_size` bytes.
inline void encode(const Header &header, std::uint8_t *to) noexcept {
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(to, &header.size, 4);
    to[4] = static_cast<std::uint8_t>(header.kind);
    to[5] = header.flags;
    std::memcpy(to + 6, &header.address, 2);
    std::memcpy(to + 8, &header.channel, 4);
    std::memcpy(to + 12, &header.sequence, 4);
}

// What flags a packet of this kind may have.
[[nodiscard]] constexpr std::uint8_t allowed_flags(Kind kind) noexcept {
    switch (kind) {
    case Kind::data: return flag::more | flag::extended;
    case Kind::hello:
    case Kind::exec:
    case Kind::close:
    case Kind::exit:
    case Kind::status:
    case Kind::reconfigure:
    case Kind::engine: return flag::extended;
    default: return 0;
    }
}

// What can be told from the header alone; whether the sequence, the channel and the address fit
// is for the reader of the stream to say.
[[nodiscard]] inline Result<Header> decode(std::span<const std::uint8_t, header_size> from) {
    const auto bad = [](const std::string &what) {
        return Error(ErrorKind::protocol, "the other end sent a packet " + what,
                     "something else may have written to the connection");
    };
    if (from[4] > static_cast<std::uint8_t>(Kind::memory))
        return bad("of unknown kind " + std::to_string(from[4]));
    Header header;
    std::memcpy(&header.size, from.data(), 4);
    header.kind = static_cast<Kind>(from[4]);
    header.flags = from[5];
    std::memcpy(&header.address, from.data() + 6, 2);
    std::memcpy(&header.channel, from.data() + 8, 4);
    std::memcpy(&header.sequence, from.data() + 12, 4);
    if ((header.flags & ~allowed_flags(header.kind)) != 0)
        return bad("with flags " + std::to_string(header.flags));
    const bool empty = header.kind == Kind::last || header.kind == Kind::terminate;
    if (header.size > longest_payload || (empty && header.size != 0) ||
        (header.kind == Kind::credit && header.size != 8 && header.size != 16))
        return bad("of " + std::to_string(header.size) + " bytes");
    return header;
}

} // namespace elsewhere::wire
