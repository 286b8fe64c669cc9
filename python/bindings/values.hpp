#pragma once

#include <functional>
#include <vector>

#include "core/mux/message.hpp"
#include "core/wire/value_writer.hpp"
#include "engine/cpython/ref.hpp"

// Python objects ↔ the bytes of spec/values.md: exact builtin types, and channels.
namespace elsewhere::bindings {

// What a channel is on the wire, and back. Either may be empty: then channels are refused.
struct ChannelCodec {
    std::function<std::optional<std::uint32_t>(PyObject *)> id_of;
    std::function<Ref(std::uint32_t)> channel_of;
};

// A value ready to be sent, and the objects whose memory it is attached to.
struct Dumped {
    wire::Payload payload;
    std::vector<Ref> kept;
};

// Throws PythonError (DumpError, naming type and place) for what cannot be sent.
[[nodiscard]] Dumped dump(PyObject *object, const ChannelCodec &channels = {});

// Throws Error{protocol}, or PythonError where Python itself failed. `from_python2`: its str is
// made str or bytes as the message's rules say.
[[nodiscard]] Ref load(std::span<const std::uint8_t> bytes, bool extended,
                       bool from_python2 = false, bool py2str_as_py3str = true,
                       const ChannelCodec &channels = {});

} // namespace elsewhere::bindings
