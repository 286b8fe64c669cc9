#include "core/gateway/medium.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <latch>
#include <thread>
#include <vector>

namespace elsewhere::gateway {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t on_stream = 100'000, in_all = 8'000'000;

std::uint8_t byte_at(std::size_t place) { return static_cast<std::uint8_t>(place % 251); }

Bytes bytes_from(std::size_t first, std::size_t count) {
    Bytes bytes(count);
    for (std::size_t i = 0; i < count; ++i) bytes[i] = byte_at(first + i);
    return bytes;
}

// The far end of a relay, and a leaf: both in this process, each with a thread for each way.
class BesideTest : public testing::Test {
  protected:
    BesideTest() {
        ::signal(SIGPIPE, SIG_IGN);
        std::array<int, 2> to_leaf = {}, to_relay = {};
        EXPECT_EQ(::pipe2(to_leaf.data(), O_CLOEXEC), 0);
        EXPECT_EQ(::pipe2(to_relay.data(), O_CLOEXEC), 0);
        relay_ = std::make_unique<Medium>(Fd(to_relay[0]), Fd(to_leaf[1]));
        leaf_ = std::make_unique<Medium>(Fd(to_leaf[0]), Fd(to_relay[1]));
    }
    void share() {
        relay_->make_memory(true);
        const auto description = relay_->description();
        ASSERT_TRUE(description && !relay_->description());
        ASSERT_TRUE(leaf_->open_memory(description->joined().span()));
    }
    // False: the other end has gone. `waits` until there may be room.
    template <class Waits> static bool give(Medium &to, Bytes bytes, Waits waits) {
        for (std::span<std::uint8_t> left = bytes; !left.empty();) {
            const std::array<iovec, 1> piece = {{{left.data(), left.size()}}};
            const ssize_t size = to.write(piece);
            if (size > 0)
                left = left.subspan(static_cast<std::size_t>(size));
            else if (errno != EAGAIN)
                return false;
            else
                waits();
        }
        return true;
    }
    // Up to the end, which comes soon; whether all was as byte_at() says. `moves_at`: see there.
    template <class Moves>
    std::size_t take_all(Medium &from, std::size_t moves_at, Moves moves) const {
        std::size_t count = 0;
        Bytes buffer(70'000);
        for (;;) {
            const std::size_t most = count < moves_at ? moves_at - count : buffer.size();
            const std::array<iovec, 1> room = {{{buffer.data(), std::min(most, buffer.size())}}};
            const ssize_t size = from.read(room);
            if (size == 0) return count;
            if (size < 0) {
                const timespec soon = {10, 0};
                if (from.poll(-1, false, &soon).count == 0) return count;
                continue;
            }
            for (ssize_t i = 0; i < size; ++i)
                if (buffer[static_cast<std::size_t>(i)] != byte_at(count++)) return 0;
            if (count == moves_at) moves();
        }
    }

    std::unique_ptr<Medium> relay_, leaf_;
    Fd stop_{::eventfd(0, EFD_CLOEXEC)};
};

TEST_F(BesideTest, what_is_in_memory_comes_behind_the_stream_both_ways) {
    share();
    const auto relay_waits = [&] { EXPECT_TRUE(relay_->wait_for_room(stop_.get())); };
    const auto leaf_waits = [] { std::this_thread::yield(); }; // another thread polls for it
    std::size_t there = 0, back = 0;
    std::latch all_written(1);
    {
        const std::jthread leaf_reads([&] {
            there = take_all(*leaf_, on_stream, [&] { leaf_->input_moves(); });
            all_written.wait();
            leaf_->close_output();
        });
        const std::jthread relay_reads([&] { back = take_all(*relay_, 0, [] {}); });
        const std::jthread leaf_writes([&] {
            EXPECT_TRUE(give(*leaf_, bytes_from(0, on_stream), leaf_waits));
            leaf_->output_moves();
            EXPECT_TRUE(give(*leaf_, bytes_from(on_stream, in_all - on_stream), leaf_waits));
            all_written.count_down();
        });
        EXPECT_TRUE(give(*relay_, bytes_from(0, on_stream), relay_waits));
        relay_->output_moves();
        EXPECT_TRUE(give(*relay_, bytes_from(on_stream, in_all - on_stream), relay_waits));
        relay_->close_output();
    }
    EXPECT_EQ(there, in_all);
    EXPECT_EQ(back, in_all);
}

TEST_F(BesideTest, who_waits_for_room_hears_of_it_from_one_who_only_attends_and_of_the_end) {
    share();
    leaf_->output_moves();
    leaf_->input_moves();
    relay_->output_moves();
    std::size_t given = 0;
    const Bytes part(60'000);
    std::jthread writer([&] {
        const auto waits = [&] { (void)relay_->wait_for_room(stop_.get()); };
        while (give(*relay_, part, waits)) given += part.size();
    });
    const std::jthread attends([&] {
        for (pollfd stop = {stop_.get(), POLLIN, 0}; ::poll(&stop, 1, 0) == 0;)
            relay_->attend(-1, stop_.get());
    });
    Bytes buffer(70'000);
    const std::array<iovec, 1> room = {{{buffer.data(), buffer.size()}}};
    for (std::size_t came = 0; came < 2'000'000;) {
        const ssize_t size = leaf_->read(room);
        const timespec soon = {10, 0};
        if (size < 0 && leaf_->poll(-1, false, &soon).count == 0) break;
        came += static_cast<std::size_t>(std::max<ssize_t>(size, 0));
    }
    leaf_->close(); // and reads no more
    writer.join();
    EXPECT_GE(given, 1'900'000U);
    const std::uint64_t once = 1;
    EXPECT_EQ(::write(stop_.get(), &once, sizeof once), static_cast<ssize_t>(sizeof once));
}

TEST_F(BesideTest, a_stream_stays_where_the_memory_is_refused) {
    relay_->make_memory(true);
    EXPECT_FALSE(leaf_->open_memory({}));
    EXPECT_TRUE(give(*leaf_, bytes_from(0, 1000), [] {}));
    leaf_->close_output();
    EXPECT_EQ(take_all(*relay_, 0, [] {}), 1000U);
}

} // namespace
} // namespace elsewhere::gateway
