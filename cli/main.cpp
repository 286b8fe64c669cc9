#include <array>
#include <cstdio>
#include <exception>
#include <string_view>

#include "cli/commands.hpp"
#include "cli/complain.hpp"
#include "cli/signals.hpp"
#include "core/base/error.hpp"

namespace elsewhere::cli {
namespace {

struct Command {
    std::string_view name;
    const char *summary;
    int (*call)(const Words &);
};

constexpr std::array<Command, 8> commands = {{
    {"run", "run a Python program so that it can be suspended", run},
    {"suspend", "write a running program to a file and end it", suspend},
    {"resume", "go on with a suspended program", resume},
    {"inspect", "show what is in a snapshot; executes nothing", inspect},
    {"check", "tell what of a program could not be kept", check},
    {"exec", "run a program where a spec says; stdio and exit code come back", exec},
    {"serve", "let others start Pythons here, by a token", serve},
    {"doctor", "go where a spec says and tell how far that works", doctor},
}};

void print_help() {
    std::puts("Run Python anywhere, and move it while it runs.\n\n"
              "usage: elsewhere COMMAND …\n\ncommands:");
    for (const Command &command : commands)
        std::printf("  %-10s %s\n", command.name.data(), command.summary);
    std::puts("\noptions:\n  --help     show this\n  --version  show the version\n\n"
              "`elsewhere COMMAND --help` tells more.");
}

int dispatch(const Words &words) {
    if (words.empty()) throw Error(ErrorKind::usage, "no command given", "see `elsewhere --help`");
    const std::string &name = words.front();
    if (name == "--help" || name == "-h") {
        print_help();
        return 0;
    }
    if (name == "--version") {
        std::puts("elsewhere " ELSEWHERE_VERSION);
        return 0;
    }
    for (const Command &command : commands)
        if (command.name == name) return command.call({words.begin() + 1, words.end()});
    throw Error(ErrorKind::usage, "there is no command `" + name + "`", "see `elsewhere --help`");
}

int guarded(const Words &words) {
    try {
        const int code = dispatch(words);
        if (std::fflush(stdout) != 0)
            throw Error(ErrorKind::io, "cannot write the output", "make room where it goes");
        return code;
    } catch (const Error &error) {
        complain(error.message(), error.hint());
        return exit_code(error.kind());
    } catch (const std::exception &error) {
        complain(error.what(), "please report this");
        return exit_code(ErrorKind::internal);
    }
}

} // namespace
} // namespace elsewhere::cli

int main(int count, char **words) {
    // First of all: a signal that comes before the program can handle it must wait, not kill.
    elsewhere::cli::hold_signals();
    return elsewhere::cli::guarded({words + (count > 0 ? 1 : 0), words + count});
}
