#include "core/transport/stream.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "core/base/error.hpp"
#include "core/transport/launched_test.hpp"

namespace elsewhere::transport {
namespace {

using namespace std::chrono_literals;

Stream shell(const std::string &text, Keyboard keyboard = Keyboard::none) {
    return Stream(spawn({"/bin/sh", "-c", text}, keyboard), keyboard);
}

std::string read_line(Stream &stream) {
    std::string line;
    pollfd readable = {stream.in(), POLLIN, 0};
    for (char c = 0;
         ::poll(&readable, 1, 10000) == 1 && ::read(stream.in(), &c, 1) == 1 && c != '\n';)
        line += c;
    return line;
}

// A field of /proc/PID/status, as "SigBlk".
std::string status_of(pid_t pid, const std::string &field) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(file, line);)
        if (line.starts_with(field + ":"))
            return line.substr(line.find_first_not_of("\t ", field.size() + 1));
    return {};
}

TEST(Stream, carries_bytes_both_ways_and_tells_how_the_child_ended) {
    const Ran ran = run_to_end(shell("cat; echo complaint >&2; exit 7"), "some bytes");
    EXPECT_EQ(ran.output, "some bytes");
    EXPECT_EQ(ran.errors, "complaint\n");
    EXPECT_EQ(ran.exit, (Exit{.code = 7}));
    EXPECT_EQ(run_to_end(shell("kill -9 $$")).exit, (Exit{.signal = 9}));
}

TEST(Stream, of_a_program_that_is_not_there_is_an_error_that_names_it) {
    try {
        (void)spawn({"/no/such/python"}, Keyboard::none);
        FAIL();
    } catch (const Error &error) {
        EXPECT_EQ(error.kind(), ErrorKind::unsupported);
        EXPECT_NE(error.message().find("/no/such/python"), std::string::npos);
    }
}

TEST(Stream, leaves_no_descriptor_of_ours_in_the_child) {
    const Stream other = shell("cat");
    for (const int fd : {other.in(), other.out(), other.ended(), other.errors().fd()})
        EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    Stream stream = shell("read x");
    for (const char *number : {"/0", "/1", "/2"})
        EXPECT_TRUE(
            std::filesystem::is_fifo("/proc/" + std::to_string(stream.pid()) + "/fd" + number));
    const std::string kept = "/proc/self/fd/" + std::to_string(other.in());
    const auto pipe = std::filesystem::read_symlink(kept);
    for (const auto &fd :
         std::filesystem::directory_iterator("/proc/" + std::to_string(stream.pid()) + "/fd"))
        EXPECT_NE(std::filesystem::read_symlink(fd.path()), pipe);
}

TEST(Stream, starts_the_child_with_the_signals_of_a_fresh_login) {
    sigset_t blocked, before;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    const auto handler = std::signal(SIGPIPE, SIG_IGN);
    Stream own = Stream(spawn({"cat"}, Keyboard::none), Keyboard::none);
    Stream ours = Stream(spawn({"cat"}, Keyboard::prompts), Keyboard::prompts);
    std::signal(SIGPIPE, handler);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    EXPECT_EQ(status_of(own.pid(), "SigBlk"), "0000000000000000");
    // All but 32 and 33, glibc's own.
    EXPECT_EQ(std::stoull(status_of(own.pid(), "SigIgn"), nullptr, 16) & ~0x180000000ull, 0u);
    // SIGINT and SIGQUIT wait.
    EXPECT_EQ(status_of(ours.pid(), "SigBlk"), "0000000000000006");
    EXPECT_EQ(::getpgid(own.pid()), own.pid());
    EXPECT_EQ(::getpgid(ours.pid()), ::getpgrp());
}

TEST(Stream, that_ends_lets_the_child_finish_in_time) {
    Stream stream = shell("cat; exit 3");
    EXPECT_EQ(stream.end(10s), (Exit{.code = 3}));
    EXPECT_EQ(stream.end(10s), (Exit{.code = 3}));
}

TEST(Stream, that_ends_terminates_a_child_that_stays) {
    Stream stream = shell("echo ready; exec sleep 60");
    EXPECT_EQ(read_line(stream), "ready");
    EXPECT_EQ(stream.end(10ms), (Exit{.signal = SIGTERM}));
}

TEST(Stream, that_ends_kills_a_child_that_will_not_go_and_its_children) {
    Stream stream = shell("trap '' TERM; (trap '' TERM; while :; do sleep 1; done) & echo $!; "
                          "while :; do sleep 1; done");
    const std::string grandchild = read_line(stream);
    ASSERT_FALSE(grandchild.empty());
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(stream.end(10ms), (Exit{.signal = SIGKILL}));
    EXPECT_LT(std::chrono::steady_clock::now() - start, 3s);
    const pid_t pid = std::stoi(grandchild);
    for (int i = 0; i < 100 && ::kill(pid, 0) == 0 && status_of(pid, "State")[0] != 'Z'; ++i)
        ::usleep(10000);
    EXPECT_TRUE(::kill(pid, 0) != 0 || status_of(pid, "State")[0] == 'Z');
}

TEST(Stream, that_is_destroyed_leaves_no_process) {
    pid_t pid = 0;
    {
        Stream stream = shell("exec sleep 60");
        pid = stream.pid();
        const Stream moved = std::move(stream);
    }
    EXPECT_NE(::kill(pid, 0), 0);
}

TEST(Stream, is_left_alone_by_a_forked_copy_of_this_process) {
    std::optional<Stream> stream(shell("cat; exit 4"));
    const pid_t copy = ::fork();
    if (copy == 0) {
        stream.reset();
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(copy, &status, 0);
    EXPECT_EQ(stream->wait(100ms), std::nullopt);
    EXPECT_EQ(stream->end(10s), (Exit{.code = 4}));
}

TEST(Stream, whose_child_was_reaped_by_somebody_else_still_ends) {
    Stream stream = shell("exit 5");
    int status = 0;
    ::waitpid(stream.pid(), &status, 0);
    EXPECT_FALSE(stream.end(10s).known);
}

TEST(Stream, does_not_wait_for_others_who_hold_stderr_open) {
    // As an ssh does that stays for later connections.
    Stream stream = shell("(trap '' TERM; exec sleep 5) >/dev/null & echo done >&2");
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(stream.wait(4s), Exit{});
    EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
    EXPECT_EQ(stream.errors().text(), "done\n");
}

TEST(ErrorOutput, keeps_the_beginning_and_the_end_of_much) {
    Stream stream =
        shell("echo first >&2; head -c 3000000 /dev/zero | tr '\\0' x >&2; echo last >&2");
    EXPECT_EQ(stream.wait(20s), Exit{});
    const std::string text = stream.errors().text();
    EXPECT_TRUE(text.starts_with("first\nxxx"));
    EXPECT_TRUE(text.ends_with("xxxlast\n"));
    EXPECT_LT(text.size(), 70000u);
}

TEST(ErrorOutput, is_passed_on_from_then_on) {
    TemporaryFolder folder;
    const Fd file(::open((folder.path() / "log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    Stream stream = shell("echo early >&2; echo there; read x; echo late >&2");
    EXPECT_EQ(read_line(stream), "there");
    stream.errors().take();
    EXPECT_EQ(stream.errors().text(), "early\n");
    stream.errors().pass_on(file.get());
    EXPECT_EQ(stream.end(10s), Exit{});
    std::ifstream log(folder.path() / "log");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(log), {}), "early\nlate\n");
}

} // namespace
} // namespace elsewhere::transport
