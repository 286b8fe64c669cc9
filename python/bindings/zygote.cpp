// _elsewhere.serve_forks: the zygote's end of spec/zygote.md, where worker/zygote.py has loaded
// this module.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/transport/fork_request.hpp"
#include "python/bindings/entry.hpp"

namespace elsewhere::bindings {

namespace {

using transport::ForkRequest;

// Where glibc keeps the id of this thread, the only one: where its fork() has the kernel write that
// of the new process. (What the kernel clears at this thread's own end is another place
// since 2.43.) nullptr: the kernel or the libc does not tell.
int *place_of_thread_id() {
    std::array<int, 2> ends = {};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return nullptr;
    const Fd from(ends[0]);
    Fd to(ends[1]);
    const pid_t pid = ::fork();
    int *place = nullptr;
    if (pid == 0) {
        if (::prctl(PR_GET_TID_ADDRESS, &place) == 0)
            (void)!::write(to.get(), &place, sizeof place);
        ::_exit(0);
    }
    to.reset();
    if (::read(from.get(), &place, sizeof place) != sizeof place) place = nullptr;
    while (pid > 0 && ::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return place != nullptr && *place == ::getpid() ? place : nullptr;
}

// What glibc does in fork() of a process with one thread, but for the parent: the new process is
// a child of ours, a sibling of this one, which is to be waited for by the controller like any
// other worker.
class Sibling {
  public:
    // Throws Error{unsupported} where the kernel does not tell what is needed.
    Sibling() : tid_(place_of_thread_id()) {
        if (tid_ == nullptr || ::syscall(SYS_get_robust_list, 0, &robust_, &robust_size_) != 0)
            throw Error(ErrorKind::unsupported, "this system cannot fork a sibling");
    }
    // As fork(): its pid, -1, or 0 in the new process.
    pid_t fork() const {
        sigset_t all, before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, &before);
        const long pid = ::syscall(
            SYS_clone, CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, nullptr,
#if defined(__x86_64__)
            nullptr, tid_, nullptr
#else
            nullptr, nullptr, tid_
#endif
        );
        const int error = errno;
        if (pid == 0) ::syscall(SYS_set_robust_list, robust_, robust_size_);
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        errno = error;
        return static_cast<pid_t>(pid);
    }

  private:
    int *tid_;
    void *robust_ = nullptr;
    std::size_t robust_size_ = 0;
};

void move_to(const Fd &fd, int number) {
    if (::dup2(fd.get(), number) < 0) ::_exit(1);
}

// The environment block stays, as that of a fresh process does.
void set_environment(const std::string &block) {
    auto *kept = new std::string(block);      // NOLINT(cppcoreguidelines-owning-memory)
    auto *pointers = new std::vector<char *>; // NOLINT(cppcoreguidelines-owning-memory)
    for (std::size_t at = 0; at < kept->size(); at = kept->find('\0', at) + 1)
        pointers->push_back(kept->data() + at);
    pointers->push_back(nullptr);
    environ = pointers->data();
}

void become_worker(const ForkRequest &request, std::string_view given) {
    ::setpgid(0, 0);
    move_to(request.input, STDIN_FILENO);
    move_to(request.output, STDOUT_FILENO);
    move_to(request.errors, STDERR_FILENO);
    if (::fchdir(request.folder.get()) != 0) ::_exit(1);
    ::umask(request.mask);
    if (request.environment != given) set_environment(request.environment);
}

// The next request; nothing once the controller is gone or wants no more.
std::optional<ForkRequest> next_request(const Fd &control, const Fd &controller) {
    for (;;) {
        // Its pidfd, because a copy that it has forked holds the socket open.
        std::array<pollfd, 2> watched = {
            {{control.get(), POLLIN, 0}, {controller.get(), POLLIN, 0}}};
        if (::poll(watched.data(), watched.size(), -1) < 0) {
            if (PyErr_CheckSignals() < 0) return std::nullopt;
            continue;
        }
        if (watched[1].revents != 0) return std::nullopt;
        if (watched[0].revents != 0) return transport::receive_request(control.get());
    }
}

void send_report(const Fd &control, int sign, const char *text, Py_ssize_t size) {
    const std::array<std::uint32_t, 2> head = {static_cast<std::uint32_t>(sign),
                                               static_cast<std::uint32_t>(size)};
    std::string bytes(reinterpret_cast<const char *>(head.data()), sizeof head);
    bytes.append(text, static_cast<std::size_t>(size));
    for (std::size_t at = 0; at < bytes.size();) {
        const ssize_t n = ::write(control.get(), bytes.data() + at, bytes.size() - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) ::_exit(1);
        at += static_cast<std::size_t>(n);
    }
}

// serve_forks(sign, report, given): forks a worker for each request on fd 0, a socket, and returns
// in each worker, whose streams are then in place, its environment; None where that is the one that
// the zygote was given, and all is left as the start has made it. Never returns in the zygote.
PyObject *serve_forks(PyObject *, PyObject *arguments) {
    return entry([&] {
        int sign = 0;
        const char *report = nullptr, *environment = nullptr;
        Py_ssize_t size = 0, environment_size = 0;
        if (!PyArg_ParseTuple(arguments, "Cy#y#:serve_forks", &sign, &report, &size, &environment,
                              &environment_size))
            throw PythonError{};
        const Sibling sibling;
        Fd control(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
        const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
        Fd controller(static_cast<int>(::syscall(SYS_pidfd_open, ::getppid(), 0)));
        if (!control || !null || !controller)
            throw Error(ErrorKind::unsupported, "this system has no pidfd_open");
        for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) move_to(null, number);
        if (::chdir("/") != 0) ::_exit(1); // holds no file system that is to go
        send_report(control, sign, report, size);
        const std::string_view given(environment, static_cast<std::size_t>(environment_size));
        for (;;) {
            const auto request = next_request(control, controller);
            if (!request) ::_exit(0);
            PyOS_BeforeFork();
            const pid_t pid = sibling.fork();
            const int error = errno;
            if (pid == 0) {
                PyOS_AfterFork_Child();
                become_worker(*request, given);
                if (request->environment == given) return none();
                return Ref::checked(PyBytes_FromStringAndSize(
                    request->environment.data(),
                    static_cast<Py_ssize_t>(request->environment.size())));
            }
            PyOS_AfterFork_Parent();
            if (!transport::send_answer(control.get(), pid < 0 ? -error : pid)) ::_exit(0);
        }
    });
}

} // namespace

void add_zygote(PyObject *module) {
    static PyMethodDef functions[] = {{"serve_forks", serve_forks, METH_VARARGS, nullptr},
                                      {nullptr, nullptr, 0, nullptr}};
    if (PyModule_AddFunctions(module, functions) < 0) throw PythonError{};
}

} // namespace elsewhere::bindings
