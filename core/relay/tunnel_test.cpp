#include "core/relay/tunnel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "core/wire/value.hpp"

namespace elsewhere::relay {
namespace {

using namespace std::chrono_literals;
using gateway::Link;
using gateway::Wait;

gateway::Deadline soon() { return gateway::Clock::now() + 5s; }

wire::Payload value_of(const std::string &text) {
    wire::ValueWriter writer;
    writer.bytes({reinterpret_cast<const std::uint8_t *>(text.data()), text.size()});
    return writer.finish();
}

// What can be read within five seconds; empty at the end.
std::string read_some(const Fd &fd) {
    pollfd readable = {fd.get(), POLLIN, 0};
    if (::poll(&readable, 1, 5000) != 1) return "(nothing)";
    std::array<char, 65536> buffer;
    const ssize_t size = ::read(fd.get(), buffer.data(), buffer.size());
    return {buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

// The relay's end of the link is played by the test.
class TunnelTest : public testing::Test {
  protected:
    TunnelTest() {
        ::signal(SIGPIPE, SIG_IGN);
        std::array<int, 2> ends = {};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        near_ = std::make_unique<gateway::Endpoint>(
            "there", std::make_unique<Link>(Fd(ends[0]), Fd(::dup(ends[0])), mux::Side::controller,
                                            value_of("")));
        far_ = std::make_unique<Link>(Fd(ends[1]), Fd(::dup(ends[1])), mux::Side::worker,
                                      value_of(""));
        id_ = far_->open();
        near_->use([&](Link &link) {
            link.accept(id_);
            return 0;
        });
        tunnel_ = std::make_unique<Tunnel>(*near_, id_);
        ends_ = tunnel_->take_ends();
    }

    void say(const std::string &text) {
        EXPECT_EQ(far_->send(id_, value_of(text), soon()).wait, Wait::done);
    }
    std::string hear() {
        const auto came = far_->receive(id_, soon());
        if (came.wait != Wait::done) return "(nothing)";
        const auto bytes = came.message.bytes.span().subspan(5);
        return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
    }

    std::unique_ptr<gateway::Endpoint> near_;
    std::unique_ptr<Link> far_;
    std::uint32_t id_ = 0;
    std::unique_ptr<Tunnel> tunnel_;
    transport::Carried ends_;
};

TEST_F(TunnelTest, carries_three_streams_and_the_exit_code) {
    ASSERT_EQ(::write(ends_.out.get(), "abc", 3), 3);
    EXPECT_EQ(hear(), "Dabc");
    say("Dxyz");
    EXPECT_EQ(read_some(ends_.in), "xyz");
    say("Eoh");
    EXPECT_EQ(read_some(ends_.errors), "oh");
    ends_.out.reset();
    EXPECT_EQ(hear(), "Z");
    say("Z");
    EXPECT_EQ(read_some(ends_.in), "");
    const std::array<std::int32_t, 2> ended = {7, 0};
    std::string exit(1 + sizeof ended, 'X');
    std::memcpy(exit.data() + 1, ended.data(), sizeof ended);
    say(exit);
    EXPECT_EQ(read_some(ends_.status), exit.substr(1));
    EXPECT_EQ(read_some(ends_.errors), "");
}

TEST_F(TunnelTest, carries_what_is_said_on_stderr_after_the_end_of_stdout_also_by_a_python_2) {
    const std::array<std::uint8_t, 6> end = {'t', 1, 0, 0, 0, 'Z'}; // it has interned its constant
    wire::Buffer message;
    message.append(end);
    EXPECT_EQ(far_->send(id_, wire::Payload(std::move(message)), soon()).wait, Wait::done);
    say("Ebye");
    EXPECT_EQ(read_some(ends_.in), "");
    EXPECT_EQ(read_some(ends_.errors), "bye");
}

TEST_F(TunnelTest, takes_no_more_than_the_relay_has_room_for) {
    const std::string part(100'000, 'p');
    std::size_t written = 0, heard = 0;
    const auto fill = [&] {
        for (pollfd room = {ends_.out.get(), POLLOUT, 0}; ::poll(&room, 1, 200) == 1;) {
            const ssize_t size = ::write(ends_.out.get(), part.data(), part.size());
            if (size > 0) written += static_cast<std::size_t>(size);
        }
    };
    far_->start_service();
    fill();
    EXPECT_LT(written, 6U << 20);
    while (far_->state(id_).readable) heard += hear().size() - 1;
    const auto count = static_cast<std::uint32_t>(heard);
    std::string taken(1 + sizeof count, 'A');
    std::memcpy(taken.data() + 1, &count, sizeof count);
    say(taken);
    const std::size_t before = written;
    fill();
    EXPECT_GT(written, before + (2U << 20));
}

TEST_F(TunnelTest, says_what_it_is_given_directly_behind_what_came_over_the_pipe) {
    const auto give = [&](std::string first, std::string second) {
        const std::array<iovec, 2> both = {
            {{first.data(), first.size()}, {second.data(), second.size()}}};
        return tunnel_->write(both);
    };
    ASSERT_EQ(::write(ends_.out.get(), "abc", 3), 3);
    ASSERT_TRUE(tunnel_->goes_direct());
    EXPECT_EQ(give("de", "f"), 3);
    EXPECT_EQ(hear(), "Dabc");
    EXPECT_EQ(hear(), "Ddef");
    const std::string part(100'000, 'p');
    std::size_t given = 0;
    far_->start_service();
    for (ssize_t size = 0; (size = give(part, part)) > 0;) given += static_cast<std::size_t>(size);
    EXPECT_EQ(errno, EAGAIN);
    EXPECT_LT(given, 6U << 20);
    pollfd room = {tunnel_->room(), POLLIN, 0};
    EXPECT_EQ(::poll(&room, 1, 50), 0);
    for (std::size_t heard = 0; heard < given;) heard += hear().size() - 1;
    const auto count = static_cast<std::uint32_t>(given);
    std::string taken(1 + sizeof count, 'A');
    std::memcpy(taken.data() + 1, &count, sizeof count);
    say(taken);
    EXPECT_EQ(::poll(&room, 1, 5000), 1);
    EXPECT_EQ(give("more", ""), 4);
    EXPECT_EQ(::poll(&room, 1, 0), 0);
    EXPECT_EQ(hear(), "Dmore");
    ends_.out.reset();
    EXPECT_EQ(hear(), "Z");
    far_.reset();
    EXPECT_EQ(read_some(ends_.in), "");
    EXPECT_EQ(give("late", ""), -1);
    EXPECT_EQ(errno, EPIPE);
}

TEST_F(TunnelTest, ends_its_streams_when_the_link_of_the_relay_is_lost) {
    far_.reset();
    EXPECT_EQ(read_some(ends_.in), "");
    EXPECT_EQ(read_some(ends_.errors), "");
    EXPECT_EQ(read_some(ends_.status), "");
}

TEST_F(TunnelTest, ends_its_streams_when_the_relay_says_nonsense) {
    say("?");
    EXPECT_EQ(read_some(ends_.in), "");
}

TEST_F(TunnelTest, closes_its_channel_when_it_goes_whatever_is_stuck) {
    say("D" + std::string(1'000'000, 'x')); // nobody reads it
    tunnel_.reset();
    EXPECT_EQ(far_->wait_closed(id_, soon()), Wait::done);
}

} // namespace
} // namespace elsewhere::relay
