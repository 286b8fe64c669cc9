// What a sender lends is not read any more once send() has returned, though another thread writes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "core/gateway/link.hpp"
#include "core/wire/value.hpp"

namespace elsewhere::gateway {
namespace {

using namespace std::chrono_literals;

// Takes a few bytes at a time, as it is let, and the last ones late.
class Staged : public Carrier {
  public:
    ssize_t write(std::span<const iovec> stretches) override {
        std::unique_lock lock(mutex_);
        std::size_t most = SIZE_MAX;
        if (staged_) {
            ++calls_;
            changed_.notify_all();
            changed_.wait(lock, [&] { return calls_ <= allowed_; });
            if (calls_ == 2) most = 10; // of what was lent
            if (calls_ == 3) {
                lock.unlock();
                std::this_thread::sleep_for(200ms);
                lock.lock();
            }
        }
        std::size_t size = 0;
        for (const iovec &stretch : stretches) {
            const std::size_t part = std::min(stretch.iov_len, most - size);
            taken.append(static_cast<const char *>(stretch.iov_base), part);
            size += part;
        }
        return static_cast<ssize_t>(size);
    }
    void await_call(int number) {
        std::unique_lock lock(mutex_);
        staged_ = true;
        changed_.wait(lock, [&] { return calls_ >= number; });
    }
    void stage() {
        const std::lock_guard lock(mutex_);
        staged_ = true;
    }
    void allow(int number) {
        const std::lock_guard lock(mutex_);
        allowed_ = number;
        changed_.notify_all();
    }
    [[nodiscard]] int room() const noexcept override { return quiet_.get(); }
    std::size_t read(std::span<const iovec>) override { return 0; }
    [[nodiscard]] int arrival() const noexcept override { return quiet_.get(); }
    void ask_for_memory() override {}
    [[nodiscard]] std::optional<wire::Payload> description() override { return {}; }
    void output_moves() override {}

    std::string taken;

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    bool staged_ = false;
    int calls_ = 0, allowed_ = 0;
    Fd quiet_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
};

TEST(LentBytes, are_not_read_after_a_send_that_was_too_late) {
    std::array<int, 2> ends = {};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const Fd other(ends[1]);
    auto carrier = std::make_shared<Staged>();
    Link link(Fd(ends[0]), Fd(), mux::Side::controller, mux::Before{1, 1}, {}, carrier);
    const auto one = link.open(), two = link.open();
    carrier->stage();
    std::jthread writer(
        [&] { (void)link.send(one, wire::Payload(wire::encode({std::int64_t(7)}).joined())); });
    carrier->await_call(1);
    wire::Value::Bytes lent(64 * 1024, 'a');
    std::jthread sender([&] {
        wire::ValueWriter value;
        value.bytes(lent);
        const auto soon = Clock::now() + 50ms;
        EXPECT_NE(link.send(two, value.finish(), soon).wait, Wait::done);
        std::ranges::fill(lent, 'z');
    });
    std::this_thread::sleep_for(20ms); // it is queued by then
    carrier->allow(1);
    carrier->await_call(2);
    std::this_thread::sleep_for(100ms); // it is late by then, and waits for whoever writes
    carrier->allow(100);
    sender.join();
    writer.join();
    EXPECT_EQ(std::ranges::count(carrier->taken, 'a'), 64 * 1024);
    EXPECT_EQ(std::ranges::count(carrier->taken, 'z'), 0);
}

} // namespace
} // namespace elsewhere::gateway
