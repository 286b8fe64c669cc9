#include "core/gateway/link.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <thread>

#include "core/wire/value.hpp"

namespace elsewhere::gateway {
namespace {

using namespace std::chrono_literals;
using mux::Message;
using mux::Side;
using wire::Kind;
using wire::Payload;
using wire::Value;
using Bytes = Value::Bytes;

Deadline in(Clock::duration time) { return Clock::now() + time; }
Payload number(std::int64_t v) { return Payload(wire::encode({v}).joined()); }
Payload bytes(const Bytes &v) {
    wire::ValueWriter writer;
    writer.bytes(v);
    return writer.finish();
}
Value value(const Message &message) {
    return wire::decode(message.bytes.span(), message.extended).value();
}
std::int64_t integer(const Received &received) {
    EXPECT_EQ(received.wait, Wait::done);
    return received.wait == Wait::done ? *value(received.message).as<std::int64_t>() : -1;
}

struct Streams {
    Fd in[2], out[2];
    explicit Streams(bool socket) {
        int a[2], b[2];
        if (socket) {
            EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a), 0);
            for (int i = 0; i < 2; ++i) {
                in[i] = Fd(a[i]);
                out[i] = Fd(::dup(a[i]));
            }
        } else {
            EXPECT_EQ(::pipe2(a, O_CLOEXEC), 0);
            EXPECT_EQ(::pipe2(b, O_CLOEXEC), 0);
            in[0] = Fd(a[0]);
            out[1] = Fd(a[1]);
            in[1] = Fd(b[0]);
            out[0] = Fd(b[1]);
        }
    }
};

enum class Way { pipes, socket, memory, memory_later };

// Both ends in this process.
class LinkTest : public testing::TestWithParam<Way> {
  protected:
    LinkTest() : streams_(GetParam() == Way::socket) {
        ::signal(SIGPIPE, SIG_IGN);
        here_ = std::make_unique<Link>(std::move(streams_.in[0]), std::move(streams_.out[0]),
                                       Side::controller, number(1));
        there_ = std::make_unique<Link>(std::move(streams_.in[1]), std::move(streams_.out[1]),
                                        Side::worker, number(2));
        if (GetParam() == Way::memory) here_->share_memory(0);
        if (GetParam() == Way::memory_later) here_->share_memory();
    }
    std::uint32_t channel() {
        const auto id = here_->open();
        EXPECT_EQ(here_->exec(id, number(0)).wait, Wait::done);
        EXPECT_EQ(there_->next_request(in(5s)).request.channel, id);
        return id;
    }
    // Sends back what comes, on a thread.
    std::jthread echo(std::uint32_t id) {
        return std::jthread([this, id] {
            for (;;) {
                Received received = there_->receive(id);
                if (received.wait != Wait::done) break;
                there_->send(id, Payload(std::move(received.message.bytes)));
            }
        });
    }

    Streams streams_;
    std::unique_ptr<Link> here_, there_;
};
std::string name_of(const testing::TestParamInfo<Way> &info) {
    constexpr std::array names = {"pipes", "socket", "memory", "memory_later"};
    return names[static_cast<std::size_t>(info.param)];
}
INSTANTIATE_TEST_SUITE_P(Streams, LinkTest,
                         testing::Values(Way::pipes, Way::socket, Way::memory, Way::memory_later),
                         name_of);

TEST_P(LinkTest, greets_and_plays_ping_pong_with_the_callers_as_only_threads) {
    EXPECT_EQ(integer(here_->hello(in(5s))), 2);
    EXPECT_EQ(integer(there_->hello(in(5s))), 1);
    const auto id = channel();
    const auto echoes = echo(id);
    for (int i = 0; i < 2000; ++i) {
        ASSERT_EQ(here_->send(id, number(i)).wait, Wait::done);
        ASSERT_EQ(integer(here_->receive(id, in(5s))), i);
    }
    here_->close(id);
}

