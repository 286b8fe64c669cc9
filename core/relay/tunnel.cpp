#include "core/relay/tunnel.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "core/base/error.hpp"

namespace elsewhere::relay {
namespace {

using gateway::Link;
using gateway::Wait;

constexpr std::size_t window = 4 << 20;
constexpr std::size_t piece = 256 * 1024;
// The value is bytes: a tag and four bytes of size; then the kind.
constexpr std::size_t value_head = 5;

void open_pipe(Fd &from, Fd &to) {
    std::array<int, 2> ends = {};
    if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0)
        throw Error(ErrorKind::internal, std::string("no pipe: ") + std::strerror(errno));
    from = Fd(ends[0]);
    to = Fd(ends[1]);
    ::fcntl(to.get(), F_SETPIPE_SZ, static_cast<int>(piece));
}

std::uint32_t read_u32(const std::uint8_t *at) {
    std::uint32_t number = 0;
    std::memcpy(&number, at, sizeof number);
    return number;
}

std::thread start_quiet(auto body) {
    sigset_t all, before;
    ::sigfillset(&all);
    // Signals are for the program's threads.
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread(body);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

} // namespace

Tunnel::Tunnel(gateway::Endpoint &through, std::uint32_t channel)
    : through_(through), channel_(channel), stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    open_pipe(from_, ends_.out);
    open_pipe(ends_.in, to_);
    open_pipe(ends_.errors, errors_);
    open_pipe(ends_.status, status_);
    outwards_ = start_quiet([this] { outwards(); });
    inwards_ = start_quiet([this] { inwards(); });
}

Tunnel::~Tunnel() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    room_.notify_all();
    const std::uint64_t once = 1;
    (void)!::write(stop_.get(), &once, sizeof once);
    try {
        through_.use([&](Link &link) { return link.close(channel_); });
    } catch (const Error &) {
        // the link is over: nothing comes any more
    }
    outwards_.join();
    inwards_.join();
}

bool Tunnel::say(char kind, std::span<const std::uint8_t> bytes) {
    wire::Buffer value;
    value.reserve_more(value_head + 1 + bytes.size());
    value.push_back('s');
    const auto size = static_cast<std::uint32_t>(bytes.size() + 1);
    value.append({reinterpret_cast<const std::uint8_t *>(&size), sizeof size});
    value.push_back(static_cast<std::uint8_t>(kind));
    value.append(bytes);
    try {
        const auto sent = through_.use(
            [&](Link &link) { return link.send(channel_, wire::Payload(std::move(value))); });
        return sent.wait != Wait::closed;
    } catch (const Error &) {
        return false;
    }
}

// What the controller of the leaf writes.
void Tunnel::outwards() {
    const std::unique_ptr<std::uint8_t[]> buffer(new std::uint8_t[piece]);
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            room_.wait(lock, [&] { return over_ || on_way_ < window; });
            if (over_) return;
        }
        std::array<pollfd, 2> watched = {{{from_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
        ::poll(watched.data(), watched.size(), -1);
        if (watched[1].revents != 0) return;
        const ssize_t size = ::read(from_.get(), buffer.get(), piece);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (size <= 0) {
            say('Z', {});
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            on_way_ += static_cast<std::size_t>(size);
        }
        if (!say('D', {buffer.get(), static_cast<std::size_t>(size)})) return;
    }
}

bool Tunnel::write_all(const Fd &fd, std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t size = ::write(fd.get(), bytes.data(), bytes.size());
        if (size > 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(size));
        } else if (errno == EAGAIN) {
            std::array<pollfd, 2> watched = {{{fd.get(), POLLOUT, 0}, {stop_.get(), POLLIN, 0}}};
            ::poll(watched.data(), watched.size(), -1);
            if (watched[1].revents != 0) return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

void Tunnel::taken(std::size_t size) {
    untold_ += size;
    if (untold_ < window / 4) return;
    const auto count = static_cast<std::uint32_t>(std::exchange(untold_, 0));
    say('A', {reinterpret_cast<const std::uint8_t *>(&count), sizeof count});
}

// False when no more will come.
bool Tunnel::arrived(std::span<const std::uint8_t> value) {
    if (value.size() < value_head + 1 || value[0] != 's') return false;
    const char kind = static_cast<char>(value[value_head]);
    const auto bytes = value.subspan(value_head + 1);
    if (kind == 'D') {
        // Also where nobody reads any more: the program there ends sooner if it can write.
        (void)write_all(to_, bytes);
        taken(bytes.size());
    } else if (kind == 'E') {
        (void)write_all(errors_, bytes);
    } else if (kind == 'Z') {
        to_.reset();
    } else if (kind == 'A' && bytes.size() == 4) {
        {
            const std::lock_guard lock(mutex_);
            on_way_ -= std::min<std::size_t>(on_way_, read_u32(bytes.data()));
        }
        room_.notify_all();
    } else if (kind == 'X' && bytes.size() == 8) {
        (void)write_all(status_, bytes);
        return false;
    } else {
        return false;
    }
    return true;
}

// What the leaf writes, and how it ends.
void Tunnel::inwards() {
    for (bool more = true; more;) {
        try {
            auto came = through_.use([&](Link &link) { return link.receive(channel_); });
            if (came.wait == Wait::interrupted) continue;
            more = came.wait == Wait::done && arrived(came.message.bytes.span());
        } catch (const Error &) {
            more = false;
        }
    }
    to_.reset();
    errors_.reset();
    status_.reset();
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    room_.notify_all();
    const std::uint64_t once = 1;
    (void)!::write(stop_.get(), &once, sizeof once);
}

} // namespace elsewhere::relay
