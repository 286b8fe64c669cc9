#include "core/relay/conduit.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>

#include "core/base/error.hpp"
#include "core/wire/values.hpp"

namespace elsewhere::relay {
namespace {

using gateway::Link;
using gateway::Wait;

constexpr std::size_t window = 4 << 20;
constexpr std::chrono::milliseconds patience(100); // with the link of the relay
// The value is bytes: a tag and four bytes of size; then the kind.
constexpr std::size_t value_head = 5;
constexpr std::size_t head = value_head + 1;
// Below it, to copy is cheaper than to take fresh memory for what comes next.
constexpr std::size_t worth_keeping = 16 * 1024;

std::uint32_t read_u32(const std::uint8_t *at) {
    std::uint32_t number = 0;
    std::memcpy(&number, at, sizeof number);
    return number;
}

} // namespace

std::thread start_quiet(std::function<void()> body) {
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    std::thread thread(std::move(body));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return thread;
}

Conduit::Conduit(gateway::Endpoint &through, std::uint32_t channel)
    : through_(through), channel_(channel), stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      has_room_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!stop_ || !has_room_)
        throw Error(ErrorKind::internal, std::string("no event: ") + std::strerror(errno));
}

void Conduit::stop() {
    {
        const std::lock_guard lock(mutex_);
        over_ = true;
    }
    room_.notify_all();
    const std::uint64_t once = 1;
    (void)!::write(stop_.get(), &once, sizeof once);
}

void Conduit::close() {
    try {
        through_.use([&](Link &link) { return link.close(channel_); });
    } catch (const Error &) {
        // the link is over: nothing comes any more
    }
}

bool Conduit::say(char kind, std::span<const std::uint8_t> bytes) {
    wire::Buffer message;
    message.reserve_more(head + bytes.size());
    message.extend(head);
    message.append(bytes);
    return send(kind, std::move(message));
}

// What is behind the place for the head.
bool Conduit::send(char kind, wire::Buffer &&message, gateway::Deadline deadline) {
    const auto size = static_cast<std::uint32_t>(message.size() - value_head);
    message.data()[0] = 's';
    std::memcpy(message.data() + 1, &size, sizeof size);
    message.data()[value_head] = static_cast<std::uint8_t>(kind);
    try {
        const auto sent = through_.use([&](Link &link) {
            return link.send(channel_, wire::Payload(std::move(message)), deadline);
        });
        return sent.wait != Wait::closed;
    } catch (const Error &) {
        return false;
    }
}

void Conduit::carry_from(const Fd &from) {
    wire::Buffer message;
    for (;;) {
        {
            std::unique_lock lock(mutex_);
            room_.wait(lock, [&] { return over_ || on_way_ < window; });
            if (over_) return;
        }
        message.reserve_more(head + piece);
        std::unique_lock reading(reading_);
        const ssize_t size = ::read(from.get(), message.data() + head, piece);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EAGAIN) {
            reading.unlock();
            std::array<pollfd, 2> watched = {{{from.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
            glance_.poll(watched.data(), watched.size(), nullptr);
            continue; // if it was stopped, it is over
        }
        if (size <= 0) {
            say('Z');
            return;
        }
        const auto count = static_cast<std::size_t>(size);
        {
            const std::lock_guard lock(mutex_);
            on_way_ += count;
        }
        if (count < worth_keeping) {
            if (!say('D', {message.data() + head, count})) return;
            continue;
        }
        message.extend(head + count);
        if (!send('D', std::exchange(message, {}))) return;
    }
}

bool Conduit::await_carried(const Fd &from) {
    for (const auto end = gateway::Clock::now() + patience; gateway::Clock::now() < end;) {
        const std::unique_lock reading(reading_, std::try_to_lock);
        int left = 0;
        if (reading && ::ioctl(from.get(), FIONREAD, &left) == 0 && left == 0) return true;
        std::this_thread::yield();
    }
    return false;
}

ssize_t Conduit::carry(std::span<const iovec> stretches) {
    std::size_t size = 0;
    for (const iovec &stretch : stretches) size += stretch.iov_len;
    size = std::min(size, piece);
    {
        const std::lock_guard lock(mutex_);
        awaits_room_ = on_way_ >= window;
        if (over_ || awaits_room_) {
            errno = over_ ? EPIPE : EAGAIN;
            return -1;
        }
        on_way_ += size;
    }
    std::uint64_t told = 0;
    (void)!::read(has_room_.get(), &told, sizeof told);
    wire::Buffer message;
    message.reserve_more(head + size);
    message.extend(head);
    for (std::size_t left = size; const iovec &stretch : stretches) {
        const std::size_t part = std::min(left, stretch.iov_len);
        message.append({static_cast<const std::uint8_t *>(stretch.iov_base), part});
        left -= part;
    }
    // What does not go out now, whoever reads the link writes later.
    if (send('D', std::move(message), gateway::Clock::now())) return static_cast<ssize_t>(size);
    errno = EPIPE;
    return -1;
}

bool Conduit::write_all(const Fd &to, std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t size = ::write(to.get(), bytes.data(), bytes.size());
        if (size > 0) {
            bytes = bytes.subspan(static_cast<std::size_t>(size));
        } else if (errno == EAGAIN) {
            std::array<pollfd, 2> watched = {{{to.get(), POLLOUT, 0}, {stop_.get(), POLLIN, 0}}};
            ::poll(watched.data(), watched.size(), -1);
            if (watched[1].revents != 0) return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

void Conduit::taken(std::size_t size) {
    untold_ += size;
    if (untold_ < window / 4) return;
    const auto count = static_cast<std::uint32_t>(std::exchange(untold_, 0));
    say('A', {reinterpret_cast<const std::uint8_t *>(&count), sizeof count});
}

// False when no more will come.
bool Conduit::arrived(std::span<const std::uint8_t> value, Fd &to, const Other &other) {
    const auto message = wire::bytes_alone(value, false);
    if (!message || message->empty()) return false;
    const char kind = static_cast<char>(message->front());
    const auto bytes = message->subspan(1);
    if (kind == 'D') {
        // Also where nobody reads any more: who writes ends sooner if he can write.
        (void)write_all(to, bytes);
        taken(bytes.size());
    } else if (kind == 'Z') {
        to.reset();
    } else if (kind == 'A' && bytes.size() == 4) {
        {
            const std::lock_guard lock(mutex_);
            on_way_ -= std::min<std::size_t>(on_way_, read_u32(bytes.data()));
            const std::uint64_t once = 1;
            if (std::exchange(awaits_room_, false))
                (void)!::write(has_room_.get(), &once, sizeof once);
        }
        room_.notify_all();
    } else {
        return other(kind, bytes);
    }
    return true;
}

void Conduit::carry_to(Fd &to, const Other &other) {
    for (bool more = true; more;) {
        try {
            auto came = through_.use([&](Link &link) { return link.receive(channel_); });
            if (came.wait == Wait::interrupted) continue;
            more = came.wait == Wait::done && arrived(came.message.bytes.span(), to, other);
        } catch (const Error &) {
            more = false;
        }
    }
    to.reset();
}

} // namespace elsewhere::relay
