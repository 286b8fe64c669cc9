#include "cli/probe.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>

#include "cli/signals.hpp"
#include "core/base/error.hpp"
#include "core/base/fd.hpp"

namespace elsewhere::cli {
namespace {

namespace fs = std::filesystem;

#if defined(__x86_64__)
constexpr const char *platform = "x86_64-linux-gnu";
#elif defined(__aarch64__)
constexpr const char *platform = "aarch64-linux-gnu";
#endif

constexpr const char *question = "import _imp, sys; sys.stdout.write(_imp.extension_suffixes()[0])";

bool is_binary(const fs::path &file) {
    std::array<char, 4> start = {};
    std::ifstream(file, std::ios::binary).read(start.data(), start.size());
    return std::memcmp(start.data(),
                       "\x7f"
                       "ELF",
                       start.size()) == 0;
}

std::optional<std::string> tag_by_name(const std::string &executable) {
    std::error_code none;
    const fs::path real = fs::canonical(executable, none);
    static const std::regex plain("python3\\.([0-9]+)");
    std::smatch match;
    const std::string name = real.filename();
    if (none || !std::regex_match(name, match, plain) || !is_binary(real)) return std::nullopt;
    return "cpython-3" + match[1].str() + "-" + platform;
}

// What it prints on stdout, if it ends well.
std::optional<std::string> output_of(Words command) {
    std::array<int, 2> ends = {};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0)
        throw Error(ErrorKind::internal, std::string("no pipe: ") + std::strerror(errno));
    const Fd out(ends[0]);
    Fd in(ends[1]);

    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, in.get(), STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &original_mask());

    std::vector<char *> argv;
    for (std::string &word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_t child = 0;
    const int failed = ::posix_spawn(&child, argv[0], &files, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (failed != 0) return std::nullopt;

    in.reset();
    std::string text;
    std::array<char, 256> buffer;
    for (;;) {
        const ssize_t n = ::read(out.get(), buffer.data(), buffer.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        text.append(buffer.data(), static_cast<std::size_t>(n));
    }
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status == 0 ? std::optional(text) : std::nullopt;
}

} // namespace

std::optional<std::string> python_tag(const Words &command) {
    if (auto tag = tag_by_name(command.front())) return tag;
    Words probe = command;
    probe.insert(probe.end(), {"-c", question});
    const auto suffix = output_of(probe); // ".cpython-312-x86_64-linux-gnu.so"
    static const std::regex form("\\.([A-Za-z0-9_.-]+)\\.so");
    std::smatch match;
    if (!suffix || !std::regex_match(*suffix, match, form)) return std::nullopt;
    return match[1].str();
}

} // namespace elsewhere::cli
