#include "core/transport/inheritance.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "core/base/fd.hpp"

namespace elsewhere::transport {
namespace {

std::string content(const char *path) {
    const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
    std::string text;
    std::array<char, 4096> buffer;
    ssize_t n = 0;
    while (file && (n = ::read(file.get(), buffer.data(), buffer.size())) > 0)
        text.append(buffer.data(), static_cast<std::size_t>(n));
    return text;
}

void add(std::string &to, const char *what, unsigned long value) {
    to += what + std::to_string(value) + "\n";
}

void add_file(std::string &to, const char *path) {
    struct stat status = {};
    if (::stat(path, &status) != 0) return;
    add(to, path, status.st_dev);
    add(to, " ", status.st_ino);
}

} // namespace

std::optional<Inheritance> inheritance() {
    // /proc/thread-self: a new process is the child of a thread, and threads may differ.
    const std::string status = content("/proc/thread-self/status");
    Inheritance found;
    bool has_mask = false;
    for (std::string_view rest = status; !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
        const std::string_view line = rest.substr(0, end + 1);
        rest.remove_prefix(end + 1);
        if (line.starts_with("Umask:")) {
            found.mask = static_cast<mode_t>(std::strtoul(line.data() + 6, nullptr, 8));
            has_mask = true;
        }
        constexpr std::array<std::string_view, 10> kept = {
            "Uid:",     "Gid:",      "Groups:",       "Cap",           "NoNewPrivs:",
            "Seccomp:", "Seccomp_f", "Cpus_allowed:", "Mems_allowed:", "NSsid:"};
        if (std::ranges::any_of(kept, [&](std::string_view key) { return line.starts_with(key); }))
            found.rest += line;
    }
    if (!has_mask) return std::nullopt; // before Linux 4.7
    for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
        rlimit limit = {};
        if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) continue;
        add(found.rest, "limit ", limit.rlim_cur);
        add(found.rest, " ", limit.rlim_max);
    }
    add(found.rest, "session ", static_cast<unsigned long>(::getsid(0)));
    add(found.rest, "nice ", static_cast<unsigned long>(::getpriority(PRIO_PROCESS, 0)));
    add(found.rest, "policy ", static_cast<unsigned long>(::sched_getscheduler(0)));
    add(found.rest, "personality ", static_cast<unsigned long>(::personality(0xffffffff)));
    struct sigaction hangup = {};
    ::sigaction(SIGHUP, nullptr, &hangup);
    add(found.rest, "hangup ", hangup.sa_handler == SIG_IGN ? 1 : 0);
    add_file(found.rest, "/");
    for (const char *space :
         {"cgroup", "ipc", "mnt", "net", "pid_for_children", "time_for_children", "user", "uts"})
        add_file(found.rest, (std::string("/proc/thread-self/ns/") + space).c_str());
    found.rest += content("/proc/thread-self/cgroup");
    found.rest += content("/proc/self/oom_score_adj");
    return found;
}

std::string read_at_start(const std::string &environment) {
    constexpr std::array<std::string_view, 11> prefixes = {
        "PYTHON", "LD_",     "LC_",     "LANG",  "GLIBC_",   "MALLOC_",
        "TZ",     "LOCPATH", "NLSPATH", "HOME=", "__PYVENV_"};
    std::vector<std::string_view> found;
    for (std::string_view rest = environment; !rest.empty();) {
        const std::string_view entry = rest.substr(0, rest.find('\0') + 1);
        rest.remove_prefix(entry.size());
        if (std::ranges::any_of(prefixes, [&](std::string_view p) { return entry.starts_with(p); }))
            found.push_back(entry);
    }
    std::ranges::sort(found);
    std::string text;
    for (const std::string_view entry : found) text += entry;
    return text;
}

} // namespace elsewhere::transport
