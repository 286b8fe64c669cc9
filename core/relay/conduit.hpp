#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "core/gateway/endpoint.hpp"

namespace elsewhere::relay {

// What both ends of a relay do (spec/relay.md): streams carried over one channel, as messages whose
// first byte says what they are, with a bounded number of bytes on the way.
class Conduit {
  public:
    // How much is read from a pipe at once.
    static constexpr std::size_t piece = 256 * 1024;

    // Throws Error{internal}: no descriptor.
    Conduit(gateway::Endpoint &through, std::uint32_t channel);
    Conduit(const Conduit &) = delete;
    Conduit &operator=(const Conduit &) = delete;

    // One message. False: nothing can be said any more.
    bool say(char kind, std::span<const std::uint8_t> bytes = {});
    // Says what comes from the non-blocking pipe as D, and Z at its end; returns then, or when
    // stopped.
    void carry_from(const Fd &from);
    // Waits until all that is in the pipe has been said; false where that takes too long.
    bool await_carried(const Fd &from);
    // Says it as D at once, without a pipe between; how much of it. -1: EPIPE, or EAGAIN, then
    // room() can be polled for reading until there is some.
    ssize_t carry(std::span<const iovec> stretches);
    [[nodiscard]] int room() const noexcept { return has_room_.get(); }
    // Writes what arrives as D to the pipe, until the channel ends or `other`, which gets every
    // message but D, A and Z, says false. At a Z, and at the end, the pipe is closed.
    using Other = std::function<bool(char kind, std::span<const std::uint8_t> bytes)>;
    void carry_to(Fd &to, const Other &other);
    // All of it, unless it is stopped meanwhile. False when the other end of the pipe has gone.
    bool write_all(const Fd &to, std::span<const std::uint8_t> bytes);

    // Whoever is inside returns soon. stopped() can be polled for reading from then on.
    void stop();
    [[nodiscard]] int stopped() const noexcept { return stop_.get(); }
    // Tells the other end; carry_to() returns.
    void close();

  private:
    bool send(char kind, wire::Buffer &&message, gateway::Deadline deadline = {});
    bool arrived(std::span<const std::uint8_t> value, Fd &to, const Other &other);
    void taken(std::size_t size);

    gateway::Endpoint &through_;
    const std::uint32_t channel_;
    Fd stop_;
    gateway::Glance glance_; // of who carries from a pipe
    std::mutex reading_;     // what comes from a pipe, until it is said
    std::mutex mutex_;       // of all below
    std::condition_variable room_;
    Fd has_room_;
    bool awaits_room_ = false; // who called carry()
    std::size_t on_way_ = 0;   // bytes of D that the other end has not written yet
    bool over_ = false;
    std::size_t untold_ = 0; // bytes written here since the other end was told
};

// A thread that signals leave alone: they are for the program's.
[[nodiscard]] std::thread start_quiet(std::function<void()> body);

} // namespace elsewhere::relay
