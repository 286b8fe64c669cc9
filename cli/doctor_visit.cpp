#include "cli/doctor_visit.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <optional>

#include "core/transport/launch.hpp"

namespace elsewhere::cli {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::string_view marker = "\x1e"
                                    "elsewhere doctor ";

// For every Python from 2.7 on.
constexpr const char *question = R"py(
import json, os, platform, sys
def text(value):
    return (value if bytes is str else value.encode("utf-8", "replace")).decode("utf-8", "replace")
try:
    from _imp import extension_suffixes
    tag = extension_suffixes()[0].split(".")[1]
except Exception:
    tag = ""
try:
    import pwd
    user = pwd.getpwuid(os.getuid()).pw_name
except Exception:
    user = os.environ.get("USER", "")
connection = os.environ.get("SSH_CONNECTION", "").split()
home = os.path.expanduser("~")
facts = {
    "version": "%d.%d.%d" % sys.version_info[:3],
    "implementation": platform.python_implementation(),
    "executable": text(sys.executable or ""),
    "platform": sys.platform,
    "machine": platform.machine(),
    "libc": " ".join(platform.libc_ver()).strip(),
    "tag": tag,
    "user": text(user),
    "hostname": text(platform.node()),
    "address": " port ".join(connection[2:4]),
    "shell": text(os.environ.get("SHELL", "")),
    "home_is_writable": os.access(home, os.W_OK),
}
sys.stdout.write("\x1eelsewhere doctor " + json.dumps(facts) + "\n")
sys.stdout.flush()
)py";

// Signals that end the command, as a descriptor to poll while the object lives.
class Interruptions {
  public:
    Interruptions() {
        sigset_t awaited;
        ::sigemptyset(&awaited);
        for (const int number : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&awaited, number);
        ::sigprocmask(SIG_BLOCK, &awaited, &before_);
        fd_ = Fd(::signalfd(-1, &awaited, SFD_CLOEXEC | SFD_NONBLOCK));
    }
    ~Interruptions() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
    Interruptions(const Interruptions &) = delete;
    Interruptions &operator=(const Interruptions &) = delete;

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    // Which one came; 0: none.
    [[nodiscard]] int which() const {
        signalfd_siginfo info = {};
        return ::read(fd_.get(), &info, sizeof info) == sizeof info
                   ? static_cast<int>(info.ssi_signo)
                   : 0;
    }

  private:
    sigset_t before_ = {};
    Fd fd_;
};

// Reads up to the line behind the marker, the end of the stream, or the end of time. Answers the
// signal that ended it, or 0.
int read_answer(transport::Stream &stream, const Interruptions &interruptions, std::string &output,
                Clock::time_point deadline) {
    std::array<char, 4096> buffer;
    for (;;) {
        const auto at = output.find(marker);
        if (at != std::string::npos && output.find('\n', at) != std::string::npos) return 0;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        if (left <= 0ms) return 0;
        std::array<pollfd, 3> watched = {{{stream.in(), POLLIN, 0},
                                          {stream.errors().fd(), POLLIN, 0},
                                          {interruptions.fd(), POLLIN, 0}}};
        ::poll(watched.data(), watched.size(), static_cast<int>(std::min(left, 3600000ms).count()));
        if (const int number = interruptions.which(); number != 0) {
            stream.end(0ms);
            return number;
        }
        stream.errors().take();
        const ssize_t n = ::read(stream.in(), buffer.data(), buffer.size());
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return 0;
        if (n > 0) output.append(buffer.data(), static_cast<std::size_t>(n));
    }
}

} // namespace

Visit visit(const transport::XSpec &spec, const transport::Origin &origin,
            std::chrono::milliseconds timeout) {
    const auto start = Clock::now();
    const auto deadline = start + timeout;
    std::string output;
    std::optional<transport::Stream> started;
    int number = 0;
    {
        // Before the start: a signal that came between would leave behind what was started.
        const Interruptions interruptions;
        started.emplace(transport::launch(spec, {.program = question}, origin));
        number = read_answer(*started, interruptions, output, deadline);
    }
    if (number != 0) ::raise(number);
    transport::Stream &stream = *started;

    Visit visit;
    const auto at = output.find(marker);
    const std::string junk = output.substr(0, at);
    visit.junk = transport::without_announcement(junk);
    visit.facts = at == std::string::npos
                      ? nlohmann::json(nlohmann::json::value_t::discarded)
                      : nlohmann::json::parse(output.substr(at + marker.size()), nullptr, false);
    visit.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    stream.close_out();
    const auto exit = stream.wait(std::max(left, 100ms));
    visit.errors = stream.errors().text();
    if (!visit.facts.is_object())
        visit.failure = transport::why_it_failed(spec, exit, visit.errors, junk);
    return visit;
}

} // namespace elsewhere::cli