TEST_P(LinkTest, lets_both_ends_send_much_before_either_reads) {
    const auto id = channel();
    const Bytes much(1 << 20, 'm');
    const auto send_all = [&](Link &link) {
        for (int i = 0; i < 24; ++i) ASSERT_EQ(link.send(id, bytes(much)).wait, Wait::done);
    };
    const auto take_all = [&](Link &link) {
        for (int i = 0; i < 24; ++i) {
            const Received received = link.receive(id, in(20s));
            ASSERT_EQ(received.wait, Wait::done);
            EXPECT_EQ(received.message.bytes.size(), much.size() + 5);
        }
    };
    const std::jthread other([&] {
        send_all(*there_);
        take_all(*there_);
    });
    send_all(*here_);
    take_all(*here_);
}

TEST_P(LinkTest, serves_many_threads_with_short_and_long_messages) {
    there_->start_service();
    std::vector<std::uint32_t> ids;
    for (int i = 0; i < 4; ++i) ids.push_back(channel());
    std::vector<std::jthread> echoes, callers;
    for (const auto id : ids) echoes.push_back(echo(id));
    for (const auto id : ids)
        callers.emplace_back([this, id] {
            std::mt19937 random(id);
            for (int i = 0; i < 200 && !HasFailure(); ++i) {
                const Bytes sent(random() % 8 == 0 ? random() % 500'000 : random() % 50,
                                 static_cast<std::uint8_t>(id));
                EXPECT_EQ(here_->send(id, bytes(sent)).wait, Wait::done);
                const Received received = here_->receive(id, in(20s));
                EXPECT_EQ(received.wait, Wait::done);
                if (received.wait == Wait::done) {
                    EXPECT_EQ(*value(received.message).as<Bytes>(), sent);
                }
            }
            here_->close(id);
        });
}

// The first of the sleepers looks after the stream while pumps come and go: so does the next one,
// when the first goes in the middle of a stint.
TEST_P(LinkTest, is_looked_after_while_callers_leave_one_after_the_other) {
    for (unsigned round = 0; round < 150; ++round) {
        std::vector<std::jthread> echoes, callers;
        for (unsigned i = 0; i < 4; ++i) {
            const auto id = channel();
            echoes.push_back(echo(id));
            callers.emplace_back([this, id, count = 1 + (round + 7 * i) % 20] {
                for (unsigned n = 0; n < count; ++n) {
                    EXPECT_EQ(here_->send(id, number(n)).wait, Wait::done);
                    EXPECT_EQ(here_->receive(id, in(5s)).wait, Wait::done);
                }
                here_->close(id);
            });
        }
        callers.clear();
        ASSERT_FALSE(HasFailure());
    }
}

TEST_P(LinkTest, wakes_a_sleeper_though_the_thread_that_pumped_is_busy) {
    const auto a = channel(), b = channel();
    for (int i = 0; i < 5; ++i) {
        std::jthread sleeper([&] { EXPECT_EQ(integer(here_->receive(a, in(5s))), i); });
        std::this_thread::sleep_for(1ms);
        there_->send(b, number(1));
        EXPECT_EQ(integer(here_->receive(b, in(5s))), 1);
        there_->send(a, number(i)); // nobody is in here_ but the sleeper
        sleeper.join();
    }
}

TEST_P(LinkTest, waits_no_longer_than_asked_for) {
    const auto id = channel();
    const auto begun = Clock::now();
    EXPECT_EQ(here_->receive(id, in(30ms)).wait, Wait::timed_out);
    EXPECT_GE(Clock::now() - begun, 30ms);
    EXPECT_EQ(here_->receive(id, in(0ms)).wait, Wait::timed_out);
    here_->start_service();
    std::this_thread::sleep_for(5ms);
    EXPECT_EQ(here_->receive(id, in(30ms)).wait, Wait::timed_out);
    EXPECT_LT(Clock::now() - begun, 5s);
}

TEST_P(LinkTest, returns_from_a_wait_when_a_signal_was_handled) {
    const auto id = channel();
    struct sigaction action {
    }, before{};
    action.sa_handler = [](int) {};
    ::sigaction(SIGUSR2, &action, &before);
    for (const bool pumps : {true, false}) {
        std::jthread pump;
        if (!pumps) {
            pump = std::jthread([&] { (void)here_->next_request(in(300ms)); });
            std::this_thread::sleep_for(20ms);
        }
        Wait wait = Wait::done;
        std::jthread sleeper([&] { wait = here_->receive(id, in(5s)).wait; });
        std::this_thread::sleep_for(50ms);
        ::pthread_kill(sleeper.native_handle(), SIGUSR2);
        sleeper.join();
        EXPECT_EQ(wait, Wait::interrupted);
    }
    ::sigaction(SIGUSR2, &before, nullptr);
}

