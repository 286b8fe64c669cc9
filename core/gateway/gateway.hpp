#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include "core/gateway/link.hpp"
#include "core/transport/launch.hpp"

namespace elsewhere::gateway {

using Magic = std::array<std::uint8_t, 4>; // the first bytes of a .pyc

struct Settings {
    transport::Origin origin;
    // Of the Python that will be found there, if that is known: saves compiling there. A wrong
    // belief costs a round trip.
    std::optional<Magic> magic;
    wire::Payload hello;
    // Called when a signal was handled during the wait; may throw to give up.
    std::function<void()> interrupted = [] {};
};

// One remote interpreter: its process here (ssh, or the worker itself), the boot, the link. Made
// whole or not at all; destroying it ends the process within a second or so. What the process says
// on stderr after the hello goes to ours, by a thread of its own.
class Gateway {
  public:
    // Throws Error{usage | unreachable | untrusted | unsupported | protocol}, naming the host.
    Gateway(const transport::XSpec &spec, Settings settings);
    ~Gateway();
    Gateway(const Gateway &) = delete;
    Gateway &operator=(const Gateway &) = delete;

    // Calls what(Link &) so that close() waits for its end; throws Error{disconnected} after it.
    template <class What> auto use(What what) {
        const std::shared_lock lock(in_use_);
        if (!link_) throw closed();
        return what(*link_);
    }
    [[nodiscard]] const std::string &place() const noexcept { return place_; }
    [[nodiscard]] pid_t pid() const noexcept { return stream_.pid(); }
    // What the worker said of itself; a copy of its bytes, a dict.
    [[nodiscard]] const mux::Message &hello() const noexcept { return hello_; }
    // Asks the worker to end, waits, then ends its process. Bounded, and never throws; may be
    // called again. What waits in use() is woken.
    void close(std::chrono::milliseconds timeout) noexcept;

  private:
    void boot(const transport::XSpec &spec, const Settings &settings);
    [[noreturn]] void fail(const transport::XSpec &spec);
    void write(const wire::Buffer &bytes, const Settings &settings);
    bool read(void *to, std::size_t size, const Settings &settings);
    void relay_errors();
    [[nodiscard]] Error closed() const;

    std::string place_;
    transport::Stream stream_;
    std::string junk_; // what came before the worker's first word
    std::shared_mutex in_use_;
    std::unique_ptr<Link> link_;
    mux::Message hello_;
    Fd stop_;
    std::thread errors_;
    bool closed_ = false;
};

} // namespace elsewhere::gateway
