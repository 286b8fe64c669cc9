#include "core/transport/words.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "core/transport/launched_test.hpp"
#include "core/transport/ssh_words.hpp"

namespace elsewhere::transport {
namespace {

const std::string nasty = "a'b\"c\\d\\\\e\\'f!g$h`i`%j%s\nk *~#&|;<>(){}[]^ \xc3\xa4\xff\t=\\";

TEST(ShellWords, are_split_as_a_shell_splits) {
    EXPECT_EQ(split_words("  -p 2222\t'a b' \"c 'd' \\\" \\x\" e\\ f ''"),
              (Words{"-p", "2222", "a b", "c 'd' \" \\x", "e f", ""}));
    EXPECT_THROW((void)split_words("'open"), Error);
}

TEST(ShellWords, that_are_quoted_come_out_of_sh_as_they_were) {
    for (const std::string &word :
         {nasty, std::string(), std::string("plain-1.0/x"), std::string("'")}) {
        const Ran ran = run_to_end(Words{"/bin/sh", "-c", "printf %s " + shell_quoted(word)});
        EXPECT_EQ(ran.output, word) << ran.errors;
    }
}

class LoginShell : public testing::TestWithParam<const char *> {};

TEST_P(LoginShell, passes_a_program_on_to_sh_unharmed) {
    const std::string shell = GetParam();
    if (run_to_end(Words{"/bin/sh", "-c", "command -v " + shell}).exit.code != 0)
        GTEST_SKIP() << shell << " is not installed";
    std::string text = "# a comment\nprintf '%s' " + shell_quoted(nasty) + "; cat";
    for (const std::size_t longer : {0, 30000}) {
        text += "\n#" + std::string(longer, '"');
        const Ran ran = run_to_end(Words{shell, "-c", for_any_shell(text)}, "input");
        EXPECT_EQ(ran.output, nasty + "input");
        EXPECT_EQ(ran.errors, "");
        EXPECT_EQ(ran.exit, Exit{});
    }
}

TEST_P(LoginShell, lets_sh_take_a_shortcut) {
    const std::string shell = GetParam();
    if (run_to_end(Words{"/bin/sh", "-c", "command -v " + shell}).exit.code != 0)
        GTEST_SKIP() << shell << " is not installed";
    Shortcut first = {.script = R"(case $1 in y*) printf "\076%s" "$2$3"; exit ;; esac; )",
                      .words = {"", "a b\"$HOME#`~", std::string(longest_word, '*')}};
    for (const std::string taken : {"yes", "no"}) {
        first.words[0] = taken;
        const Ran ran = run_to_end(Words{shell, "-c", for_any_shell("printf %s \\'!", first)});
        EXPECT_EQ(ran.output, taken == "yes" ? ">" + first.words[1] + first.words[2] : "'!");
        EXPECT_EQ(ran.errors, "");
    }
}

INSTANTIATE_TEST_SUITE_P(OfAnyKind, LoginShell,
                         testing::Values("sh", "bash", "dash", "zsh", "ksh", "csh", "tcsh", "fish"),
                         [](const auto &info) { return std::string(info.param); });

TEST(SshWords, hold_options_and_one_host) {
    for (const char *value : {"me@host", "-p 2222 me@host", "-p2222 -4A -i '/my key' me@host",
                              "-o Port=22 me@host -v", "-Ap 22 me@host"})
        EXPECT_EQ(read_ssh(value).host, "me@host") << value;
    EXPECT_EQ(read_ssh("-i '/my key' host").words, (Words{"-i", "/my key", "host"}));
}

TEST(SshWords, leave_the_stream_alone) {
    for (const char *value : {"", "-p 22", "host ls", "-N host", "-vf host", "-t host",
                              "host -W a:1", "host -p", "'open"})
        EXPECT_THROW((void)read_ssh(value), Error) << value;
}

} // namespace
} // namespace elsewhere::transport
