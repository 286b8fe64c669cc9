#include "core/transport/zygote.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <thread>

#include "core/base/error.hpp"
#include "core/transport/fork_request.hpp"

namespace elsewhere::transport {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t marker_size = 21; // a sign is the last but four of it
constexpr std::size_t longest_answer = 1U << 20;

// A shell, for one, has the folder in a variable.
bool is_script(const std::string &path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::array<char, 2> start{};
    return file && ::read(file.get(), start.data(), start.size()) == 2 && start[0] == '#' &&
           start[1] == '!';
}

timeval as_timeval(Zygote::Time time) {
    return {.tv_sec = time.count() / 1000, .tv_usec = time.count() % 1000 * 1000};
}

} // namespace

std::shared_ptr<Zygote> Zygote::begin(ZygoteRecipe recipe, Time delay) {
    auto zygote = std::make_shared<Zygote>();
    zygote->recipe_ = std::move(recipe);
    zygote->hurry_ = delay.count() == 0;
    zygote->wake_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    // Detached: it outlives nothing but itself, and a forked copy of this process has no thread
    // that it could join.
    std::thread([zygote, delay] { zygote->live(delay); }).detach();
    return zygote;
}

void Zygote::live(Time delay) {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, delay, [this] { return hurry_ || state_ != State::starting; });
        if (state_ != State::starting) return;
        if (users_ == 0 && !held_ && !hurry_) state_ = State::over;
        if (state_ == State::over) return;
        started_ = true;
    }
    try {
        start();
        attend();
    } catch (const Error &error) {
        end(State::refusing, error.what());
    } catch (const std::exception &error) { // no memory
        end(State::over, error.what());
    }
    if (pid_ > 0) {
        // Not reaped yet, so the number is still its own.
        ::kill(pid_, SIGKILL);
        while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    // Whoever keeps this to know why does not keep descriptors.
    const std::scoped_lock lock(mutex_);
    for (Fd *fd : {&socket_, &pidfd_, &wake_}) fd->reset();
}

