#include "core/transport/finder.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "core/base/error.hpp"
#include "core/transport/launched_test.hpp"

namespace elsewhere::transport {
namespace {

namespace fs = std::filesystem;

TEST(Wish, is_a_version_a_name_or_a_path) {
    EXPECT_EQ(read_wish("").kind, Wish::Kind::any);
    for (const char *text : {"3.12", "3", "3.12.1", ">=3.11", ">= 3.9, < 3.13", "==3.10"})
        EXPECT_EQ(read_wish(text).kind, Wish::Kind::version) << text;
    for (const char *text : {"pypy3", "python3.12", "jython -J-Xmx64m"})
        EXPECT_EQ(read_wish(text).kind, Wish::Kind::name) << text;
    EXPECT_EQ(read_wish("'/my python/bin/py' -X dev").command,
              (Words{"/my python/bin/py", "-X", "dev"}));
    EXPECT_EQ(read_wish("~/bin/python").kind, Wish::Kind::path);
    for (const char *text : {"3.x", ">=", "3.1.2.3", "~=3.11", ">=3.9,", "3.", "!=3.9", "3.1000"})
        EXPECT_THROW((void)read_wish(text), Error) << text;
}

TEST(Wish, for_a_version_has_bounds) {
    const auto bounds = [](const char *text) {
        const Wish wish = read_wish(text);
        return std::pair(wish.at_least, wish.less_than);
    };
    EXPECT_EQ(bounds("3.12"), std::pair(3012000ul, 3013000ul));
    EXPECT_EQ(bounds("3.12.1"), std::pair(3012001ul, 3012002ul));
    EXPECT_EQ(bounds(">=3.9,<3.13").second, 3013000ul);
    EXPECT_EQ(bounds(">3.9").first, 3010000ul);
    EXPECT_EQ(bounds("<=3.9").second, 3010000ul);
}

// A home and a PATH of their own, with programs that answer as Pythons do.
class Finder : public testing::Test {
  protected:
    void add(const std::string &file, const std::string &version) {
        const fs::path path = folder_.path() / file;
        fs::create_directories(path.parent_path());
        std::ofstream(path) << "#!/bin/sh\n[ \"$1\" = -V ] && { echo 'Python " << version
                            << "'; exit; }\n"
                            << "printf '%s\\n' \"$0\" \"$@\"; exec cat\n";
        fs::permissions(path, fs::perms::owner_all);
    }
    Ran find(const std::string &python, std::optional<std::string> before = {},
             const Boot &boot = {.program = "print(\"\\n\")"}, const char *shell = "/bin/sh") {
        const std::string home = folder_.path();
        return run_to_end(Words{"/usr/bin/env", "-i", "HOME=" + home,
                                "PATH=" + home + "/bin:" + home + "/late:/usr/bin:/bin", shell,
                                "-c", finder_program(read_wish(python), before, boot)},
                          "input");
    }
    // What a Python of ours prints when it is started.
    std::string started(const std::string &file,
                        const std::string &words = "-c\nprint(\"\\n\")\n") {
        return (folder_.path() / file).string() + "\n" + words + "input";
    }
    void profile(const std::string &text) {
        std::ofstream(folder_.path() / ".bash_profile") << text;
        std::ofstream(folder_.path() / ".profile") << text;
    }
    TemporaryFolder folder_;
};

TEST_F(Finder, takes_python3_from_path) {
    add("bin/python3", "3.91.0");
    add("late/python3", "3.92.0");
    const Ran ran = find("");
    EXPECT_EQ(ran.output, started("bin/python3"));
    EXPECT_EQ(ran.errors, "");
}

TEST_F(Finder, works_in_every_shell_that_is_called_sh) {
    add("bin/python3", "3.91.0");
    add("late/python3.95", "3.95.0");
    for (const char *shell : {"sh", "dash", "bash", "ksh"}) {
        if (run_to_end(Words{"/bin/sh", "-c", std::string("command -v ") + shell}).exit.code != 0)
            continue;
        EXPECT_EQ(find("", {}, {.program = "1"}, shell).output, started("bin/python3", "-c\n1\n"));
        EXPECT_EQ(find(">=3.92", {}, {.program = "1"}, shell).output,
                  started("late/python3.95", "-c\n1\n"))
            << shell;
    }
}

TEST_F(Finder, takes_what_a_shim_stands_for) {
    add("root/versions/3.91.0/bin/python3", "3.91.0");
    add("root/shims/python3", "3.90.0");
    const std::string home = folder_.path();
    const auto found = [&](const std::string &variable, const std::string &before = {}) {
        const std::optional<std::string> first =
            before.empty() ? std::nullopt : std::optional(before);
        return run_to_end(Words{"/usr/bin/env", "-C", home, "-i", "HOME=" + home,
                                "PATH=" + home + "/root/shims:/usr/bin", variable, "/bin/sh", "-c",
                                finder_program(read_wish(""), first, {.program = "1"})},
                          "input")
            .output;
    };
    const std::string shim = started("root/shims/python3", "-c\n1\n");
    const std::string real = started("root/versions/3.91.0/bin/python3", "-c\n1\n");
    EXPECT_EQ(found("A=1"), shim);
    EXPECT_EQ(found("PYENV_VERSION=3.91.0:2.7"), real);
    EXPECT_EQ(found("PYENV_VERSION=3.91"), shim);
    EXPECT_EQ(found("A=1", "PATH=~/root/shims:$PATH; PYENV_VERSION=3.91.0"), real);
    std::ofstream(folder_.path() / "root/version") << "3.91.0\n";
    EXPECT_EQ(found("A=1"), real);
    std::ofstream(folder_.path() / ".python-version") << "system\n";
    EXPECT_EQ(found("A=1"), shim);
    // One that starts nothing is passed over.
    std::ofstream(folder_.path() / "root/shims/python3") << "#!/bin/sh\nexit 127\n";
    add(".local/bin/python3", "3.92.0");
    EXPECT_EQ(found("A=1").find("root/shims"), std::string::npos);
}

TEST_F(Finder, takes_the_version_that_is_wished_for) {
    add("bin/python3", "3.91.0");
    add("late/python3.92", "3.92.7");
    add(".pyenv/versions/3.93.1/bin/python3", "3.93.1");
    add("miniconda3/envs/a b/bin/python3", "3.94.0rc1");
    EXPECT_EQ(find("3.91").output, started("bin/python3"));
    EXPECT_EQ(find("3.92").output, started("late/python3.92"));
    EXPECT_EQ(find("3.93").output, started(".pyenv/versions/3.93.1/bin/python3"));
    EXPECT_EQ(find("3.93.1").output, started(".pyenv/versions/3.93.1/bin/python3"));
    EXPECT_EQ(find("3.94").output, started("miniconda3/envs/a b/bin/python3"));
}

TEST_F(Finder, prefers_for_a_range_the_python3_of_path_and_then_the_newest) {
    add("bin/python3", "3.91.0");
    add("late/python3.92", "3.92.9");
    add("late/python3.93", "3.93.10");
    EXPECT_EQ(find(">=3.91").output, started("bin/python3"));
    EXPECT_EQ(find(">3.91").output, started("late/python3.93"));
    EXPECT_EQ(find(">3.91,<3.93").output, started("late/python3.92"));
}

TEST_F(Finder, says_what_is_there_when_nothing_fits) {
    add("bin/python3", "3.91.0");
    for (const char *wish : {"3.99", ">=3.92", "nopython9", "/no/such/python"}) {
        const Ran ran = find(wish);
        EXPECT_EQ(ran.exit.code, no_python_fits);
        EXPECT_EQ(ran.output, "");
        EXPECT_EQ(ran.errors.find(finder_says), 0u) << ran.errors;
        EXPECT_NE(ran.errors.find("found: 3.91.0 " + folder_.path().string() + "/bin/python3,"),
                  std::string::npos)
            << ran.errors;
    }
}

TEST_F(Finder, starts_names_and_paths_with_their_arguments) {
    add("bin/pypy9", "3.9");
    add("bin dir/it's", "3.9");
    add("opt/none", "3.9");
    EXPECT_EQ(find("pypy9 -X 'a b'").output, started("bin/pypy9", "-X\na b\n-c\nprint(\"\\n\")\n"));
    EXPECT_EQ(find("\"" + (folder_.path() / "bin dir/it's").string() + "\"").output,
              started("bin dir/it's"));
    EXPECT_EQ(find("'~/bin dir/it'\\''s'").output, started("bin dir/it's"));
    EXPECT_EQ(find("pypy9", {}, {.program = "x", .options = {"-u", "-S"}}).output,
              started("bin/pypy9", "-u\n-S\n-c\nx\n"));
}

TEST_F(Finder, runs_before_first_and_keeps_its_output_off_the_stream) {
    add("bin/python3", "3.91.0");
    add("env/bin/python", "3.92.0");
    profile("PATH=$HOME/bin:$PATH; echo from the profile; load() { echo loading; "
            "PATH=$HOME/$1/bin:$PATH; }; set -eu; cat");
    const Ran ran = find("", "load env");
    EXPECT_EQ(ran.output, started("env/bin/python"));
    EXPECT_EQ(ran.errors, "from the profile\nloading\n");
    EXPECT_EQ(find("3.91", "load env").output, started("bin/python3"));
}

TEST_F(Finder, tells_when_before_fails) {
    add("bin/python3", "3.91.0");
    for (const char *before : {"echo no such module; (exit 3)", "echo no such module; exit 3"}) {
        const Ran ran = find("", before);
        EXPECT_EQ(ran.exit.code, before_failed);
        EXPECT_EQ(ran.errors, "no such module\nelsewhere: before= ended with exit code 3\n");
        EXPECT_EQ(ran.output, "");
    }
    EXPECT_EQ(find("", "if then").exit.code, before_failed);
}

TEST_F(Finder, knows_where_conda_keeps_its_functions) {
    add("bin/python3", "3.91.0");
    add("miniconda3/envs/py92/bin/python", "3.92.0");
    fs::create_directories(folder_.path() / "miniconda3/etc/profile.d");
    std::ofstream(folder_.path() / "miniconda3/etc/profile.d/conda.sh")
        << "conda() { PATH=$HOME/miniconda3/envs/$2/bin:$PATH; }\n";
    EXPECT_EQ(find("", "conda activate py92").output, started("miniconda3/envs/py92/bin/python"));
}

// With the shortcut the same is found, and its absence is not noticed.
TEST_F(Finder, takes_a_shortcut_to_the_same_python) {
    add("bin/python3", "3.91.0");
    add("bin/strange", "3.93.0");
    add("late/python3", "3.92.0");
    add("shims/python3", "3.90.0");
    fs::create_directories(folder_.path() / "dirs/python3");
    const std::string home = folder_.path();
    const Boot boot = {.program = "print(1) " + std::string(longest_word, '#'), .announced = true};
    const auto found = [&](const std::string &python, const std::string &path, bool shortly) {
        const Wish wish = read_wish(python);
        const Shortcut first = finder_shortcut(wish, {}, boot);
        EXPECT_NE(first.script, "") << python;
        const std::string rest = shortly ? "echo no" : finder_program(wish, {}, boot);
        return run_to_end(Words{"/usr/bin/env", "-C", home, "-i", "HOME=" + home, "PATH=" + path,
                                "/bin/sh", "-c", for_any_shell(rest, first)},
                          "input")
            .output;
    };
    const std::string words = "-c\n" + boot.program + "\n", path = home + "/dirs:" + home + "/bin";
    const std::string usual = ":" + home + "/late:/usr/bin:/bin";
    for (const bool shortly : {true, false}) {
        EXPECT_EQ(found("", path + usual, shortly), "\036" + started("bin/python3", words));
        EXPECT_EQ(found("strange", path + usual, shortly), "\036" + started("bin/strange", words));
        EXPECT_EQ(found(home + "/late/python3", path + usual, shortly),
                  "\036" + started("late/python3", words));
    }
    // What takes longer is left to the rest.
    EXPECT_EQ(found("", home + "/shims" + usual, true), "no\n");
    EXPECT_EQ(found("", "bin" + usual, true), "no\n");
    EXPECT_EQ(found(home + "/dirs/python3", path + usual, true), "no\n");
    EXPECT_EQ(found("", home + "/shims" + usual, false), "\036" + started("shims/python3", words));
    for (const char *python : {"3.12", ">=3.9", "~/bin/python3", "strange -E", "it\\'s"})
        EXPECT_EQ(finder_shortcut(read_wish(python), {}, boot).script, "") << python;
    EXPECT_EQ(finder_shortcut(read_wish(""), "true", boot).script, "");
}

TEST(FinderOfRealPythons, becomes_each_that_is_installed) {
    const Ran list = run_to_end(Words{
        "/bin/sh", "-c", "ls -d ~/.pyenv/versions/*/bin/python /usr/bin/python3 2>/dev/null"});
    std::size_t begin = 0, count = 0;
    for (std::size_t end; (end = list.output.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
        const std::string python = list.output.substr(begin, end - begin);
        const Ran asked = run_to_end(
            Words{python, "-c", "import sys; sys.stdout.write('%d.%d.%d' % sys.version_info[:3])"});
        const Boot boot = {.program = "import sys; sys.stdout.write('%d.%d.%d ' % "
                                      "sys.version_info[:3] + sys.stdin.read() + \"\\x21\")"};
        const Ran ran = run_to_end(
            Words{"/bin/sh", "-c", finder_program(read_wish(asked.output), {}, boot)}, "input");
        EXPECT_EQ(ran.output, asked.output + " input!") << python << ": " << ran.errors;
        ++count;
    }
    if (count == 0) GTEST_SKIP() << "no Python in the usual places";
}

} // namespace
} // namespace elsewhere::transport
