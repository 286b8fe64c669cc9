#include "cli/request.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cli/complain.hpp"
#include "cli/json_writer.hpp"
#include "cli/signals.hpp"
#include "core/base/error.hpp"
#include "engine/snapshot/durable_file.hpp"

namespace elsewhere::cli {
namespace {

namespace fs = std::filesystem;

void make_private(const std::string &directory) {
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        throw Error(ErrorKind::unwritable, "cannot make " + directory + ": " + std::strerror(errno),
                    "make it, or let the program start with another XDG_RUNTIME_DIR");
    struct stat state = {};
    // In /tmp anybody may have been first, and would read and answer requests.
    if (::lstat(directory.c_str(), &state) != 0 || !S_ISDIR(state.st_mode) ||
        state.st_uid != ::geteuid() || (state.st_mode & 077) != 0)
        throw Error(ErrorKind::untrusted, directory + " is not a private directory of yours",
                    "remove it, or make it yours with mode 0700");
}

} // namespace

Request::Request(const Process &process)
    : process_(process), directory_(process.runtime_directory()),
      stem_(directory_ + "/" + std::to_string(process.pid())) {
    make_private(directory_);
    watch_ = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch_ ||
        ::inotify_add_watch(watch_.get(), directory_.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
        throw Error(ErrorKind::io, "cannot watch " + directory_ + ": " + std::strerror(errno));
    std::error_code none;
    fs::remove(answer_file(), none); // of an earlier process of this number
}

void Request::suspend(const std::string &file) const {
    JsonWriter json;
    json.begin_object().key("file");
    if (file.empty())
        json.null();
    else
        json.text(file);
    send(json.end_object().str());
}

void Request::check() const {
    send(JsonWriter().begin_object().key("check").boolean(true).end_object().str());
}

void Request::send(const std::string &text) const {
    snapshot::DurableFile request(stem_ + ".request");
    const std::string line = text + "\n";
    request.write(line.data(), line.size());
    request.commit();
    process_.signal(control_signal());
}

std::optional<nlohmann::json> Request::answer(double seconds) const {
    using Clock = std::chrono::steady_clock;
    const auto until = Clock::now() + std::chrono::milliseconds(static_cast<int>(seconds * 1000));
    for (;;) {
        int left = -1;
        if (seconds >= 0)
            left =
                std::max(0, static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                                 until - Clock::now())
                                                 .count()));
        const Event event = wait(left);
        if (fs::exists(answer_file())) {
            std::ifstream in(answer_file());
            auto answer = nlohmann::json::parse(in, nullptr, false);
            if (!answer.is_discarded()) {
                fs::remove(answer_file());
                return answer;
            }
        }
        if (event == Event::timeout) return std::nullopt;
        if (event == Event::ended) {
            std::error_code none;
            fs::remove(stem_ + ".request", none);
            return std::nullopt;
        }
    }
}

bool Request::wait_for_end(int milliseconds) const {
    pollfd end = {process_.end(), POLLIN, 0};
    int ready = 0;
    while ((ready = ::poll(&end, 1, milliseconds)) < 0 && errno == EINTR) {
    }
    return ready > 0;
}

// Until something happened in the directory, or the process has ended.
Request::Event Request::wait(int milliseconds) const {
    std::array<pollfd, 2> sources = {{{process_.end(), POLLIN, 0}, {watch_.get(), POLLIN, 0}}};
    int ready = 0;
    while ((ready = ::poll(sources.data(), sources.size(), milliseconds)) < 0 && errno == EINTR) {
    }
    std::array<char, 4096> events;
    while (::read(watch_.get(), events.data(), events.size()) > 0) {
    }
    if (ready == 0) return Event::timeout;
    return (sources[0].revents & POLLIN) != 0 ? Event::ended : Event::something;
}

std::string text_in(const nlohmann::json &answer, const char *key) {
    const auto found = answer.find(key);
    return found != answer.end() && found->is_string() ? found->get<std::string>() : "";
}

bool is_ok(const nlohmann::json &answer) {
    const auto ok = answer.find("ok");
    return ok != answer.end() && ok->is_boolean() && ok->get<bool>();
}

int complain_of(const nlohmann::json &answer) {
    complain(text_in(answer, "error"), text_in(answer, "hint"));
    const auto code = answer.find("exit_code");
    return code != answer.end() && code->is_number_integer() ? code->get<int>()
                                                             : exit_code(ErrorKind::remote);
}

} // namespace elsewhere::cli