TEST_P(LinkTest, keeps_what_a_sender_gave_up_waiting_for) {
    const auto id = channel();
    Bytes much(3 << 20);
    for (std::size_t i = 0; i < much.size(); ++i) much[i] = static_cast<std::uint8_t>(i % 253);
    const Bytes was = much;
    const Sent sent = here_->send(id, bytes(much), in(10ms));
    EXPECT_EQ(sent.wait, Wait::timed_out);
    std::fill(much.begin(), much.end(), 0);
    const std::jthread reader([&] {
        const Received received = there_->receive(id, in(20s));
        ASSERT_EQ(received.wait, Wait::done);
        EXPECT_TRUE(*value(received.message).as<Bytes>() == was);
    });
    EXPECT_EQ(here_->wait_out(sent.ticket, in(20s)), Wait::done);
}

TEST_P(LinkTest, names_watched_channels_to_a_thread_that_serves_them_all) {
    here_->start_service();
    const auto a = channel(), b = channel();
    here_->watch(a);
    here_->watch(b);
    there_->send(b, number(4));
    const Link::Ready ready = here_->next_ready(in(5s));
    EXPECT_EQ(ready.id, b);
    EXPECT_EQ(integer(here_->receive(b, in(0s))), 4);
    there_->close(a);
    EXPECT_EQ(here_->next_ready(in(5s)).id, a);
    EXPECT_EQ(here_->receive(a).wait, Wait::closed);
}

TEST_P(LinkTest, takes_what_comes_while_nobody_waits_if_it_has_a_service) {
    here_->start_service();
    const auto id = channel();
    const Bytes much(4 << 20, 's');
    EXPECT_EQ(there_->send(id, bytes(much), in(20s)).wait, Wait::done);
}

TEST_P(LinkTest, ends_in_peace_when_it_asks_a_worker_to) {
    const auto id = channel();
    const std::jthread worker([&] {
        EXPECT_EQ(there_->next_request(in(5s)).request.kind, Kind::terminate);
        EXPECT_EQ(there_->exit_with(0, number(3)).wait, Wait::done);
    });
    EXPECT_EQ(here_->terminate(in(5s)), Wait::done);
    EXPECT_EQ(*value(*here_->exit_code()).as<std::int64_t>(), 3);
    EXPECT_EQ(here_->receive(id).wait, Wait::closed);
}

TEST_P(LinkTest, closes_its_channels_when_the_other_end_is_lost) {
    const auto id = channel();
    there_->send(id, number(1));
    std::jthread lost([&] {
        std::this_thread::sleep_for(20ms);
        there_.reset();
    });
    EXPECT_EQ(here_->wait_closed(id, in(5s)), Wait::done);
    EXPECT_EQ(here_->over()->kind(), ErrorKind::disconnected);
    EXPECT_EQ(integer(here_->receive(id)), 1);
    EXPECT_EQ(here_->receive(id).wait, Wait::closed);
    EXPECT_THROW(here_->send(id, number(2)), Error);
    EXPECT_EQ(here_->next_request().wait, Wait::closed);
}

TEST_P(LinkTest, has_what_had_come_also_when_its_stream_was_given_back) {
    const auto id = channel();
    EXPECT_THROW(here_->release_stream(), Error);
    there_->send(id, number(1));
    there_->send(id, number(2));
    there_->close(id);
    EXPECT_EQ(here_->wait_closed(id, in(5s)), Wait::done);
    here_->watch(id);
    here_->end(Error(ErrorKind::disconnected, "enough"));
    here_->release_stream();
    there_.reset(); // hears of it, and is not waited for
    EXPECT_EQ(here_->next_ready(in(5s)).id, id);
    EXPECT_EQ(integer(here_->receive(id)), 1);
    EXPECT_EQ(integer(here_->receive(id)), 2);
    EXPECT_EQ(here_->receive(id).wait, Wait::closed);
    EXPECT_EQ(here_->next_ready().wait, Wait::closed);
    EXPECT_THROW(here_->send(here_->open(), number(3)), Error);
}

