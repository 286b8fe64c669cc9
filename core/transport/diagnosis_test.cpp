#include "core/transport/diagnosis.hpp"

#include <gtest/gtest.h>

namespace elsewhere::transport {
namespace {

Failure of(int code, std::string_view errors, std::string_view junk = {},
           const char *spec = "ssh=h") {
    return why_it_failed(XSpec(spec), Exit{.code = code}, errors, junk);
}

// What launch_test.cpp cannot bring about with a server on this machine.
TEST(Diagnosis, reads_what_ssh_says_of_networks) {
    EXPECT_EQ(of(255, "ssh: connect to host h port 22: Connection timed out\r\n").error.message(),
              "h does not answer: ssh: connect to host h port 22: Connection timed out");
    EXPECT_EQ(of(255, "ssh: connect to host h port 22: No route to host").error.kind(),
              ErrorKind::unreachable);
    EXPECT_EQ(of(255, "Timeout, server h not responding.").error.kind(), ErrorKind::disconnected);
    EXPECT_EQ(of(255, "something new").error.message(), "ssh could not reach h: something new");
}

TEST(Diagnosis, does_not_take_exit_code_255_of_a_python_for_a_network) {
    const Failure failed = of(255, "Traceback:\nValueError: x", {}, "popen");
    EXPECT_EQ(failed.stage, Stage::boot);
    EXPECT_EQ(failed.error.kind(), ErrorKind::remote);
}

TEST(Diagnosis, tells_a_python_that_was_killed_from_a_host_that_cannot_be_reached) {
    EXPECT_EQ(of(255, "").error.kind(), ErrorKind::unreachable);
    const Failure killed = of(255, "", "Welcome\n\x1e");
    EXPECT_EQ(killed.stage, Stage::boot);
    EXPECT_EQ(killed.error.kind(), ErrorKind::disconnected);
    EXPECT_EQ(killed.error.message(),
              "the Python on h was killed, or the connection to it lost, before it said hello; "
              "it printed: Welcome");
    EXPECT_EQ(of(255, "", "Welcome\n").stage, Stage::shell);
    EXPECT_EQ(of(255, "", "Welcome\n").error.kind(), ErrorKind::disconnected);
}

TEST(Diagnosis, tells_a_shell_that_starts_nothing_from_a_python_that_ends) {
    EXPECT_EQ(of(127, "sh: 1: exec: python3: not found").stage, Stage::python);
    EXPECT_EQ(of(1, "", "This account is currently not available.\n").error.kind(),
              ErrorKind::untrusted);
    const Failure silent = of(0, "", "Welcome\nto h\n");
    EXPECT_EQ(silent.stage, Stage::shell);
    EXPECT_EQ(silent.error.message(), "the login shell of h ended with exit code 0 and started no "
                                      "Python; it printed: Welcome / to h");
}

TEST(Diagnosis, reads_the_finder_behind_a_text_without_an_end_of_line) {
    const Failure failed = of(123, "Last login: elsewhere: no Python here; found: nothing,\n");
    EXPECT_EQ(failed.stage, Stage::python);
    EXPECT_EQ(failed.error.message(), "no Python on h; found: nothing");
}

TEST(Diagnosis, knows_a_full_disk_by_its_words) {
    EXPECT_EQ(of(1, "OSError: [Errno 28] No space left on device: '/tmp/x'").error.kind(),
              ErrorKind::unwritable);
}

TEST(Diagnosis, of_a_child_that_still_runs_is_a_timeout) {
    const Failure failed = why_it_failed(XSpec("ssh=h"), std::nullopt, "", "Password: ");
    EXPECT_EQ(failed.error.kind(), ErrorKind::timeout);
    EXPECT_EQ(failed.error.message(), "h did not answer in time; it printed: Password:");
}

} // namespace
} // namespace elsewhere::transport
