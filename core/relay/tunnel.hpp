#pragma once

#include "core/relay/conduit.hpp"
#include "core/transport/stream.hpp"

namespace elsewhere::relay {

// The near end of a relay (spec/relay.md): the streams of a program that another gateway's worker
// has started, carried over one channel of that gateway. Reads nothing of what it carries. Who does
// not read his end holds up his own tunnel only: what is on the way is bounded in both directions.
// The gateway has to outlive it; when its link ends, so do the streams.
class Tunnel : public gateway::Sink {
  public:
    // Throws Error{internal}: no pipes.
    Tunnel(gateway::Endpoint &through, std::uint32_t channel);
    // The program there is told to end, and killed if it does not.
    ~Tunnel() override;

    // The other ends of the pipes; once.
    [[nodiscard]] transport::Carried take_ends() { return std::move(ends_); }
    // True: from now on what goes there is given to write(), and nothing comes over the pipe `out`.
    bool goes_direct() { return conduit_.await_carried(from_); }
    ssize_t write(std::span<const iovec> stretches) override { return conduit_.carry(stretches); }
    [[nodiscard]] int room() const noexcept override { return conduit_.room(); }

  private:
    void inwards();

    Conduit conduit_;
    transport::Carried ends_;
    Fd from_, to_, errors_, status_;
    std::thread outwards_, inwards_;
};

} // namespace elsewhere::relay
