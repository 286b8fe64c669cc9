#include "core/transport/stream.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace elsewhere::transport {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t longest_start = 16 * 1024;
constexpr std::size_t longest_end = 48 * 1024;

void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n > 0)
            text.remove_prefix(static_cast<std::size_t>(n));
        else if (errno == EAGAIN) {
            pollfd writable = {fd, POLLOUT, 0};
            ::poll(&writable, 1, -1);
        } else if (errno != EINTR)
            return; // nobody is left to be told
    }
}

} // namespace

void ErrorOutput::keep(std::string_view piece) {
    const std::size_t first = std::min(piece.size(), longest_start - start_.size());
    start_ += piece.substr(0, first);
    end_ += piece.substr(first);
    if (end_.size() > longest_end) {
        end_.erase(0, end_.size() - longest_end);
        cut_ = true;
    }
}

void ErrorOutput::take() {
    std::array<char, 8192> buffer;
    while (pipe_) {
        const ssize_t n = ::read(pipe_.get(), buffer.data(), buffer.size());
        if (n > 0) {
            const std::string_view piece(buffer.data(), static_cast<std::size_t>(n));
            if (onward_ >= 0)
                write_all(onward_, piece);
            else
                keep(piece);
        } else if (n == 0 || errno != EINTR) {
            if (n == 0 || errno != EAGAIN) pipe_.reset();
            return;
        }
    }
}

std::string ErrorOutput::text() const { return start_ + (cut_ ? "\n[…]\n" : "") + end_; }

void ErrorOutput::pass_on(int fd) {
    onward_ = fd;
    write_all(fd, text());
    start_.clear();
    end_.clear();
    cut_ = false;
    take();
}

Stream::Stream(Child child, Keyboard keyboard)
    : in_(std::move(child.output)), out_(std::move(child.input)), pidfd_(std::move(child.pidfd)),
      errors_(std::move(child.errors)), pid_(child.pid), owner_(::getpid()),
      own_group_(keyboard != Keyboard::prompts) {}

Stream::Stream(Carried carried)
    : in_(std::move(carried.in)), out_(std::move(carried.out)), pidfd_(std::move(carried.status)),
      errors_(std::move(carried.errors)), pid_(0), owner_(::getpid()), own_group_(false) {}

Stream::Stream(Stream &&other) noexcept
    : in_(std::move(other.in_)), out_(std::move(other.out_)), pidfd_(std::move(other.pidfd_)),
      errors_(std::move(other.errors_)), pid_(std::exchange(other.pid_, -1)), owner_(other.owner_),
      own_group_(other.own_group_), exit_(other.exit_) {}

Stream::~Stream() {
    if (pid_ > 0 && owner_ == ::getpid()) end(0ms);
}

bool Stream::reap() {
    if (exit_) return true;
    if (pid_ == 0) {
        std::array<std::int32_t, 2> told = {};
        const ssize_t size = ::read(pidfd_.get(), told.data(), sizeof told);
        if (size < 0 && (errno == EAGAIN || errno == EINTR)) return false;
        exit_ =
            size == sizeof told ? Exit{.code = told[0], .signal = told[1]} : Exit{.known = false};
        return true;
    }
    int status = 0;
    const pid_t found = ::waitpid(pid_, &status, WNOHANG);
    if (found == 0 || (found < 0 && errno == EINTR)) return false;
    if (found < 0)
        exit_ = Exit{.known = false};
    else if (WIFSIGNALED(status))
        exit_ = Exit{.signal = WTERMSIG(status)};
    else
        exit_ = Exit{.code = WEXITSTATUS(status)};
    return true;
}

std::optional<Exit> Stream::wait(Time timeout) {
    const auto deadline = Clock::now() + timeout;
    while (!reap()) {
        errors_.take();
        const auto left = std::chrono::ceil<Time>(deadline - Clock::now());
        if (left <= 0ms) return std::nullopt;
        // Without a pidfd the child is looked at again and again.
        const Time slice = pidfd_ ? left : std::min(left, Time(5));
        std::array<pollfd, 2> watched = {{{pidfd_.get(), POLLIN, 0}, {errors_.fd(), POLLIN, 0}}};
        ::poll(watched.data(), watched.size(),
               static_cast<int>(std::min(slice, Time(1000)).count()));
    }
    // Not up to the end of the pipe: an ssh that stays for later connections holds it open.
    errors_.take();
    return exit_;
}

void Stream::signal(int number) const noexcept {
    // Not reaped yet, so the number is still the child's.
    if (!exit_ && pid_ > 0) ::kill(own_group_ && number == SIGKILL ? -pid_ : pid_, number);
}

Exit Stream::end(Time timeout) {
    out_.reset();
    in_.reset();
    if (const auto exit = wait(timeout)) return *exit;
    if (pid_ == 0) {
        exit_ = Exit{.known = false};
        return *exit_;
    }
    signal(SIGTERM);
    if (const auto exit = wait(std::clamp<Time>(timeout, 100ms, 500ms))) return *exit;
    signal(SIGKILL);
    if (const auto exit = wait(2000ms)) return *exit;
    exit_ = Exit{.known = false}; // in an uninterruptible system call
    return *exit_;
}

} // namespace elsewhere::transport
