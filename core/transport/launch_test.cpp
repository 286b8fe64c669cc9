#include "core/transport/launch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "core/base/error.hpp"
#include "core/transport/diagnosis.hpp"
#include "core/transport/launched_test.hpp"

namespace elsewhere::transport {
namespace {

using namespace std::chrono_literals;

const Boot echo = {.program = "import sys; sys.stdout.write(\"hello \" + sys.stdin.read())"};

std::string some_python() {
    static const std::string path =
        run_to_end(
            Words{"/bin/sh", "-c",
                  finder_program(read_wish(""), {},
                                 {.program = "import sys; sys.stdout.write(sys.executable)"})})
            .output;
    return path;
}

Ran run_spec(const std::string &text, const Boot &boot = echo) {
    const XSpec spec(text);
    validate(spec);
    return run_to_end(launch(spec, boot, {.python = some_python()}), "world");
}

Failure failure(const std::string &text, const Ran &ran) {
    return why_it_failed(XSpec(text), ran.exit, ran.errors, ran.output);
}

TEST(Launch, of_popen_starts_the_interpreter_of_the_caller_without_a_shell) {
    const Command command = command_for(XSpec("popen"), echo, {.python = "/a python"});
    EXPECT_EQ(command.argv, (Words{"/a python", "-c", echo.program}));
    EXPECT_EQ(run_spec("popen").output, "hello world");
}

TEST(Launch, of_popen_finds_a_python_as_a_remote_one_is_found) {
    EXPECT_EQ(run_spec("popen//python=>=3.0").output, "hello world");
    EXPECT_EQ(run_spec("popen//python='" + some_python() + "' -S").output, "hello world");
    EXPECT_EQ(run_spec("popen//before=echo junk//python=>=3").output, "hello world");
}

TEST(Launch, of_popen_that_fails_says_why) {
    const std::string wish = "popen//python=3.987";
    Failure failed = failure(wish, run_spec(wish));
    EXPECT_EQ(failed.stage, Stage::python);
    EXPECT_EQ(failed.error.kind(), ErrorKind::unsupported);
    EXPECT_TRUE(failed.error.message().starts_with("no Python 3.987 on this machine; found: "))
        << failed.error.message();

    const std::string before = "popen//before=echo it is broken; false";
    failed = failure(before, run_spec(before));
    EXPECT_EQ(failed.stage, Stage::before);
    EXPECT_EQ(failed.error.message(), "`before=echo it is broken; false` failed on this machine: "
                                      "ended with exit code 1: it is broken");

    failed = failure("popen", run_spec("popen", {.program = "import sys; sys.exit(\"oh no\")"}));
    EXPECT_EQ(failed.stage, Stage::boot);
    EXPECT_EQ(failed.error.message(),
              "the Python on this machine ended with exit code 1 before it said hello: oh no");
    EXPECT_THROW((void)run_spec("popen//python=/no/python"), Error);
}

TEST(Launch, of_ssh_leaves_the_users_configuration_in_charge) {
    const Words argv =
        command_for(XSpec("ssh=-p 22 me@host//ssh_config=/my config"), echo, {}).argv;
    const Words head(argv.begin(), argv.end() - 1);
    EXPECT_EQ(head, (Words{"ssh", "-T", "-o", "RemoteCommand=none", "-F", "/my config", "-o",
                           "BatchMode=yes", "-p", "22", "me@host", "-o", "ServerAliveInterval=15",
                           "-o", "ServerAliveCountMax=3"}));
    EXPECT_TRUE(argv.back().starts_with("exec sh -c '"));
    const Words asks = command_for(XSpec("ssh=host"), echo, {.has_terminal = true}).argv;
    EXPECT_EQ(std::ranges::count(asks, "BatchMode=yes"), 0);
}

// A real server, started by the script that the Python tests use.
class Ssh : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        folder_.emplace();
        const auto script =
            std::filesystem::path(__FILE__).parent_path() / "../../tests/remote/sshd.py";
        started_ =
            run_to_end(Words{"/usr/bin/env", "python3", script, "start", folder_->path() / "d"});
    }
    static void TearDownTestSuite() {
        const auto script =
            std::filesystem::path(__FILE__).parent_path() / "../../tests/remote/sshd.py";
        (void)run_to_end(Words{"/usr/bin/env", "python3", script, "stop", folder_->path() / "d"});
        folder_.reset();
    }
    void SetUp() override {
        if (started_.exit.code == 78) GTEST_SKIP() << started_.errors;
        ASSERT_EQ(started_.exit, Exit{}) << started_.errors;
    }
    static std::string spec(const std::string &ssh, const std::string &more = {}) {
        return "ssh=" + ssh + "//ssh_config=" + file("ssh_config") + more;
    }
    static std::string file(const std::string &name) { return folder_->path() / "d" / name; }

    static inline std::optional<TemporaryFolder> folder_;
    static inline Ran started_;
};

TEST_F(Ssh, carries_bytes_to_a_python_and_back) {
    const Ran ran = run_spec(spec("far"));
    EXPECT_EQ(ran.output, "\x1ehello world") << ran.errors;
    EXPECT_EQ(ran.exit, Exit{});
    EXPECT_EQ(run_spec(spec("-o ServerAliveInterval=5 -4 far2")).output, "\x1ehello world");
    EXPECT_EQ(run_spec(spec("far", "//python=>=3.5")).output, "\x1ehello world");
    EXPECT_EQ(run_spec(spec("far", "//before=cd /; echo junk >&2")).output, "\x1ehello world");
}

