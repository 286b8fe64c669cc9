#pragma once

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
    // The same without waiting: what does not go out now goes when somebody reads the link.
    bool say_soon(char kind, std::span<const std::uint8_t> bytes = {});
    // Says what can be read there as D, and Z at its end; returns then, or when stopped.
    void carry_from(gateway::Medium &from);
    // What is carried goes another way from now on: carry_from() is to see it, also while it waits.
    void look_again();
    // Waits until all that is in the pipe has been said; false where that takes too long.
    bool await_carried(const gateway::Medium &from);
    // Says it as D at once, without a pipe between; how much of it. -1: EPIPE, or EAGAIN, then
    // room() can be polled for reading until there is some.
    ssize_t carry(std::span<const iovec> stretches);
    [[nodiscard]] int room() const noexcept { return has_room_.get(); }
    // Gives every message but A to `taker`, until the channel ends or that says false. `bytes` are
    // in `message`, which may be kept.
    using Taker =
        std::function<bool(char kind, wire::Buffer &&message, std::span<const std::uint8_t> bytes)>;
    void carry_to(const Taker &taker);
    // So many bytes of D went to where they go.
    void taken(std::size_t size);
    // All of it, unless it is stopped meanwhile; nothing more where nobody reads.
    void write_all(gateway::Medium &to, std::span<const std::uint8_t> bytes);

    // Whoever is inside returns soon. stopped() can be polled for reading from then on.
    void stop();
    [[nodiscard]] int stopped() const noexcept { return stop_.get(); }
    // Tells the other end; carry_to() returns.
    void close();

  private:
    bool send(char kind, wire::Buffer &&message, gateway::Deadline deadline = {});
    bool send(wire::Payload &&payload, gateway::Deadline deadline);
    bool await_room(gateway::Medium &from);
    void forget_room();
    bool arrived(wire::Buffer &&message, const Taker &taker);

    gateway::Endpoint &through_;
    const std::uint32_t channel_;
    Fd stop_;
    std::mutex reading_; // what comes from a pipe, until it is said
    std::mutex mutex_;   // of all below
    Fd has_room_;
    bool awaits_room_ = false; // who has something to say as D
    std::size_t on_way_ = 0;   // bytes of D that the other end has not written yet
    bool over_ = false;
    std::size_t untold_ = 0; // bytes written here since the other end was told
};

// A thread that signals leave alone: they are for the program's.
[[nodiscard]] std::thread start_quiet(std::function<void()> body);

} // namespace elsewhere::relay
