#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/mux/message.hpp"
#include "core/wire/value_writer.hpp"
#include "engine/cpython/ref.hpp"

// Python objects ↔ the bytes of spec/values.md: exact builtin types, and channels.
namespace elsewhere::bindings {

// What a channel is on the wire, and back. Without it channels are refused.
class ChannelCodec {
  public:
    [[nodiscard]] virtual std::optional<std::uint32_t> id_of(PyObject *object) const = 0;
    // Null: Python's exception is set.
    [[nodiscard]] virtual Ref channel_of(std::uint32_t id) const = 0;
    // Whether bytearray and the like are sent as bytes.
    [[nodiscard]] virtual bool takes_buffers() const = 0;
    // The exception for what cannot be sent.
    [[nodiscard]] virtual Ref cannot_send(const std::string &why) const = 0;

  protected:
    ~ChannelCodec() = default;
};

// A value ready to be sent, and the objects whose memory it is attached to.
struct Dumped {
    wire::Payload payload;
    std::vector<Ref> kept;
};

// Throws PythonError (DumpError, naming type and place) for what cannot be sent.
[[nodiscard]] Dumped dump(PyObject *object, const ChannelCodec *channels = nullptr);

// What a message stands for that is nothing but long bytes: an object made of its memory. Empty,
// and the message as it was, where it is something else or this Python cannot have that.
[[nodiscard]] Ref take_bytes(wire::Buffer &message);

// Throws Error{protocol}, or PythonError where Python itself failed. `from_python2`: its str is
// made str or bytes as the message's rules say.
[[nodiscard]] Ref load(std::span<const std::uint8_t> bytes, bool extended,
                       bool from_python2 = false, bool py2str_as_py3str = true,
                       const ChannelCodec *channels = nullptr);

} // namespace elsewhere::bindings
