#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/base/error.hpp"
#include "core/wire/buffer.hpp"
#include "core/wire/packet.hpp"

namespace elsewhere::mux {

// What an end makes of the other Python's strings: RECONFIGURE, spec/values.md.
struct StringRules {
    bool py2str_as_py3str = true;
    bool py3str_as_py2str = false;
    bool operator==(const StringRules &) const = default;
};

// A whole value as it came, not decoded.
struct Message {
    wire::Buffer bytes;
    bool extended = false;
    StringRules strings; // as they were when it came
    // In an inbox only: where it is in the overflow; with `messages`, so many are there instead.
    struct Kept {
        std::uint64_t at = 0;
        std::size_t size = 0; // 0: it is in `bytes`
        std::size_t messages = 0;
    } kept{};
};

// The other end wants something: EXEC, TERMINATE, or STATUS as a question.
struct Request {
    wire::Kind kind;
    std::uint32_t channel;
    Message message;
};

// What has become of a channel, as far as this end knows.
struct ChannelState {
    bool readable = false; // whole messages wait
    bool finished = false; // no more will come than those
    bool closed = false;   // nothing can be sent; neither end, or the link, is there any more
    bool known = false;    // false: never had, or forgotten
    bool parted = false;   // closed by one of the ends, not by the loss of the link
};

} // namespace elsewhere::mux
