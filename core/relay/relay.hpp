#pragma once

#include <atomic>
#include <condition_variable>

#include "core/relay/conduit.hpp"
#include "core/transport/stream.hpp"

namespace elsewhere::relay {

// The far end of a relay (spec/relay.md): starts the program that leads to the leaf, and carries
// its streams over a channel. When the channel ends, so does the program. The endpoint has to
// outlive it.
class Relay {
  public:
    // Throws Error{unsupported}: the program cannot be started. Error{internal}: out of something.
    Relay(gateway::Endpoint &through, std::uint32_t channel, const transport::Words &argv,
          transport::Keyboard keyboard);
    // Kills the program, if it still runs. Waits for what is being sent, while the link lasts.
    ~Relay();

    // The program has ended, and that has been told as far as it could be.
    [[nodiscard]] bool over() const noexcept { return over_; }

  private:
    Relay(gateway::Endpoint &through, std::uint32_t channel, transport::Child child,
          transport::Keyboard keyboard);
    void start(std::thread &thread, void (Relay::*body)());
    void to_child();
    void from_child();
    void complaints();
    void watch();
    // Reads on where nobody is told any more, so that the program can end.
    void discard(gateway::Medium &from);
    void reader_is_done();
    bool end_in_time();

    bool obey(char kind, std::span<const std::uint8_t> bytes);

    Conduit conduit_;
    gateway::Medium streams_, errors_; // of the child
    transport::Stream child_;          // its process alone. Used by watch() only
    std::mutex mutex_;
    std::condition_variable readers_done_;
    int readers_ = 2;
    std::atomic<bool> hurry_ = false, dead_ = false, over_ = false;
    std::thread to_child_, from_child_, complaints_, watch_;
};

} // namespace elsewhere::relay
