#include "core/gateway/shared_stream.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/wire/value.hpp"

namespace elsewhere::gateway {
namespace {

class SharedStreamTest : public testing::Test {
  protected:
    void SetUp() override {
        here_ = SharedStream::make();
        ASSERT_TRUE(here_);
        there_ = SharedStream::open(here_->description().joined().span());
        ASSERT_TRUE(there_);
    }
    static ssize_t write(SharedStream &to, std::string_view bytes) {
        const iovec one = {const_cast<char *>(bytes.data()), bytes.size()};
        return to.write(std::span(&one, 1));
    }
    static std::string read(SharedStream &from, std::size_t most = 1 << 20) {
        std::string bytes(most, '\0');
        const iovec one = {bytes.data(), bytes.size()};
        const ssize_t size = from.read(std::span(&one, 1));
        EXPECT_GE(size, 0);
        bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
        return bytes;
    }
    // The place of an index in the memory of `here_`, mapped once more.
    static constexpr std::size_t index_of(int direction, bool reader) {
        return 64 + 64 * static_cast<std::size_t>(2 * direction + (reader ? 1 : 0));
    }
    void set_index(int direction, bool reader, std::uint64_t value) {
        const auto said = wire::decode(here_->description().joined().span(), false).value();
        const Fd file(
            ::open(said.get<wire::Value::Items>().items[0].get<std::string>().c_str(), O_RDWR));
        void *memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
        ASSERT_NE(memory, MAP_FAILED);
        std::memcpy(static_cast<char *>(memory) + index_of(direction, reader), &value, 8);
        ::munmap(memory, 4096);
    }

