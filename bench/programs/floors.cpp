// What the kernel itself needs for what a channel does: no encoding, no Python. Prints JSON.
// Seconds for round trips, messages per second for what goes one way.
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr std::size_t block = 256 << 10;

struct Ends {
    int in, out;
};

double now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

[[noreturn]] void fail(const char *what) {
    std::perror(what);
    std::_Exit(1);
}

Ends pipe_ends() {
    int fds[2];
    if (pipe(fds) != 0) fail("pipe");
    return {fds[0], fds[1]};
}

Ends socket_ends() {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) fail("socketpair");
    return {fds[0], fds[1]};
}

void write_all(int fd, const char *data, std::size_t size) {
    while (size > 0) {
        const ssize_t n = write(fd, data, size);
        if (n <= 0) fail("write");
        data += n;
        size -= static_cast<std::size_t>(n);
    }
}

// A process that hands on what comes: to where it came from an echo, to somewhere else a relay.
pid_t copying(int in, int out) {
    const pid_t child = fork();
    if (child < 0) fail("fork");
    if (child > 0) return child;
    std::vector<char> buffer(block);
    for (ssize_t n; (n = read(in, buffer.data(), buffer.size())) > 0;)
        write_all(out, buffer.data(), static_cast<std::size_t>(n));
    std::_Exit(0);
}

void end(std::vector<pid_t> children) {
    for (const pid_t child : children) kill(child, SIGKILL);
    for (const pid_t child : children) waitpid(child, nullptr, 0);
}

// The median, over `hops` relays and back.
double round_trip(int hops) {
    std::vector<pid_t> children;
    const Ends there = pipe_ends();
    Ends at = there, back = pipe_ends();
    for (int i = 0; i < hops; ++i) {
        const Ends next = pipe_ends();
        children.push_back(copying(at.in, next.out));
        at = next;
    }
    children.push_back(copying(at.in, back.out));
    for (int i = 0; i < hops; ++i) {
        const Ends next = pipe_ends();
        children.push_back(copying(back.in, next.out));
        back = next;
    }
    std::vector<double> times;
    for (int i = 0; i < 3000; ++i) {
        char byte = 7;
        const double began = now();
        write_all(there.out, &byte, 1);
        if (read(back.in, &byte, 1) != 1) fail("read");
        times.push_back(now() - began);
    }
    end(children);
    std::nth_element(times.begin(), times.begin() + 1500, times.end());
    return times[1500];
}

// Messages per second to a process that reads and drops them, over `hops` relays; a write each.
double rate(Ends (*make)(), std::size_t size, std::size_t count, int hops) {
    std::vector<pid_t> children;
    const Ends first = make(), done = make();
    Ends at = first;
    for (int i = 0; i < hops; ++i) {
        const Ends next = make();
        children.push_back(copying(at.in, next.out));
        at = next;
    }
    const pid_t child = fork();
    if (child < 0) fail("fork");
    if (child == 0) {
        std::vector<char> buffer(block);
        for (std::size_t left = size * count; left > 0;) {
            const ssize_t n = read(at.in, buffer.data(), buffer.size());
            if (n <= 0) fail("read");
            left -= static_cast<std::size_t>(n);
        }
        write_all(done.out, "", 1);
        std::_Exit(0);
    }
    children.push_back(child);
    const std::vector<char> message(size, 'x');
    char byte = 0;
    const double began = now();
    for (std::size_t i = 0; i < count; ++i) write_all(first.out, message.data(), size);
    if (read(done.in, &byte, 1) != 1) fail("read");
    const double took = now() - began;
    end(children);
    return static_cast<double>(count) / took;
}

} // namespace

int main() {
    const double near = round_trip(0);
    std::printf("{\"round trip\": %.9f, \"hop\": %.9f, ", near, round_trip(1) - near);
    std::printf("\"ints\": %.0f, ", rate(pipe_ends, 8, 200'000, 0));
    std::printf("\"1 KiB\": %.0f, ", rate(socket_ends, 1 << 10, 200'000, 0));
    std::printf("\"64 KiB\": %.0f, ", rate(socket_ends, 64 << 10, 20'000, 0));
    std::printf("\"16 MiB\": %.2f, ", rate(socket_ends, 16 << 20, 60, 0));
    std::printf("\"relayed 64 KiB\": %.0f}\n", rate(socket_ends, 64 << 10, 20'000, 1));
    return 0;
}
