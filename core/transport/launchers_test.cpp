#include "core/transport/launchers.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "core/base/error.hpp"
#include "core/transport/diagnosis.hpp"
#include "core/transport/launched_test.hpp"

namespace elsewhere::transport {
namespace {

const Boot echo = {.program = "import sys; sys.stdout.write(\"hello \" + sys.stdin.read())"};

Words argv_of(const std::string &spec) {
    return command_for(XSpec(spec), echo, {.python = "/a python", .has_terminal = false}).argv;
}

// All but `sh -c PROGRAM`.
Words before_the_shell(const std::string &spec) {
    Words argv = argv_of(spec);
    EXPECT_EQ(argv.at(argv.size() - 3), "sh") << spec;
    EXPECT_EQ(argv.at(argv.size() - 2), "-c") << spec;
    argv.resize(argv.size() - 3);
    return argv;
}

TEST(Launchers, put_the_options_of_a_spec_where_the_command_wants_them) {
    const std::vector<std::pair<std::string, Words>> cases = {
        {"sudo=alice", {"sudo", "-H", "-u", "alice", "-n", "--"}},
        {"sudo=-g wheel alice", {"sudo", "-H", "-u", "alice", "-n", "-g", "wheel", "--"}},
        {"docker=box", {"docker", "exec", "-i", "box"}},
        {"docker=-u 'the user' box", {"docker", "exec", "-i", "-u", "the user", "box"}},
        {"podman=--user=root box", {"podman", "exec", "-i", "--user=root", "box"}},
        {"kubectl=web-1", {"kubectl", "exec", "-i", "web-1", "--"}},
        {"kubectl=-n prod -c app web-1",
         {"kubectl", "exec", "-i", "-n", "prod", "-c", "app", "web-1", "--"}},
        {"nsenter=1234", {"nsenter", "--target", "1234", "--all", "--"}},
        {"nsenter=-n -m 1234", {"nsenter", "--target", "1234", "-n", "-m", "--"}},
        {"cmd=ip netns exec 'my net'", {"ip", "netns", "exec", "my net"}},
    };
    for (const auto &[spec, head] : cases) {
        EXPECT_NO_THROW(validate(XSpec(spec))) << spec;
        EXPECT_EQ(before_the_shell(spec), head) << spec;
    }
}

TEST(Launchers, refuse_a_value_that_names_nothing_or_leaves_no_stream) {
    for (const char *spec :
         {"sudo=-g", "docker=-it box", "docker=--tty box", "podman=-d box", "docker=two boxes",
          "kubectl=-t web", "nsenter=self", "nsenter=-n", "cmd= ", "cmd=''", "lxc='open"})
        EXPECT_THROW((void)argv_of(spec), Error) << spec;
    EXPECT_THROW((void)argv_of("cmd=python3//python=3.12"), Error);
}

TEST(Launchers, of_a_jail_start_the_interpreter_of_the_caller_without_network) {
    const Words argv = argv_of("bwrap=--bind /data /data");
    EXPECT_EQ(Words(argv.end() - 7, argv.end()),
              (Words{"--bind", "/data", "/data", "--", "/a python", "-c", echo.program}));
    EXPECT_NE(std::find(argv.begin(), argv.end(), "--unshare-all"), argv.end());
}

TEST(Launchers, of_a_command_tell_by_its_last_word_what_reads_there) {
    EXPECT_EQ(argv_of("cmd=env -i /usr/bin/python3"),
              (Words{"env", "-i", "/usr/bin/python3", "-c", echo.program}));
    EXPECT_EQ(argv_of("cmd=env A=B /bin/bash").size(), 5U);
    const Words shell = argv_of("cmd=ssh -T far {}");
    EXPECT_EQ(Words(shell.begin(), shell.begin() + 3), (Words{"ssh", "-T", "far"}));
    EXPECT_TRUE(shell.back().starts_with("exec sh -c '"));
    EXPECT_EQ(shell.size(), 4U);
}

// Stand-ins for what does not run here, on PATH: each writes down its arguments, and runs what
// stands behind the container's name.
class StandIns : public testing::Test {
  protected:
    void SetUp() override {
        const char *path = std::getenv("PATH");
        path_ = path == nullptr ? "" : path;
        ::setenv("PATH", (folder_.path().string() + ":" + path_).c_str(), 1);
    }
    void TearDown() override { ::setenv("PATH", path_.c_str(), 1); }

