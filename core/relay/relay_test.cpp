#include "core/relay/relay.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "core/base/error.hpp"
#include "core/wire/value.hpp"

namespace elsewhere::relay {
namespace {

using namespace std::chrono_literals;
using gateway::Link;
using gateway::Wait;

gateway::Deadline soon() { return gateway::Clock::now() + 10s; }

wire::Payload value_of(const std::string &text) {
    wire::ValueWriter writer;
    writer.bytes({reinterpret_cast<const std::uint8_t *>(text.data()), text.size()});
    return writer.finish();
}

// The controller's end of the link is played by the test.
class RelayTest : public testing::Test {
  protected:
    RelayTest() {
        ::signal(SIGPIPE, SIG_IGN);
        std::array<int, 2> ends = {};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        there_ = std::make_unique<gateway::Endpoint>(
            "the controller", std::make_unique<Link>(Fd(ends[0]), Fd(::dup(ends[0])),
                                                     mux::Side::worker, value_of("")));
        here_ = std::make_unique<Link>(Fd(ends[1]), Fd(::dup(ends[1])), mux::Side::controller,
                                       value_of(""));
        there_->use([&](Link &link) {
            id_ = link.open();
            return 0;
        });
        here_->accept(id_);
    }
    ~RelayTest() override { here_.reset(); } // who still sends is not waited for
    void start(const std::string &script) {
        relay_ = std::make_unique<Relay>(*there_, id_, transport::Words{"sh", "-c", script},
                                         transport::Keyboard::absent);
    }
    void say(const std::string &text) {
        EXPECT_EQ(here_->send(id_, value_of(text), soon()).wait, Wait::done);
    }
    std::string hear() {
        const auto came = here_->receive(id_, soon());
        if (came.wait != Wait::done) return "(nothing)";
        const auto bytes = came.message.bytes.span().subspan(5);
        return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
    }
    static std::string ended(std::int32_t code, std::int32_t signal) {
        std::string text = "X" + std::string(8, '\0');
        std::memcpy(text.data() + 1, &code, 4);
        std::memcpy(text.data() + 5, &signal, 4);
        return text;
    }
    bool is_over_soon() {
        for (int i = 0; i < 1000 && !relay_->over(); ++i) ::usleep(10'000);
        return relay_->over();
    }

    std::unique_ptr<gateway::Endpoint> there_;
    std::unique_ptr<Link> here_;
    std::uint32_t id_ = 0;
    std::unique_ptr<Relay> relay_;
};

TEST_F(RelayTest, carries_three_streams_and_tells_the_exit_code_last) {
    start("cat; echo oh >&2; sleep 0.1; exit 3");
    say("Dabc");
    EXPECT_EQ(hear(), "Dabc");
    say("Z");
    EXPECT_EQ(hear(), "Eoh\n");
    EXPECT_EQ(hear(), "Z");
    EXPECT_EQ(hear(), ended(3, 0));
    EXPECT_TRUE(is_over_soon());
}

TEST_F(RelayTest, tells_the_signal_that_killed_it) {
    start("exec 1>&- 2>&-; kill -9 $$");
    EXPECT_EQ(hear(), "Z");
    EXPECT_EQ(hear(), ended(0, 9));
}

TEST_F(RelayTest, closes_stdin_when_the_channel_ends_and_lets_the_program_finish) {
    start("cat >/dev/null; head -c 300000 /dev/zero; exit 0");
    EXPECT_EQ(here_->close(id_, {}, soon()), Wait::done);
    EXPECT_TRUE(is_over_soon()); // 300,000 bytes fill every pipe: they are read all the same
}

TEST_F(RelayTest, holds_back_a_program_that_is_not_acknowledged) {
    start("exec head -c 9000000 /dev/zero");
    std::size_t came = 0;
    while (came < (4 << 20)) came += hear().size() - 1;
    // As much more as one read may bring; the rest waits for A.
    const auto more = here_->receive(id_, gateway::Clock::now() + 200ms);
    EXPECT_EQ(more.wait, Wait::timed_out);
    std::string taken = "A" + std::string(4, '\0');
    const auto count = static_cast<std::uint32_t>(came);
    std::memcpy(taken.data() + 1, &count, 4);
    say(taken);
    EXPECT_EQ(hear()[0], 'D');
}

TEST_F(RelayTest, kills_the_program_when_it_is_dropped) {
    start("trap '' TERM; while :; do sleep 1; done");
    const auto begun = gateway::Clock::now();
    relay_.reset();
    EXPECT_LT(gateway::Clock::now() - begun, 5s);
}

TEST_F(RelayTest, says_what_cannot_be_started) {
    EXPECT_THROW((Relay{*there_, id_, {"/nonexistent/program"}, transport::Keyboard::absent}),
                 Error);
}

} // namespace
} // namespace elsewhere::relay