TEST_P(LinkTest, does_not_wait_for_ever_to_send_to_an_end_that_is_lost) {
    const auto id = channel();
    there_.reset();
    const Bytes much(4 << 20, 'm');
    EXPECT_EQ(here_->send(id, bytes(much), in(20s)).wait, Wait::closed);
}

TEST_P(LinkTest, asks_for_the_status_of_the_other_end) {
    const std::jthread worker([&] {
        EXPECT_EQ(there_->next_request(in(5s)).request.kind, Kind::status);
        there_->answer_status(number(8));
    });
    EXPECT_EQ(integer(here_->status(in(5s))), 8);
}

TEST_P(LinkTest, is_answered_when_it_asks_whether_anybody_is_there) {
    there_->start_service();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(here_->ping(in(5s)), Wait::done);
    there_.reset();
    EXPECT_EQ(here_->ping(in(5s)), Wait::closed);
}

TEST_P(LinkTest, gives_up_asking_an_end_that_says_nothing) {
    EXPECT_EQ(here_->ping(in(20ms)), Wait::timed_out);
}

TEST_P(LinkTest, blocks_a_sender_at_its_window_until_messages_are_taken) {
    const auto id = channel();
    there_->start_service();
    there_->limit(id, 1000);
    ASSERT_EQ(here_->ping(in(5s)), Wait::done); // it has come
    const Bytes part(600, 'p');
    EXPECT_EQ(here_->send(id, bytes(part)).wait, Wait::done);
    EXPECT_EQ(here_->send(id, bytes(part)).wait, Wait::done);
    const Sent third = here_->send(id, bytes(part), in(20ms));
    EXPECT_EQ(third.wait, Wait::timed_out);
    EXPECT_EQ(there_->receive(id, in(5s)).wait, Wait::done);
    EXPECT_EQ(here_->wait_out(third.ticket, in(5s)), Wait::done);
    // A close does not wait for that, and comes behind.
    EXPECT_EQ(here_->send(id, bytes(part), in(20ms)).wait, Wait::timed_out);
    EXPECT_EQ(here_->close(id), Wait::done);
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(here_->ping(in(5s)), Wait::done); // somebody looks after the stream
        EXPECT_EQ(there_->receive(id, in(5s)).wait, Wait::done) << i;
    }
    EXPECT_EQ(here_->ping(in(5s)), Wait::done);
    EXPECT_EQ(there_->wait_closed(id, in(5s)), Wait::done);
}

long resident_kib() {
    std::ifstream status("/proc/self/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:")) return std::stol(line.substr(6));
    return -1;
}

TEST_P(LinkTest, keeps_what_nobody_takes_in_a_file) {
    there_->start_service();
    const auto id = channel();
    const long before = resident_kib();
    constexpr int count = 200;
    for (int i = 0; i < count; ++i)
        ASSERT_EQ(here_->send(id, bytes(Bytes(1 << 20, static_cast<std::uint8_t>(i)))).wait,
                  Wait::done);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // they keep what is freed
    EXPECT_LT(resident_kib() - before, 32 << 10);
#else
    EXPECT_GT(before, 0);
#endif
    for (int i = 0; i < count; ++i) {
        const Received got = there_->receive(id, in(20s));
        ASSERT_EQ(got.wait, Wait::done);
        ASSERT_EQ(got.message.bytes.size(), std::size_t(5 + (1 << 20)));
        ASSERT_EQ(got.message.bytes.span().back(), static_cast<std::uint8_t>(i));
    }
    here_->close(id);
}

TEST_P(LinkTest, leaves_the_stream_alone_in_a_forked_child) {
    here_->start_service();
    const auto id = channel();
    const auto child = ::fork();
    if (child == 0) {
        bool right = here_->over().has_value() && here_->state(id).closed;
        here_->close(id);
        try {
            here_->send(id, number(1));
            right = false;
        } catch (const Error &error) {
            right = right && error.kind() == ErrorKind::disconnected;
        }
        here_.reset();
        ::_exit(right ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    const auto echoes = echo(id);
    here_->send(id, number(5));
    EXPECT_EQ(integer(here_->receive(id, in(5s))), 5);
    here_->close(id);
}

} // namespace
} // namespace elsewhere::gateway
