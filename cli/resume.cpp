#include "cli/resume.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/options.hpp"
#include "core/base/fd.hpp"

namespace elsewhere::cli {
namespace {

// The process that holds the flock, from a line of /proc/locks such as
// "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"; 0 where the kernel does not tell.
int holder_of_lock(const struct stat &file) {
    std::array<char, 64> wanted = {};
    std::snprintf(wanted.data(), wanted.size(), "%02x:%02x:%lu", major(file.st_dev),
                  minor(file.st_dev), static_cast<unsigned long>(file.st_ino));
    std::ifstream locks("/proc/locks");
    for (std::string line; std::getline(locks, line);) {
        std::istringstream words(line);
        std::string number, kind, advice, access, place;
        int pid = 0;
        if (words >> number >> kind >> advice >> access >> pid >> place && kind == "FLOCK" &&
            place == wanted.data())
            return pid;
    }
    return 0;
}

void refuse_if_alive(const std::string &file) {
    const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat state = {};
    if (!fd || ::fstat(fd.get(), &state) != 0) return; // it was just read; the engine opens it too
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
    const int pid = holder_of_lock(state);
    throw Error(ErrorKind::usage,
                "the program of " + file + " is still running" +
                    (pid > 0 ? " as process " + std::to_string(pid) : ""),
                "wait for it, or start a second one with `elsewhere resume --clone`");
}

Interpreter fitting(const snapshot::Header &header, const std::string &python,
                    const Package &package) {
    if (python.empty()) {
        auto found = find_interpreter_by_tag(header.executable, header.python_tag, package);
        found.command.insert(found.command.end(), header.interpreter_arguments.begin(),
                             header.interpreter_arguments.end());
        return found;
    }
    auto named = find_interpreter(python, package);
    if (named.tag != header.python_tag)
        throw Error(ErrorKind::unsupported,
                    "the snapshot is of Python " + version_of(header.python_tag) + ", " +
                        named.command.front() + " is " + version_of(named.tag),
                    "name a Python " + version_of(header.python_tag) + " with --python");
    return named;
}

} // namespace

void resume_from(const snapshot::Header &header, const std::string &python,
                 Instructions instructions) {
    if (!instructions.clone) refuse_if_alive(instructions.file);
    const Package package = Package::locate();
    const Interpreter interpreter = fitting(header, python, package);
    instructions.mode = Mode::resume;
    instructions.target = header.target;
    instructions.program = header.program;
    instructions.arguments = header.arguments;
    instructions.hash_seed = header.hash_seed;
    launch(interpreter, package, instructions);
}

int resume(const Words &words) {
    std::string python;
    Instructions instructions;
    const Options options("resume", "[--clone] [--python PY] FILE",
                          "Goes on with a suspended program, in this process.",
                          {python_option(python),
                           {.name = "clone",
                            .help = "although the program already runs again from this file",
                            .apply = [&](const std::string &) { instructions.clone = true; }}});
    const auto file = options.parse_one(words, "snapshot");
    if (!file) return 0;
    const snapshot::Header header = snapshot::read_header(*file);
    instructions.file = std::filesystem::absolute(*file);
    resume_from(header, python, instructions);
}

} // namespace elsewhere::cli
