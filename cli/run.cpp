#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/duration.hpp"
#include "cli/options.hpp"
#include "cli/resume.hpp"

namespace elsewhere::cli {
namespace {

namespace fs = std::filesystem;
using snapshot::Target;

void check_script(const std::string &script) {
    if (script == "-")
        throw Error(ErrorKind::usage, "a program from standard input cannot be suspended",
                    "save it to a file, or use -c");
    if (::access(script.c_str(), R_OK) == 0) return;
    const std::string why = "cannot read " + script + ": " + std::strerror(errno);
    if (errno == EACCES) throw Error(ErrorKind::untrusted, why, "make it readable");
    throw Error(ErrorKind::missing, why, "check the name of the script");
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
    std::string text = target == Target::module ? "-m " : target == Target::command ? "-c " : "";
    text += program;
    for (const std::string &argument : arguments) text += " " + argument;
    return text;
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

int run(const Words &words) {
    std::string python;
    bool fresh = false;
    Instructions asked;
    asked.target = Target::none;
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
        "run", "[options] SCRIPT|-m MOD|-c CODE [ARGS…]",
        "Runs a Python program. SIGUSR1 writes a snapshot, SIGTERM writes one and ends the "
        "program\n"
        "with exit code 75. The same command line with --snapshot FILE goes on from FILE.",
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
        if (rest->empty()) throw options.wrong("no program given");
        program_is(Target::script)(rest->front());
        rest->erase(rest->begin());
        check_script(asked.program);
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
    asked.hash_seed = random_hash_seed();
    const Package package = Package::locate();
    launch(find_interpreter(python, package), package, asked);
}

} // namespace elsewhere::cli
