#include "core/relay/tunnel.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
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

Tunnel::Tunnel(gateway::Endpoint &through, std::uint32_t channel)
    : conduit_(through, channel), arrival_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    Fd from, to, errors, status;
    open_pipe(from, ends_.out);
    open_pipe(ends_.in, to);
    open_pipe(ends_.errors, errors);
    open_pipe(ends_.status, status);
    if (!arrival_)
        throw Error(ErrorKind::internal, std::string("no event: ") + std::strerror(errno));
    pipes_.emplace(std::move(from), std::move(to));
    errors_.emplace(Fd(), std::move(errors));
    status_.emplace(Fd(), std::move(status));
    // What the controller of the leaf writes; and what the leaf writes, and how it ends.
    outwards_ = start_quiet([this] { conduit_.carry_from(*pipes_); });
    inwards_ = start_quiet([this] { inwards(); });
}

Tunnel::~Tunnel() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    taken_.notify_all();
    conduit_.stop();
    conduit_.close();
    outwards_.join();
    inwards_.join();
}

bool Tunnel::goes_direct() {
    if (!conduit_.await_carried(*pipes_)) return false;
    const std::lock_guard lock(mutex_);
    direct_ = true;
    return true;
}

void Tunnel::inwards() {
    conduit_.carry_to(
        [this](char kind, wire::Buffer &&message, std::span<const std::uint8_t> bytes) {
            return arrived(kind, std::move(message), bytes);
        });
    pipes_->close_output();
    errors_->close_output();
    status_->close_output();
    conduit_.stop();
}

// False when no more will come.
bool Tunnel::arrived(char kind, wire::Buffer &&message, std::span<const std::uint8_t> bytes) {
    switch (kind) {
    case 'D': {
        const std::size_t size = bytes.size();
        std::unique_lock lock(mutex_);
        if (direct_) {
            put({std::move(message), bytes}, lock);
        } else {
            lock.unlock();
            conduit_.write_all(*pipes_, bytes);
        }
        conduit_.taken(size);
        return true;
    }
    case 'Z': pipes_->close_output(); return true;
    case 'E': conduit_.write_all(*errors_, bytes); return true;
    case 'M': {
        const std::lock_guard lock(mutex_);
        memory_.append(bytes);
        return true;
    }
    case 'X':
        if (bytes.size() == 8) conduit_.write_all(*status_, bytes);
        return false;
    default: return false;
    }
}

void Tunnel::put(Piece &&piece, std::unique_lock<std::mutex> &lock) {
    taken_.wait(lock, [&] { return stopping_ || waiting_ < Conduit::piece; });
    waiting_ += piece.bytes.size();
    pieces_.push_back(std::move(piece));
    const std::uint64_t once = 1;
    if (pieces_.size() == 1) (void)!::write(arrival_.get(), &once, sizeof once);
}

std::size_t Tunnel::read(std::span<const iovec> room) {
    const std::lock_guard lock(mutex_);
    std::size_t size = 0;
    for (iovec to : room)
        while (to.iov_len != 0 && !pieces_.empty()) {
            auto &bytes = pieces_.front().bytes;
            const std::size_t part = std::min(to.iov_len, bytes.size());
            std::memcpy(to.iov_base, bytes.data(), part);
            to = {static_cast<std::uint8_t *>(to.iov_base) + part, to.iov_len - part};
            bytes = bytes.subspan(part);
            size += part;
            if (bytes.empty()) pieces_.pop_front();
        }
    std::uint64_t told = 0;
    if (pieces_.empty() && size != 0) (void)!::read(arrival_.get(), &told, sizeof told);
    waiting_ -= size;
    taken_.notify_one();
    return size;
}

std::optional<wire::Payload> Tunnel::description() {
    const std::lock_guard lock(mutex_);
    if (memory_.empty()) return {};
    return wire::Payload(std::exchange(memory_, {}));
}

} // namespace elsewhere::relay