    std::unique_ptr<SharedStream> here_, there_;
};

TEST_F(SharedStreamTest, carries_bytes_both_ways) {
    EXPECT_EQ(write(*here_, "there"), 5);
    EXPECT_EQ(write(*there_, "back again"), 10);
    EXPECT_EQ(read(*there_), "there");
    EXPECT_EQ(read(*here_, 4), "back");
    EXPECT_EQ(read(*here_), " again");
    EXPECT_FALSE(here_->readable() || there_->readable());
    EXPECT_EQ(read(*here_), "");
}

TEST_F(SharedStreamTest, takes_no_more_than_there_is_room_for_and_tells_when_there_is_again) {
    const std::string piece(10'000, 'p');
    std::size_t all = 0;
    ssize_t size = 0;
    while ((size = write(*here_, piece)) > 0) all += static_cast<std::size_t>(size);
    EXPECT_EQ(all, SharedStream::capacity);
    EXPECT_TRUE(here_->waits_for_room());
    EXPECT_EQ(read(*there_, 5).size(), 5u);
    EXPECT_FALSE(there_->writer_waits()); // not worth it yet
    EXPECT_EQ(read(*there_, SharedStream::capacity / 2).size(), SharedStream::capacity / 2);
    EXPECT_TRUE(there_->writer_waits());
    EXPECT_FALSE(there_->writer_waits());
    EXPECT_FALSE(here_->waits_for_room()); // there is some already
}

TEST_F(SharedStreamTest, has_more_room_where_a_relay_is_in_between) {
    const auto relay = SharedStream::make(true);
    const auto leaf = SharedStream::open(relay->description().joined().span());
    ASSERT_TRUE(leaf);
    for (const auto &[from, to] :
         {std::pair(relay.get(), leaf.get()), std::pair(leaf.get(), relay.get())}) {
        std::string all;
        for (char c = 'a'; write(*from, std::string(10'000, c)) > 0; c = c == 'z' ? 'a' : c + 1)
            all.append(10'000, c);
        all.resize(SharedStream::capacity_of_relays);
        EXPECT_EQ(write(*from, "x"), 0);
        EXPECT_EQ(read(*to), all);
        EXPECT_FALSE(from->waits_for_room());
    }
}

TEST_F(SharedStreamTest, rings_once_for_a_reader_that_sleeps) {
    EXPECT_FALSE(here_->reader_sleeps());
    EXPECT_TRUE(there_->sleeps());
    EXPECT_EQ(write(*here_, "x"), 1);
    EXPECT_TRUE(here_->reader_sleeps());
    EXPECT_FALSE(here_->reader_sleeps());
    EXPECT_FALSE(there_->sleeps()); // something has come
    EXPECT_FALSE(here_->reader_sleeps());
}

TEST_F(SharedStreamTest, keeps_all_in_order_at_any_size) {
    constexpr std::size_t total = 20 << 20;
    std::thread writer([&] {
        std::mt19937 random(1);
        std::vector<std::uint8_t> bytes(100'000);
        for (std::size_t at = 0; at < total;) {
            std::size_t size = 1 + random() % (random() % 4 == 0 ? bytes.size() : 40);
            size = std::min(size, total - at);
            for (std::size_t i = 0; i < size; ++i)
                bytes[i] = static_cast<std::uint8_t>((at + i) % 251);
            const std::size_t cut = random() % (size + 1);
            const std::array<iovec, 2> pieces = {
                {{bytes.data(), cut}, {bytes.data() + cut, size - cut}}};
            const ssize_t n = here_->write(pieces);
            ASSERT_GE(n, 0);
            at += static_cast<std::size_t>(n);
            if (n == 0) std::this_thread::yield();
        }
    });
    std::mt19937 random(2);
    for (std::size_t at = 0; at < total && !HasFailure();) {
        const std::string got = read(*there_, 1 + random() % 70'000);
        for (const char byte : got) {
            ASSERT_EQ(static_cast<std::uint8_t>(byte), at % 251);
            ++at;
        }
        if (got.empty()) std::this_thread::yield();
    }
    writer.join();
}

TEST_F(SharedStreamTest, has_what_a_process_wrote_that_was_killed) {
    const auto description = here_->description().joined();
    const pid_t child = ::fork();
    if (child == 0) {
        const auto stream = SharedStream::open(description.span());
        const iovec last = {const_cast<char *>("last words"), 10};
        if (stream) (void)stream->write(std::span(&last, 1));
        ::raise(SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(read(*here_), "last words");
}

TEST_F(SharedStreamTest, refuses_an_index_that_cannot_be) {
    for (const std::uint64_t bad : {SharedStream::capacity + 1, std::size_t(1) << 60}) {
        set_index(1, false, bad);
        std::array<char, 64> bytes;
        const iovec one = {bytes.data(), bytes.size()};
        EXPECT_EQ(here_->read(std::span(&one, 1)), -1);
        EXPECT_EQ(errno, EBADMSG);
        set_index(0, true, bad);
        EXPECT_EQ(here_->write(std::span(&one, 1)), -1);
        EXPECT_EQ(errno, EBADMSG);
    }
}

TEST_F(SharedStreamTest, opens_nothing_but_what_was_made_for_it) {
    const auto described = [](const std::string &path, wire::Value::Bytes token) {
        return wire::encode(wire::Value::tuple({path, std::move(token)})).joined();
    };
    const auto said = wire::decode(here_->description().joined().span(), false).value();
    const auto &items = said.get<wire::Value::Items>().items;
    const auto &path = items[0].get<std::string>();
    auto token = items[1].get<wire::Value::Bytes>();
    EXPECT_TRUE(SharedStream::open(described(path, token).span()));
    token[3] ^= 1;
    EXPECT_FALSE(SharedStream::open(described(path, token).span()));
    EXPECT_FALSE(SharedStream::open(described(path, {1, 2}).span()));
    token[3] ^= 1;
    EXPECT_FALSE(SharedStream::open(described("/proc/self/exe", token).span()));
    EXPECT_FALSE(SharedStream::open(described("/nowhere", token).span()));
    EXPECT_FALSE(SharedStream::open({}));
    const Fd other(::memfd_create("elsewhere", MFD_CLOEXEC)); // may shrink
    ASSERT_EQ(::ftruncate(other.get(), 4096 + 2 * SharedStream::capacity), 0);
    EXPECT_FALSE(SharedStream::open(
        described("/proc/self/fd/" + std::to_string(other.get()), token).span()));
    here_->close_file();
    EXPECT_FALSE(SharedStream::open(described(path, token).span()));
}

} // namespace
} // namespace elsewhere::gateway