Zygote::File Zygote::look_at(const std::string &path) {
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) return {.path = path};
    return {
        path, true, status.st_dev, status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

// Its thread alone, which no one else's fork request meets before the state is ready.
void Zygote::start() {
    std::array<int, 2> ends = {};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw Error(ErrorKind::internal, "there are no file descriptors left");
    socket_ = Fd(ends[0]);
    Fd theirs(::fcntl(ends[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    ::close(ends[1]);
    Pipe errors;
    if (is_script(recipe_.argv.front())) folder_ = look_at(".");
    const auto inherited = inheritance();
    if (!inherited) throw Error(ErrorKind::unsupported, "this system does not tell the umask");
    inherited_ = *inherited;

    std::vector<char *> environment;
    for (std::size_t at = 0; at < recipe_.environment.size();
         at = recipe_.environment.find('\0', at) + 1)
        environment.push_back(recipe_.environment.data() + at);
    environment.push_back(nullptr);
    pid_ = transport::start(recipe_.argv, Keyboard::none, {theirs, theirs, errors.to},
                            environment.data());
    theirs.reset();
    errors.to.reset();
    pidfd_ = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (!pidfd_) throw Error(ErrorKind::unsupported, "this system has no pidfd_open");
    if (!boot(errors.from)) throw Error(ErrorKind::unsupported, "it did not boot");
}

bool Zygote::boot(Fd &errors) {
    const auto deadline = Clock::now() + patience;
    ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
    for (std::size_t at = 0; at < recipe_.boot.size();) {
        const ssize_t n =
            ::send(socket_.get(), recipe_.boot.data() + at, recipe_.boot.size() - at, MSG_NOSIGNAL);
        if (n > 0) {
            at += static_cast<std::size_t>(n);
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) return false;
        pollfd room{socket_.get(), POLLOUT, 0};
        if (Clock::now() > deadline) return false;
        ::poll(&room, 1, 1000);
    }
    recipe_.boot.clear();
    recipe_.boot.shrink_to_fit();
    std::array<char, marker_size> marker{};
    std::array<std::uint32_t, 2> head{}; // its sign, the size of the rest
    if (!read(marker.data(), marker.size(), deadline) || marker[marker_size - 5] != '+' ||
        !read(head.data(), sizeof head, deadline) || head[1] > longest_answer)
        return false;
    std::string text(head[1], '\0');
    if (!read(text.data(), text.size(), deadline)) return false;
    pollfd said{errors.get(), POLLIN, 0};
    if (head[0] != 'p' && head[0] != 'c')
        throw Error(ErrorKind::unsupported, text.empty() ? "it refuses" : text);
    if (::poll(&said, 1, 0) > 0 && (said.revents & POLLIN) != 0)
        throw Error(ErrorKind::unsupported, "it says something on stderr as it starts");
    knows_environment_ = head[0] == 'c' || folder_;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\0', at), text.size());
        files_.push_back(look_at(text.substr(at, end - at)));
        at = end + 1;
    }
    ::fcntl(socket_.get(), F_SETFL, 0);
    const timeval limit = as_timeval(quick);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    const std::scoped_lock lock(mutex_);
    if (state_ == State::starting) state_ = State::ready;
    changed_.notify_all();
    return true;
}

bool Zygote::read(void *to, std::size_t size, Clock::time_point deadline) {
    auto *at = static_cast<char *>(to);
    while (size > 0) {
        const ssize_t n = ::recv(socket_.get(), at, size, 0);
        if (n > 0) {
            at += n;
            size -= static_cast<std::size_t>(n);
            continue;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR) || Clock::now() > deadline) return false;
        pollfd more{socket_.get(), POLLIN, 0};
        ::poll(&more, 1, 1000);
    }
    return true;
}

// Until it ends, or is to end.
void Zygote::attend() {
    auto since = Clock::now();
    for (;;) {
        bool waits = false;
        {
            const std::scoped_lock lock(mutex_);
            if (state_ == State::over) return;
            waits = users_ == 0 && !held_;
        }
        if (!waits) since = Clock::now();
        const auto left = std::chrono::ceil<Time>(since + idle - Clock::now());
        if (left.count() <= 0) {
            const std::scoped_lock lock(mutex_);
            if (users_ > 0 || held_) continue;
            state_ = State::over;
            changed_.notify_all();
            return;
        }
        std::array<pollfd, 2> watched = {{{pidfd_.get(), POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
        ::poll(watched.data(), watched.size(), waits ? static_cast<int>(left.count()) : -1);
        if (watched[0].revents != 0) return end(State::over, "it has ended");
        std::uint64_t count = 0;
        if (watched[1].revents != 0 && ::read(wake_.get(), &count, sizeof count) > 0)
            since = Clock::now();
    }
}

void Zygote::end(State state, std::string why) {
    const std::scoped_lock lock(mutex_);
    if (state_ == State::over || state_ == State::refusing) return;
    state_ = state;
    why_ = std::move(why);
    changed_.notify_all();
    const std::uint64_t one = 1;
    if (::write(wake_.get(), &one, sizeof one) < 0) {
    } // it cannot be full
}

bool Zygote::fits(const std::string &environment, std::uint64_t occasion) {
    if (environment != recipe_.environment &&
        (knows_environment_ || read_at_start(environment) != read_at_start(recipe_.environment)))
        return false;
    if (occasion != 0 && occasion == occasion_) return true;
    const auto now = inheritance();
    if (!now || now->rest != inherited_.rest) return false;
    for (const File &file : files_)
        if (look_at(file.path) != file) return false;
    if (folder_) {
        const File folder = look_at("."); // what is in it may change
        if (folder.device != folder_->device || folder.number != folder_->number) return false;
    }
    inherited_.mask = now->mask;
    occasion_ = occasion;
    return true;
}

std::optional<Child> Zygote::fork(const std::string &environment, std::uint64_t occasion) {
    // A folder that cannot be entered again can only be inherited.
    if (::faccessat(AT_FDCWD, ".", X_OK, AT_EACCESS) != 0) return std::nullopt;
    std::unique_lock lock(mutex_);
    if (state_ != State::ready) return std::nullopt;
    std::optional<pid_t> pid;
    Standard streams;
    if (fits(environment, occasion)) {
        ForkRequest request = {.input = std::move(streams.input.from),
                               .output = std::move(streams.output.to),
                               .errors = std::move(streams.errors.to),
                               .folder = Fd(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)),
                               .mask = inherited_.mask,
                               .environment = environment};
        if (send_request(socket_.get(), request)) pid = receive_answer(socket_.get());
    }
    if (!pid || *pid <= 0) {
        lock.unlock();
        end(State::over, "it is of no use any more");
        return std::nullopt;
    }
    used_ = true;
    lock.unlock();
    // As the child does: whoever is first. So it can be killed with all of its group at once.
    ::setpgid(*pid, *pid);
    return std::move(streams).child(*pid);
}

Zygote::State Zygote::settled(Time timeout) {
    std::unique_lock lock(mutex_);
    hurry_ = true;
    changed_.notify_all();
    changed_.wait_for(lock, timeout, [this] { return state_ != State::starting; });
    return state_;
}

void Zygote::hold() {
    const std::scoped_lock lock(mutex_);
    held_ = true;
}

std::shared_ptr<void> Zygote::user() {
    const std::scoped_lock lock(mutex_);
    ++users_;
    return {this, [self = shared_from_this()](void *) { self->leave(); }};
}

void Zygote::leave() {
    const std::scoped_lock lock(mutex_);
    --users_;
    const std::uint64_t one = 1;
    if (::write(wake_.get(), &one, sizeof one) < 0) {
    } // it cannot be full
}

Zygote::State Zygote::state() {
    const std::scoped_lock lock(mutex_);
    return state_;
}

bool Zygote::was_useless() {
    const std::scoped_lock lock(mutex_);
    return started_ && !used_;
}

std::string Zygote::why() {
    const std::scoped_lock lock(mutex_);
    return why_;
}

} // namespace elsewhere::transport
