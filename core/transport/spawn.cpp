#include "core/transport/spawn.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

#include "core/base/error.hpp"

namespace elsewhere::transport {
namespace {

// Pipes, not a socket pair: a round trip to a Python worker takes 9 µs instead of 16, and with this
// size they carry 3 GB/s (64 KiB, the default: 1.7). Larger ones soon meet the limit that Linux
// has for all pipes of a user (64 MiB), beyond which every new pipe gets one page.
constexpr int pipe_size = 256 * 1024;

[[noreturn]] void out_of(const char *what, int number) {
    throw Error(ErrorKind::internal, std::string("no ") + what + ": " + std::strerror(number),
                "close some files, or raise the limit (ulimit -n)");
}

// Above 2, so that no dup2 in the child overwrites an end that is still needed.
Fd lifted(int fd) {
    Fd low(fd);
    if (fd > STDERR_FILENO) return low;
    Fd high(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!high) out_of("file descriptor", errno);
    return high;
}

void set_nonblocking(const Fd &fd) { ::fcntl(fd.get(), F_SETFL, O_NONBLOCK); }

struct Attributes {
    explicit Attributes(Keyboard keyboard) {
        ::posix_spawnattr_init(&raw);
        short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
        sigset_t all, held;
        ::sigfillset(&all);
        struct sigaction hangup = {};
        if (::sigaction(SIGHUP, nullptr, &hangup) == 0 && hangup.sa_handler == SIG_IGN)
            ::sigdelset(&all, SIGHUP);
        ::posix_spawnattr_setsigdefault(&raw, &all);
        ::sigemptyset(&held);
        if (keyboard == Keyboard::prompts) {
            ::sigaddset(&held, SIGINT);
            ::sigaddset(&held, SIGQUIT);
        } else if (keyboard == Keyboard::absent) {
            flags |= POSIX_SPAWN_SETSID;
        } else {
            flags |= POSIX_SPAWN_SETPGROUP;
            ::posix_spawnattr_setpgroup(&raw, 0);
        }
        ::posix_spawnattr_setsigmask(&raw, &held);
        ::posix_spawnattr_setflags(&raw, flags);
    }
    ~Attributes() { ::posix_spawnattr_destroy(&raw); }
    Attributes(const Attributes &) = delete;
    Attributes &operator=(const Attributes &) = delete;
    posix_spawnattr_t raw;
};

struct Actions {
    Actions() { ::posix_spawn_file_actions_init(&raw); }
    ~Actions() { ::posix_spawn_file_actions_destroy(&raw); }
    Actions(const Actions &) = delete;
    Actions &operator=(const Actions &) = delete;
    void put(const Fd &fd, int number) {
        if (::posix_spawn_file_actions_adddup2(&raw, fd.get(), number) != 0)
            out_of("memory", ENOMEM);
    }
    // The program's own, which it has made inheritable for children of its own.
    void close_others() {
        const std::unique_ptr<DIR, int (*)(DIR *)> list(::opendir("/proc/self/fd"), ::closedir);
        while (const dirent *entry = list ? ::readdir(list.get()) : nullptr) {
            const int number = std::atoi(entry->d_name); // 0 for "." and ".."
            const int flags = number > STDERR_FILENO ? ::fcntl(number, F_GETFD) : -1;
            if (flags >= 0 && (flags & FD_CLOEXEC) == 0)
                ::posix_spawn_file_actions_addclose(&raw, number);
        }
    }
    posix_spawn_file_actions_t raw;
};

struct Package {
    std::string_view command, package;
};
constexpr std::array<Package, 8> packages = {{{"ssh", "openssh-client"},
                                              {"sudo", "sudo"},
                                              {"bwrap", "bubblewrap"},
                                              {"nsenter", "util-linux"},
                                              {"docker", "docker-cli"},
                                              {"podman", "podman"},
                                              {"kubectl", "kubernetes-client"},
                                              {"lxc", "lxc or incus-client"}}};

std::string hint_for(const std::string &command) {
    for (const Package &each : packages)
        if (each.command == command)
            return "install " + command + " (Debian: " + std::string(each.package) + ")";
    return command.find("python") != std::string::npos ? "name another Python with //python="
                                                       : "is it spelled right, and on PATH?";
}

} // namespace

Pipe::Pipe() {
    std::array<int, 2> ends = {};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) out_of("pipe", errno);
    Fd second(ends[1]);
    from = lifted(ends[0]);
    to = lifted(second.release());
}

Standard::Standard() {
    ::fcntl(input.to.get(), F_SETPIPE_SZ, pipe_size);
    ::fcntl(output.to.get(), F_SETPIPE_SZ, pipe_size);
}

Child Standard::child(pid_t pid) && {
    Child child;
    child.pid = pid;
    child.pidfd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    child.input = std::move(input.to);
    child.output = std::move(output.from);
    child.errors = std::move(errors.from);
    for (const Fd *fd : {&child.input, &child.output, &child.errors}) set_nonblocking(*fd);
    return child;
}

pid_t start(Words argv, Keyboard keyboard, const Ends &ends, char *const *environment) {
    Actions actions;
    actions.put(ends.input, STDIN_FILENO);
    actions.put(ends.output, STDOUT_FILENO);
    actions.put(ends.errors, STDERR_FILENO);
    actions.close_others();
    const Attributes attributes(keyboard);
    std::vector<char *> words;
    for (std::string &word : argv) words.push_back(word.data());
    words.push_back(nullptr);

    pid_t pid = -1;
    const int failed =
        ::posix_spawnp(&pid, words[0], &actions.raw, &attributes.raw, words.data(), environment);
    if (failed == EAGAIN || failed == ENOMEM) out_of("process", failed);
    if (failed != 0)
        throw Error(ErrorKind::unsupported,
                    "cannot start " + argv.front() + ": " + std::strerror(failed),
                    hint_for(argv.front()));
    return pid;
}

Child spawn(Words argv, Keyboard keyboard) {
    Standard streams;
    const Ends ends = {streams.input.from, streams.output.to, streams.errors.to};
    const pid_t pid = start(std::move(argv), keyboard, ends, environ);
    return std::move(streams).child(pid);
}

} // namespace elsewhere::transport
