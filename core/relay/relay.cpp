#include "core/relay/relay.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace elsewhere::relay {

using namespace std::chrono_literals;

namespace {

constexpr auto farewell = 8s; // for a program whose stdin has ended

} // namespace

Relay::Relay(gateway::Endpoint &through, std::uint32_t channel, const transport::Words &argv,
             transport::Keyboard keyboard)
    : Relay(through, channel, transport::spawn(argv, keyboard), keyboard) {}

Relay::Relay(gateway::Endpoint &through, std::uint32_t channel, transport::Child child,
             transport::Keyboard keyboard)
    : conduit_(through, channel), streams_(std::move(child.output), std::move(child.input)),
      errors_(std::move(child.errors), Fd()), child_(std::move(child), keyboard) {
    start(to_child_, &Relay::to_child);
    start(from_child_, &Relay::from_child);
    start(complaints_, &Relay::complaints);
    start(watch_, &Relay::watch);
}

Relay::~Relay() {
    hurry_ = true;
    conduit_.stop();
    conduit_.close();
    for (std::thread *thread : {&to_child_, &from_child_, &complaints_, &watch_}) thread->join();
}

void Relay::start(std::thread &thread, void (Relay::*body)()) {
    thread = start_quiet([this, body] { (this->*body)(); });
}

// What the controller sends.
void Relay::to_child() {
    conduit_.carry_to([this](char kind, wire::Buffer &&, std::span<const std::uint8_t> bytes) {
        return obey(kind, bytes);
    });
    streams_.close_output();
    conduit_.stop(); // there is no one to be told anything
}

bool Relay::obey(char kind, std::span<const std::uint8_t> bytes) {
    switch (kind) {
    case 'D':
        // Also where nobody reads any more: who writes ends sooner if he can write.
        conduit_.write_all(streams_, bytes);
        conduit_.taken(bytes.size());
        return true;
    case 'Z': streams_.close_output(); return true;
    case 'M':
        streams_.make_memory(true);
        conduit_.look_again();
        if (const auto description = streams_.description())
            conduit_.say('M', description->joined().span());
        return true;
    case 'W': streams_.output_moves(); return true;
    default: return false;
    }
}

void Relay::from_child() {
    conduit_.carry_from(streams_);
    discard(streams_);
    reader_is_done();
}

void Relay::complaints() {
    std::array<std::uint8_t, 8192> buffer;
    const std::array<iovec, 1> room = {{{buffer.data(), buffer.size()}}};
    for (;;) {
        const ssize_t size = errors_.read(room);
        if (size > 0) {
            if (!conduit_.say('E', {buffer.data(), static_cast<std::size_t>(size)})) break;
        } else if (size < 0 && errno == EAGAIN) {
            if (errors_.poll(conduit_.stopped(), false, nullptr).other) break;
        } else if (size == 0 || errno != EINTR) {
            break;
        }
    }
    discard(errors_);
    reader_is_done();
}

void Relay::discard(gateway::Medium &from) {
    std::array<std::uint8_t, 8192> buffer;
    const std::array<iovec, 1> room = {{{buffer.data(), buffer.size()}}};
    while (!dead_) {
        const ssize_t size = from.read(room);
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return;
        const timespec while_it_lives = {0, 100'000'000};
        if (size < 0) (void)from.poll(-1, false, &while_it_lives);
    }
}

void Relay::reader_is_done() {
    const std::lock_guard lock(mutex_);
    --readers_;
    readers_done_.notify_all();
}

// True when the program has ended by itself, once nobody wants it any more.
bool Relay::end_in_time() {
    for (auto left = farewell / 100ms; left > 0 && !hurry_; --left)
        if (child_.wait(100ms)) return true;
    return false;
}

void Relay::watch() {
    std::optional<transport::Exit> exit;
    while (!exit) {
        std::array<pollfd, 2> watched = {
            {{child_.ended(), POLLIN, 0}, {conduit_.stopped(), POLLIN, 0}}};
        ::poll(watched.data(), watched.size(), child_.ended() < 0 ? 50 : -1);
        if (watched[1].revents != 0 && !end_in_time()) {
            exit = child_.end(0ms);
            break;
        }
        exit = child_.wait(0ms);
    }
    {
        // What it said last is said before how it ended; somebody else may hold its streams open.
        std::unique_lock lock(mutex_);
        readers_done_.wait_for(lock, 1s, [this] { return readers_ == 0; });
    }
    dead_ = true;
    const std::array<std::int32_t, 2> how = {exit->code, exit->signal};
    conduit_.say('X', {reinterpret_cast<const std::uint8_t *>(how.data()), sizeof how});
    over_ = true;
}

} // namespace elsewhere::relay
