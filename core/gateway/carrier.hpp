#pragma once

#include <sys/uio.h>

#include <optional>
#include <span>

#include "core/wire/value_writer.hpp"

namespace elsewhere::gateway {

// Carries a link's stream over another gateway, in the place of its descriptors. What came over
// the descriptor before it is carried is read from there. Any thread; none of it blocks.
class Carrier {
  public:
    virtual ~Carrier() = default;
    // As write(2), with EAGAIN and EPIPE; room() can be polled for reading when there is room
    // again.
    virtual ssize_t write(std::span<const iovec> stretches) = 0;
    [[nodiscard]] virtual int room() const noexcept = 0;
    // 0: nothing is here now. arrival() can be polled for reading while something is.
    virtual std::size_t read(std::span<const iovec> room) = 0;
    [[nodiscard]] virtual int arrival() const noexcept = 0;

    // Memory between the far end of it and the leaf (spec/relay.md): asked for, then described,
    // once, if it is to be had. output_moves(): what is written here from now on goes there.
    virtual void ask_for_memory() = 0;
    [[nodiscard]] virtual std::optional<wire::Payload> description() = 0;
    virtual void output_moves() = 0;
};

} // namespace elsewhere::gateway
