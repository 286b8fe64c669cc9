#include "core/relay/conduit.hpp"

#include <sys/eventfd.h>
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

// Of a message with `size` bytes of the kind.
void fill_head(std::uint8_t *at, char kind, std::size_t size) {
    const auto all = static_cast<std::uint32_t>(size + head - value_head);
    at[0] = 's';
    std::memcpy(at + 1, &all, sizeof all);
    at[value_head] = static_cast<std::uint8_t>(kind);
}

wire::Buffer message_of(std::span<const std::uint8_t> bytes) {
    wire::Buffer message;
    message.reserve_more(head + bytes.size());
    message.extend(head);
    message.append(bytes);
    return message;
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
    return send(kind, message_of(bytes));
}

bool Conduit::say_soon(char kind, std::span<const std::uint8_t> bytes) {
    return send(kind, message_of(bytes), gateway::Clock::now());
}

// What is behind the place for the head.
bool Conduit::send(char kind, wire::Buffer &&message, gateway::Deadline deadline) {
    fill_head(message.data(), kind, message.size() - head);
    return send(wire::Payload(std::move(message)), deadline);
}

bool Conduit::send(wire::Payload &&payload, gateway::Deadline deadline) {
    try {
        const auto sent = through_.use(
            [&](Link &link) { return link.send(channel_, std::move(payload), deadline); });
        return sent.wait != Wait::closed;
    } catch (const Error &) {
        return false;
    }
}

void Conduit::carry_from(gateway::Medium &from) {
    wire::Buffer message;
    for (;;) {
        if (!await_room(from)) return;
        message.reserve_more(head + piece);
        std::unique_lock reading(reading_);
        const std::array<iovec, 1> room = {{{message.data() + head, piece}}};
        const ssize_t size = from.read(room);
        if (size < 0 && errno == EINTR) continue;
        if (size < 0 && errno == EAGAIN) {
            reading.unlock();
            (void)from.poll(stop_.get(), false, nullptr);
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

// Until more may be on the way; false: never.
bool Conduit::await_room(gateway::Medium &from) {
    for (;;) {
        {
            const std::lock_guard lock(mutex_);
            awaits_room_ = !over_ && on_way_ >= window;
            if (!awaits_room_) return !over_;
        }
        from.attend(has_room_.get(), stop_.get());
        forget_room();
    }
}

void Conduit::forget_room() {
    std::uint64_t told = 0;
    (void)!::read(has_room_.get(), &told, sizeof told);
}

void Conduit::look_again() {
    const std::uint64_t once = 1;
    (void)!::write(has_room_.get(), &once, sizeof once);
}

bool Conduit::await_carried(const gateway::Medium &from) {
    for (const auto end = gateway::Clock::now() + patience; gateway::Clock::now() < end;) {
        const std::unique_lock reading(reading_, std::try_to_lock);
        if (reading && !from.holds_input()) return true;
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
    forget_room();
    wire::Buffer written;
    fill_head(written.extend(head), 'D', size);
    const bool copies = size < wire::ValueWriter::long_bytes;
    if (copies) written.reserve_more(size);
    wire::Payload payload = copies ? wire::Payload() : wire::Payload(std::exchange(written, {}));
    for (std::size_t left = size; const iovec &stretch : stretches) {
        const std::span part(static_cast<const std::uint8_t *>(stretch.iov_base),
                             std::min(left, stretch.iov_len));
        if (copies)
            written.append(part);
        else if (!part.empty())
            payload.attach(part);
        left -= part.size();
    }
    if (copies) payload = wire::Payload(std::move(written));
    // What does not go out now is copied, and whoever reads the link writes it later.
    if (send(std::move(payload), gateway::Clock::now())) return static_cast<ssize_t>(size);
    errno = EPIPE;
    return -1;
}

void Conduit::write_all(gateway::Medium &to, std::span<const std::uint8_t> bytes) {
    while (!bytes.empty()) {
        const std::array<iovec, 1> piece = {
            {{const_cast<std::uint8_t *>(bytes.data()), bytes.size()}}};
        const ssize_t size = to.write(piece);
        if (size > 0)
            bytes = bytes.subspan(static_cast<std::size_t>(size));
        else if (errno == EAGAIN ? !to.wait_for_room(stop_.get()) : errno != EINTR)
            return;
    }
}

void Conduit::taken(std::size_t size) {
    untold_ += size;
    if (untold_ < window / 4) return;
    const auto count = static_cast<std::uint32_t>(std::exchange(untold_, 0));
    say('A', {reinterpret_cast<const std::uint8_t *>(&count), sizeof count});
}

// False when no more will come.
bool Conduit::arrived(wire::Buffer &&message, const Taker &taker) {
    const auto value = wire::bytes_alone(message.span(), false);
    if (!value || value->empty()) return false;
    const char kind = static_cast<char>(value->front());
    const auto bytes = value->subspan(1);
    if (kind != 'A' || bytes.size() != 4) return taker(kind, std::move(message), bytes);
    const std::lock_guard lock(mutex_);
    on_way_ -= std::min<std::size_t>(on_way_, read_u32(bytes.data()));
    if (std::exchange(awaits_room_, false)) look_again();
    return true;
}

void Conduit::carry_to(const Taker &taker) {
    for (bool more = true; more;) {
        try {
            auto came = through_.use([&](Link &link) { return link.receive(channel_); });
            if (came.wait == Wait::interrupted) continue;
            more = came.wait == Wait::done && arrived(std::move(came.message.bytes), taker);
        } catch (const Error &) {
            more = false;
        }
    }
}

} // namespace elsewhere::relay