    void make(const std::string &name, const std::string &body) const {
        const auto file = folder_.path() / name;
        std::ofstream(file) << "#!/bin/sh\n" << body << "\n";
        std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    }
    static Ran run(const std::string &spec) {
        return run_to_end(launch(XSpec(spec), echo, {.python = "python3"}), "world");
    }
    static Failure failure(const std::string &spec) {
        const Ran ran = run(spec);
        return why_it_failed(XSpec(spec), ran.exit, ran.errors, ran.output);
    }

    TemporaryFolder folder_;
    std::string path_;
};

TEST_F(StandIns, get_the_arguments_and_carry_the_bytes) {
    const std::string expect = "for want in $wanted; do [ \"$1\" = \"$want\" ] || { echo \"$1, not "
                               "$want\" >&2; exit 1; }; "
                               "shift; done\nexec \"$@\"";
    make("docker", "wanted='exec -i -u me box'\n" + expect);
    make("podman", "wanted='exec -i box'\n" + expect);
    make("kubectl", "wanted='exec -i -n prod web-1 --'\n" + expect);
    for (const char *spec : {"docker=-u me box", "podman=box", "kubectl=-n prod web-1"}) {
        const Ran ran = run(spec);
        EXPECT_EQ(ran.output, "hello world") << spec << ": " << ran.errors;
        EXPECT_EQ(ran.exit, Exit{}) << spec;
    }
}

TEST_F(StandIns, for_containers_of_lxc_are_the_clients_that_are_there) {
    ::setenv("PATH", folder_.path().c_str(), 1);
    make("lxc-attach", "");
    EXPECT_EQ(before_the_shell("lxc=-v A=1 box"),
              (Words{"lxc-attach", "--clear-env", "-n", "box", "-v", "A=1", "--"}));
    make("incus", "");
    EXPECT_EQ(before_the_shell("lxc=box"), (Words{"incus", "exec", "box", "--"}));
    make("lxc", "");
    EXPECT_EQ(before_the_shell("lxc=--env A=1 box"),
              (Words{"lxc", "exec", "--env", "A=1", "box", "--"}));
}

TEST_F(StandIns, that_fail_are_understood) {
    struct Case {
        std::string spec, command, says;
        int code;
        Stage stage;
        ErrorKind kind;
        std::string message;
    };
    const std::vector<Case> cases = {
        {"docker=box", "docker", "Error response from daemon: No such container: box", 1,
         Stage::reach, ErrorKind::unreachable, "the container box does not exist: "},
        {"docker=box", "docker", "Error response from daemon: container 4f is not running", 1,
         Stage::reach, ErrorKind::unreachable, "the container box does not run: "},
        {"docker=box", "docker",
         "OCI runtime exec failed: exec: \"sh\": executable file not found in $PATH: unknown", 126,
         Stage::shell, ErrorKind::unsupported, "the container box has no sh: "},
        {"podman=box", "podman", "Error: no container with name or ID \"box\" found", 125,
         Stage::reach, ErrorKind::unreachable, "the container box does not exist: "},
        {"kubectl=web-1", "kubectl", "Error from server (NotFound): pods \"web-1\" not found", 1,
         Stage::reach, ErrorKind::unreachable, "the pod web-1 does not exist: "},
        {"kubectl=web-1", "kubectl", "error: You must be logged in to the server (Unauthorized)", 1,
         Stage::login, ErrorKind::untrusted, "the cluster refuses the login: "},
        {"lxc=box", "lxc", "Error: Instance is not running", 1, Stage::reach,
         ErrorKind::unreachable, "the container box does not run: "},
        {"sudo=root", "sudo", "sudo: a password is required", 1, Stage::login, ErrorKind::untrusted,
         "sudo asks for a password: "},
        {"docker=box", "docker", "elsewhere: no Python here; found: nothing,", 123, Stage::python,
         ErrorKind::unsupported, "no Python on the container box; found: nothing"},
        {"docker=box", "docker", "", 137, Stage::boot, ErrorKind::remote,
         "the Python on the container box ended with exit code 137 before it said hello"},
    };
    for (const Case &each : cases) {
        make(each.command, "echo '" + each.says + "' >&2\nexit " + std::to_string(each.code));
        const Failure failed = failure(each.spec);
        EXPECT_EQ(name(failed.stage), name(each.stage)) << each.says;
        EXPECT_EQ(name(failed.error.kind()), name(each.kind)) << each.says;
        EXPECT_TRUE(failed.error.message().starts_with(each.message)) << failed.error.message();
        EXPECT_FALSE(failed.error.hint().empty());
    }
}

} // namespace
} // namespace elsewhere::transport
