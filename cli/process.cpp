#include "cli/process.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "cli/launch.hpp"
#include "cli/signals.hpp"
#include "core/base/error.hpp"

namespace elsewhere::cli {
namespace {

std::string contents(const std::string &path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Variables as /proc/PID/environ has them: NAME=value, each with a zero behind.
std::optional<std::string> variable(const std::string &environment, const std::string &name) {
    std::istringstream entries(environment);
    for (std::string entry; std::getline(entries, entry, '\0');)
        if (entry.starts_with(name + "=")) return entry.substr(name.size() + 1);
    return std::nullopt;
}

// A mask in /proc/PID/status, such as "SigCgt:\t0000000000004002".
bool has_signal(const std::string &status, const std::string &mask, int number) {
    const auto at = status.find("\n" + mask + ":\t");
    if (at == std::string::npos) return false;
    const auto bits = std::strtoull(status.c_str() + at + mask.size() + 3, nullptr, 16);
    return (bits >> (number - 1) & 1) != 0;
}

} // namespace

Process::Process(const std::string &pid) {
    const char *end = pid.data() + pid.size();
    const auto [rest, wrong] = std::from_chars(pid.data(), end, pid_);
    if (wrong != std::errc() || rest != end || pid_ <= 0)
        throw Error(ErrorKind::usage, "not a process id: " + pid,
                    "name a running program by number");
    pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    struct stat owner = {};
    if (!pidfd_ || ::stat(file("").c_str(), &owner) != 0)
        throw Error(ErrorKind::missing, "there is no process " + pid, "see `ps`");
    if (owner.st_uid != ::geteuid())
        throw Error(ErrorKind::untrusted, "process " + pid + " belongs to another user",
                    "ask as the user that started it");
    environment_ = contents(file("environ"));
    if (!listens())
        throw Error(ErrorKind::usage, "process " + pid + " is not under `elsewhere run`",
                    "start the program with `elsewhere run`");
}

std::string Process::file(const char *name) const {
    return "/proc/" + std::to_string(pid_) + "/" + name;
}

bool Process::listens() const {
    const std::string status = contents(file("status"));
    const bool caught = has_signal(status, "SigCgt", control_signal());
    const bool held = has_signal(status, "SigBlk", control_signal());
    if (variable(environment_, instructions_variable)) return caught || held;
    // Not an interpreter yet: this very binary, about to become one with the signal held.
    std::error_code none;
    return held && std::filesystem::equivalent(file("exe"), "/proc/self/exe", none);
}

std::string Process::runtime_directory() const {
    const auto directory = variable(environment_, "XDG_RUNTIME_DIR");
    if (directory && directory->starts_with("/")) return *directory + "/elsewhere";
    return "/tmp/elsewhere-" + std::to_string(::geteuid());
}

void Process::signal(int number) const {
    if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0) != 0)
        throw Error(ErrorKind::missing,
                    "cannot signal process " + std::to_string(pid_) + ": " + std::strerror(errno),
                    "it may just have ended");
}

} // namespace elsewhere::cli
