#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/gateway/endpoint.hpp"
#include "core/transport/stream.hpp"

namespace elsewhere::relay {

// The near end of a relay (spec/relay.md): the streams of a program that another gateway's worker
// has started, carried over one channel of that gateway. Reads nothing of what it carries. Who does
// not read his end holds up his own tunnel only: what is on the way is bounded in both directions.
// The gateway has to outlive it; when its link ends, so do the streams.
class Tunnel {
  public:
    // Throws Error{internal}: no pipes.
    Tunnel(gateway::Endpoint &through, std::uint32_t channel);
    // The program there is told to end, and killed if it does not.
    ~Tunnel();
    Tunnel(const Tunnel &) = delete;
    Tunnel &operator=(const Tunnel &) = delete;

    // The other ends of the pipes; once.
    [[nodiscard]] transport::Carried take_ends() { return std::move(ends_); }

  private:
    void outwards();
    void inwards();
    bool arrived(std::span<const std::uint8_t> value);
    bool say(char kind, std::span<const std::uint8_t> bytes);
    // False when the other end has gone.
    bool write_all(const Fd &fd, std::span<const std::uint8_t> bytes);
    void taken(std::size_t size);

    gateway::Endpoint &through_;
    const std::uint32_t channel_;
    transport::Carried ends_;
    Fd from_, to_, errors_, status_, stop_;
    std::mutex mutex_;
    std::condition_variable room_;
    std::size_t on_way_ = 0; // bytes that the relay has not written yet
    bool over_ = false;
    std::size_t untold_ = 0; // bytes written here since the relay was told
    std::thread outwards_, inwards_;
};

} // namespace elsewhere::relay
