#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "core/gateway/endpoint.hpp"
#include "core/transport/launch.hpp"

namespace elsewhere::gateway {

using Magic = std::array<std::uint8_t, 4>; // the first bytes of a .pyc

struct Settings {
    transport::Origin origin;
    // Of the Python that will be found there, if that is known: saves compiling there. A wrong
    // belief costs a round trip.
    std::optional<Magic> magic;
    // With `engine`, which offers one, the worker's verdict is waited for; if it needs the engine,
    // `engine` gives the bytes of it.
    struct Greeting {
        wire::Payload hello;
        std::function<std::string()> engine{};
    };
    // Called when the worker has said what it is; and first with nullptr, for the Python of
    // `magic`, to have an engine offered ahead: what it gives then may be nothing.
    std::function<std::optional<Greeting>(const mux::Message *)> greet;
    // Called once the worker is on its way, which takes a while.
    std::function<void()> meanwhile = [] {};
    // Instead of a start: the streams of a program that somebody else has started as command_for()
    // says, and what lives as long as they are used.
    std::optional<transport::Carried> carried = {};
    std::shared_ptr<void> carrier = {};
    // What the link goes over, once the boot is over; nothing: the streams.
    std::function<std::shared_ptr<Carrier>()> direct = {};
    bool boots = true; // false: it is a worker already
    // For a Python of this machine that may be forked from one that is kept for that.
    struct Warm {
        std::string engine;         // where the zygote finds it, with {tag} for what it depends on
        std::string environment;    // each `NAME=value` with a zero byte behind it
        std::uint64_t occasion = 0; // the same of gateways that are asked for at once; 0: alone
    };
    std::optional<Warm> warm = {};
    // Called when a signal was handled during the wait; may throw to give up.
    std::function<void()> interrupted = [] {};
};

// Has a zygote started for what `spec` starts, and waits for it. Empty, or why there is none. With
// `stays` it does not end before this process.
[[nodiscard]] std::string prestart(const transport::XSpec &spec, const Settings &settings,
                                   bool stays);

// One remote interpreter: its process here (ssh, or the worker itself), the boot, the link. Made
// whole or not at all; destroying it ends the process within a second or so. What the process says
// on stderr after the hello goes to ours, by a thread of its own.
class Gateway : public Endpoint {
  public:
    // Throws Error{usage | unreachable | untrusted | unsupported | protocol}, naming the host.
    Gateway(const transport::XSpec &spec, Settings settings);
    ~Gateway() override;

    [[nodiscard]] pid_t pid() const noexcept { return stream_.pid(); }
    // What the worker said of itself; a copy of its bytes, a dict.
    [[nodiscard]] const mux::Message &hello() const noexcept { return hello_; }
    // Empty: native. Else why the worker runs in pure Python.
    [[nodiscard]] const std::string &why_pure() const noexcept { return why_pure_; }
    // Whether the worker was forked from a zygote.
    [[nodiscard]] bool is_warm() const noexcept { return warm_; }
    // Asks the worker to end, waits, then ends its process. Bounded, and never throws; may be
    // called again. What waits in use() is woken.
    void close(std::chrono::milliseconds timeout) noexcept;
    // What the process says on stderr, for the caller to read from now on, without blocking; empty
    // if that has ended.
    [[nodiscard]] Fd take_errors();

  private:
    transport::Stream begin(const transport::XSpec &spec, Settings &settings);
    void keep_zygote(const transport::XSpec &spec, const Settings &settings);
    // True: `greeting` was said.
    bool boot(const transport::XSpec &spec, const Settings &settings,
              std::optional<Settings::Greeting> &greeting);
    [[noreturn]] void fail(const transport::XSpec &spec);
    void write(const wire::Buffer &bytes, const Settings &settings);
    bool read(void *to, std::size_t size, const Settings &settings);
    void attend(std::chrono::seconds heartbeat);
    void bring_engine(const transport::XSpec &spec, Settings::Greeting greeting,
                      const Settings &settings);
    template <class Attempt> Received patiently(const Settings &settings, Attempt attempt);

    bool warm_ = false;
    std::shared_ptr<void> zygote_;  // the use of one
    std::shared_ptr<void> carrier_; // outlives the stream
    transport::Stream stream_;
    std::string junk_; // what came before the worker's first word
    mux::Message hello_;
    std::string why_pure_ = "no engine was offered";
    Fd stop_;
    std::thread errors_;
    std::mutex taking_; // of what is said on stderr
    std::atomic<bool> closed_ = false;
};

} // namespace elsewhere::gateway
