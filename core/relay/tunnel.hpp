#pragma once

#include <condition_variable>
#include <deque>
#include <optional>

#include "core/relay/conduit.hpp"
#include "core/transport/stream.hpp"

namespace elsewhere::relay {

// The near end of a relay (spec/relay.md): the streams of a program that another gateway's worker
// has started, carried over one channel of that gateway. Reads nothing of what it carries. Who does
// not read his end holds up his own tunnel only: what is on the way is bounded in both directions.
// The gateway has to outlive it; when its link ends, so do the streams.
class Tunnel : public gateway::Carrier {
  public:
    // Throws Error{internal}: no pipes.
    Tunnel(gateway::Endpoint &through, std::uint32_t channel);
    // The program there is told to end, and killed if it does not.
    ~Tunnel() override;

    // The other ends of the pipes; once.
    [[nodiscard]] transport::Carried take_ends() { return std::move(ends_); }
    // True: from now on what goes there is given to write(), and nothing comes over the pipe `out`;
    // what comes is to be read from the pipe `in` and, behind that, by read().
    bool goes_direct();

    ssize_t write(std::span<const iovec> stretches) override { return conduit_.carry(stretches); }
    [[nodiscard]] int room() const noexcept override { return conduit_.room(); }
    std::size_t read(std::span<const iovec> room) override;
    [[nodiscard]] int arrival() const noexcept override { return arrival_.get(); }
    void ask_for_memory() override { (void)conduit_.say_soon('M'); }
    std::optional<wire::Payload> description() override;
    void output_moves() override { (void)conduit_.say_soon('W'); }

  private:
    struct Piece {
        wire::Buffer message;
        std::span<const std::uint8_t> bytes; // in it, not read yet
    };
    void inwards();
    bool arrived(char kind, wire::Buffer &&message, std::span<const std::uint8_t> bytes);
    void put(Piece &&piece, std::unique_lock<std::mutex> &lock);

    Conduit conduit_;
    transport::Carried ends_;
    std::optional<gateway::Medium> pipes_, errors_, status_;
    Fd arrival_;
    std::mutex mutex_; // of what follows
    std::condition_variable taken_;
    bool direct_ = false, stopping_ = false;
    std::deque<Piece> pieces_;
    std::size_t waiting_ = 0; // bytes in them
    wire::Buffer memory_;     // its description, until it was taken
    std::thread outwards_, inwards_;
};

} // namespace elsewhere::relay
