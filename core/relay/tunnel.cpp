#include "core/relay/tunnel.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/error.hpp"

namespace elsewhere::relay {
namespace {

void open_pipe(Fd &from, Fd &to) {
    std::array<int, 2> ends = {};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
        throw Error(ErrorKind::internal, std::string("no pipe: ") + std::strerror(errno));
    from = Fd(ends[0]);
    to = Fd(ends[1]);
    ::fcntl(to.get(), F_SETPIPE_SZ, static_cast<int>(Conduit::piece));
}

} // namespace

Tunnel::Tunnel(gateway::Endpoint &through, std::uint32_t channel) : conduit_(through, channel) {
    open_pipe(from_, ends_.out);
    open_pipe(ends_.in, to_);
    open_pipe(ends_.errors, errors_);
    open_pipe(ends_.status, status_);
    // What the controller of the leaf writes; and what the leaf writes, and how it ends.
    outwards_ = start_quiet([this] { conduit_.carry_from(from_); });
    inwards_ = start_quiet([this] { inwards(); });
}

Tunnel::~Tunnel() {
    conduit_.stop();
    conduit_.close();
    outwards_.join();
    inwards_.join();
}

void Tunnel::inwards() {
    conduit_.carry_to(to_, [this](char kind, std::span<const std::uint8_t> bytes) {
        if (kind == 'E') {
            (void)conduit_.write_all(errors_, bytes);
            return true;
        }
        if (kind == 'X' && bytes.size() == 8) (void)conduit_.write_all(status_, bytes);
        return false;
    });
    errors_.reset();
    status_.reset();
    conduit_.stop();
}

} // namespace elsewhere::relay
