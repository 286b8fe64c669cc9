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

Relay::Relay(gateway::Endpoint &through, std::uint32_t channel, const transport::Words &argv)
    : Relay(through, channel, transport::spawn(argv, transport::Keyboard::absent)) {}

Relay::Relay(gateway::Endpoint &through, std::uint32_t channel, transport::Child child)
    : conduit_(through, channel), input_(std::move(child.input)), output_(std::move(child.output)),
      errors_(std::move(child.errors)), child_(std::move(child), transport::Keyboard::absent) {
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
    conduit_.carry_to(input_, [](char, std::span<const std::uint8_t>) { return false; });
    conduit_.stop(); // there is no one to be told anything
}

void Relay::from_child() {
    conduit_.carry_from(output_);
    discard(output_);
    reader_is_done();
}

void Relay::complaints() {
    std::array<std::uint8_t, 8192> buffer;
    for (;;) {
        const ssize_t size = ::read(errors_.get(), buffer.data(), buffer.size());
        if (size > 0) {
            if (!conduit_.say('E', {buffer.data(), static_cast<std::size_t>(size)})) break;
        } else if (size < 0 && errno == EAGAIN) {
            std::array<pollfd, 2> watched = {
                {{errors_.get(), POLLIN, 0}, {conduit_.stopped(), POLLIN, 0}}};
            ::poll(watched.data(), watched.size(), -1);
            if (watched[1].revents != 0) break;
        } else if (size == 0 || errno != EINTR) {
            break;
        }
    }
    discard(errors_);
    reader_is_done();
}

void Relay::discard(const Fd &from) {
    std::array<std::uint8_t, 8192> buffer;
    while (!dead_) {
        const ssize_t size = ::read(from.get(), buffer.data(), buffer.size());
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) return;
        pollfd watched = {from.get(), POLLIN, 0};
        if (size < 0) ::poll(&watched, 1, 100);
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
