#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/duration.hpp"
#include "cli/options.hpp"
#include "cli/resume.hpp"
#include "cli/run.hpp"

namespace elsewhere::cli {
namespace {

namespace fs = std::filesystem;
using snapshot::Target;

void check_script(const std::string &script) {
    if (::access(script.c_str(), R_OK) == 0) return;
    const std::string why = "cannot read " + script + ": " + std::strerror(errno);
    if (errno == EACCES) throw Error(ErrorKind::untrusted, why, "make it readable");
    throw Error(ErrorKind::missing, why, "check the name of the script");
}

// As `python -` does, the whole program is read before it begins: it finds its input at the end,
// in its first life and in every later one that gets the program again.
std::string program_from_input() {
    std::string program;
    std::array<char, 65536> piece = {};
    for (;;) {
        const ssize_t count = ::read(STDIN_FILENO, piece.data(), piece.size());
        if (count == 0) return program;
        if (count > 0)
            program.append(piece.data(), static_cast<std::size_t>(count));
        else if (errno != EINTR)
            throw Error(ErrorKind::missing,
                        std::string("cannot read the program from standard input: ") +
                            std::strerror(errno),
                        "redirect it from a file, or name a script");
    }
}

// Better now than when the program has to leave.
void check_directory_of(const std::string &file) {
    const fs::path directory = fs::path(file).parent_path();
    if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
        throw Error(ErrorKind::unwritable,
                    "cannot write snapshots to " + directory.string() + ": " + std::strerror(errno),
                    "name a file in a directory that exists and that you may write to");
}

std::string words_of(Target target, const std::string &program, const Words &arguments) {
    if (target == Target::none) return "an interactive session";
    std::string text = target == Target::module ? "-m " : target == Target::command ? "-c " : "";
    if (target != Target::input) text += program;
    for (const std::string &argument : arguments) text += " " + argument;
    return target == Target::input ? text + " < a program" : text;
}

bool same_program(const snapshot::Header &header, const Instructions &asked) {
    if (header.target != asked.target) return false;
    if (header.program == asked.program) return true;
    std::error_code none; // a file that is gone equals nothing but its own name
    return asked.target == Target::script && (fs::path(header.program).lexically_normal() ==
                                                  fs::absolute(asked.program).lexically_normal() ||
                                              fs::equivalent(header.program, asked.program, none));
}

void refuse_if_other(const snapshot::Header &header, const Instructions &asked) {
    const bool other_program = !same_program(header, asked);
    if (!other_program && header.arguments == asked.arguments) return;
    throw Error(ErrorKind::usage,
                asked.snapshot + " is a snapshot of " +
                    (other_program ? "another program" : "this program with other arguments") +
                    ": `" + words_of(header.target, header.program, header.arguments) + "`, not `" +
                    words_of(asked.target, asked.program, asked.arguments) + "`",
                "name another snapshot, or start anew with --fresh");
}

} // namespace

int run(const Words &words) { return run_program(words, false); }

int run_program(const Words &words, bool check_at_end) {
    std::string python;
    bool fresh = false;
    Instructions asked;
    asked.target = Target::none;
    asked.check_at_end = check_at_end;
    const auto wrong_grace = [](const std::string &value) {
        return Error(ErrorKind::usage, "not a time: " + value, "write --grace 10s, 500ms or 2m");
    };
    const auto no_name = [] {
        return Error(ErrorKind::usage, "the name of the snapshot is empty", "name a file");
    };
    const auto program_is = [&](Target target) {
        return [&asked, target](const std::string &value) {
            asked.target = target;
            asked.program = value;
        };
    };
    const Options options(
        "run", "[options] SCRIPT|FOLDER|ZIP|-m MOD|-c CODE|- [ARGS…]",
        "Runs a Python program; - is one from standard input, a terminal is a session. SIGUSR1 "
        "writes a snapshot, SIGTERM\n"
        "writes one and ends the program with exit code 75. The same command line with --snapshot\n"
        "FILE goes on from FILE.",
        {{.name = "snapshot",
          .value = "FILE",
          .help = "where snapshots go, and what to go on from if it is there",
          .apply =
              [&](const std::string &value) {
                  if (value.empty()) throw no_name();
                  asked.snapshot = fs::absolute(value);
              }},
         {.name = "fresh",
          .help = "start anew although FILE is there",
          .apply = [&](const std::string &) { fresh = true; }},
         python_option(python),
         {.name = "grace",
          .value = "TIME",
          .help = "how long a suspend may wait for a good moment (10s)",
          .apply =
              [&](const std::string &value) {
                  const auto seconds = parse_duration(value);
                  if (!seconds) throw wrong_grace(value);
                  asked.grace = *seconds;
              }},
         {.letter = 'i',
          .help = "an interactive session follows the program",
          .apply = [&](const std::string &) { asked.interactive = true; }},
         {.letter = 'm',
          .value = "MOD",
          .help = "run a module; all that follows are its arguments",
          .apply = program_is(Target::module),
          .last = true},
         {.letter = 'c',
          .value = "CODE",
          .help = "run this code; all that follows are its arguments",
          .apply = program_is(Target::command),
          .last = true}});
    auto rest = options.parse(words);
    if (!rest) return 0;
    if (asked.target == Target::none) {
        const bool bare = rest->empty();
        if (bare) rest->emplace_back(); // sys.argv is [''] then, and ['-'] after a dash
        const bool session = asked.interactive || ::isatty(STDIN_FILENO) != 0;
        if (session && (bare || rest->front() == "-")) {
            asked.interactive = true; // and the target is none
        } else if (bare || rest->front() == "-") {
            program_is(Target::input)(program_from_input());
        } else {
            program_is(Target::script)(rest->front());
            rest->erase(rest->begin());
            check_script(asked.program);
        }
    }
    asked.arguments = std::move(*rest);

    if (!asked.snapshot.empty()) {
        check_directory_of(asked.snapshot);
        if (!fresh && fs::exists(asked.snapshot)) {
            const auto header = snapshot::read_header(asked.snapshot);
            refuse_if_other(header, asked);
            asked.file = asked.snapshot;
            resume_from(header, python, asked);
        }
    }
    asked.hash_seed = pinned_hash_seed();
    const Package package = Package::locate();
    launch(find_interpreter(python, package), package, asked);
}

} // namespace elsewhere::cli