TEST_F(Ssh, carries_bytes_whatever_the_login_shell) {
    std::ifstream config(file("ssh_config"));
    int count = 0;
    for (std::string word, host; config >> word >> host;) {
        constexpr std::array<const char *, 7> shells = {"bash", "csh",  "dash", "fish",
                                                        "ksh",  "tcsh", "zsh"};
        if (word != "Host" || std::ranges::find(shells, host) == shells.end()) continue;
        const Ran ran = run_spec(spec(host, "//python='" + some_python() + "' -X 'a!b'"));
        EXPECT_EQ(ran.output, "\x1ehello world") << host << ": " << ran.errors;
        ++count;
    }
    EXPECT_GT(count, 0);
}

TEST_F(Ssh, carries_what_the_login_shell_prints_before_the_python) {
    EXPECT_EQ(run_spec(spec("noisy")).output, "Welcome to noisy!\n\x1ehello world");
}

TEST_F(Ssh, shares_a_connection_that_the_configuration_keeps) {
    const std::string reused = "ssh=far//ssh_config=" + file("ssh_config_reused");
    for (int i = 0; i < 2; ++i) {
        const auto start = std::chrono::steady_clock::now();
        EXPECT_EQ(run_spec(reused).output, "\x1ehello world");
        // The first one leaves an ssh behind that holds our stderr open for ten minutes.
        EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
    }
}

struct Expected {
    Stage stage;
    ErrorKind kind;
    std::string message;
    std::string hint;
};

TEST_F(Ssh, that_fails_says_why_and_names_the_host) {
    const std::string nowhere = "-o Port=1 -o HostName=127.0.0.1 far";
    const std::vector<std::pair<std::string, Expected>> cases = {
        {spec("-o HostName=no-such-host.invalid far"),
         {Stage::reach, ErrorKind::unreachable, "the name far does not resolve: ", "HostName"}},
        {spec(nowhere),
         {Stage::reach, ErrorKind::unreachable, "far refuses the connection: ", "port"}},
        {spec("me@refused"),
         {Stage::login, ErrorKind::untrusted, "me@refused refuses the login: ", "authorized_keys"}},
        {spec("stranger"),
         {Stage::login, ErrorKind::untrusted,
          "the key of stranger is not known yet: ", "say yes: ssh stranger"}},
        {spec("changed"),
         {Stage::login, ErrorKind::untrusted,
          "the key of changed has changed: somebody may be listening in; the old one is in " +
              file("known_hosts") + ":2",
          "ssh-keygen -f \"" + file("known_hosts") + "\" -R \"changed\""}},
        {"ssh=far//ssh_config=/no/file",
         {Stage::reach, ErrorKind::usage, "ssh has no such configuration: ", "ssh_config="}},
        {spec("-o NoSuchOption=1 far"),
         {Stage::reach, ErrorKind::usage, "ssh does not read its configuration: ", "option"}},
        {spec("far", "//python=>=3.987"),
         {Stage::python, ErrorKind::unsupported, "no Python >=3.987 on far; found: ", "python="}},
        {spec("far", "//python=/no/python"),
         {Stage::python, ErrorKind::unsupported,
          "no Python at /no/python on far; found: ", "python="}},
        {spec("far", "//before=nosuchcommand9 load x"),
         {Stage::before, ErrorKind::remote,
          "`before=nosuchcommand9 load x` failed on far: ended with exit code 127: ", "bash"}},
    };
    for (const auto &[text, expected] : cases) {
        const Failure failed = failure(text, run_spec(text));
        EXPECT_EQ(name(failed.stage), name(expected.stage)) << text;
        EXPECT_EQ(name(failed.error.kind()), name(expected.kind)) << text;
        EXPECT_TRUE(failed.error.message().starts_with(expected.message)) << failed.error.message();
        EXPECT_NE(failed.error.hint().find(expected.hint), std::string::npos)
            << failed.error.hint();
    }
}

TEST_F(Ssh, that_is_killed_has_lost_the_connection) {
    Stream stream = launch(
        XSpec(spec("far")),
        {.program =
             "import sys, time; sys.stdout.write(\"x\"); sys.stdout.flush(); time.sleep(60)"},
        {});
    pollfd readable = {stream.in(), POLLIN, 0};
    ASSERT_EQ(::poll(&readable, 1, 20000), 1);
    ::kill(stream.pid(), SIGKILL);
    const auto exit = stream.wait(10s);
    EXPECT_EQ(exit, (Exit{.signal = SIGKILL}));
    const Failure failed = why_it_failed(XSpec(spec("far")), exit, stream.errors().text(), "x");
    EXPECT_EQ(name(failed.error.kind()), "disconnected");
    EXPECT_NE(failed.error.message().find("far"), std::string::npos);
}

TEST_F(Ssh, that_ends_takes_the_remote_python_with_it) {
    Stream stream = launch(XSpec(spec("far")),
                           {.program = "import os, sys; sys.stdout.write(\"%d \" % os.getpid()); "
                                       "sys.stdout.flush(); sys.stdin.read()"},
                           {});
    std::string pid;
    pollfd readable = {stream.in(), POLLIN, 0};
    for (char c = 0;
         ::poll(&readable, 1, 20000) == 1 && ::read(stream.in(), &c, 1) == 1 && c != ' ';)
        if (c != finder_found) pid += c;
    ASSERT_FALSE(pid.empty());
    EXPECT_TRUE(stream.end(10s).known);
    for (int i = 0; i < 500 && ::kill(std::stoi(pid), 0) == 0; ++i) ::usleep(10000);
    EXPECT_NE(::kill(std::stoi(pid), 0), 0);
}

} // namespace
} // namespace elsewhere::transport
