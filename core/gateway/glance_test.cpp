#include "core/gateway/glance.hpp"

#include <gtest/gtest.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace elsewhere::gateway {
namespace {

class GlanceTest : public testing::Test {
  protected:
    void SetUp() override {
        if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "there is one processor";
        ASSERT_EQ(::pipe(ends_.data()), 0);
    }
    void TearDown() override {
        for (const int end : ends_) ::close(end);
    }
    int poll(long milliseconds = 0) {
        pollfd watched = {ends_[0], POLLIN, 0};
        const timespec timeout = {0, milliseconds * 1'000'000};
        return glance_.poll(&watched, 1, &timeout);
    }
    void answer() {
        ASSERT_EQ(::write(ends_[1], "x", 1), 1);
        for (int i = 0; i < 64; ++i) EXPECT_EQ(poll(), 1);
        char byte = 0;
        ASSERT_EQ(::read(ends_[0], &byte, 1), 1);
    }

    std::array<int, 2> ends_ = {};
    Glance glance_;
};

TEST_F(GlanceTest, hopes_for_a_while_where_something_came) {
    EXPECT_EQ(glance_.hopes(), 0u);
    answer();
    const unsigned hopes = glance_.hopes();
    EXPECT_GT(hopes, 0u);
    for (unsigned i = 0; i < hopes; ++i) EXPECT_EQ(poll(), 0);
    EXPECT_EQ(glance_.hopes(), 0u);
}

volatile sig_atomic_t signals = 0;

TEST_F(GlanceTest, is_ended_by_a_signal_that_came_while_nobody_slept) {
    struct sigaction action = {}, old = {};
    action.sa_handler = [](int) { signals = signals + 1; };
    ASSERT_EQ(::sigaction(SIGALRM, &action, &old), 0);
    int slept_through = 0;
    for (int tries = 0, all = 0; tries < 40; ++all) {
        answer();
        const auto before = signals;
        itimerval soon = {};
        soon.it_value.tv_usec = 10 + all % 20; // while it looks, if nothing comes between
        ASSERT_EQ(::setitimer(ITIMER_REAL, &soon, nullptr), 0);
        const bool came_before = signals != before;
        const bool interrupted = poll(20) == -1 && errno == EINTR;
        EXPECT_EQ(signals, before + 1);
        if (came_before) continue;
        ++tries;
        slept_through += interrupted ? 0 : 1;
    }
    // Some come between the question and poll().
    EXPECT_LT(slept_through, 20);
    ::sigaction(SIGALRM, &old, nullptr);
}

} // namespace
} // namespace elsewhere::gateway
