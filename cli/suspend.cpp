#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/complain.hpp"
#include "cli/json_writer.hpp"
#include "cli/options.hpp"
#include "cli/process.hpp"
#include "cli/signals.hpp"
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

// One question to a program and its answer, as two files in its runtime directory.
class Request {
  public:
    explicit Request(const Process &process)
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

    // `file`: where the snapshot goes; empty leaves it to the program.
    void send(const std::string &file) const {
        JsonWriter json;
        json.begin_object().key("file");
        if (file.empty())
            json.null();
        else
            json.text(file);
        const std::string text = json.end_object().str() + "\n";
        snapshot::DurableFile request(stem_ + ".request");
        request.write(text.data(), text.size());
        request.commit();
        process_.signal(control_signal());
    }

    // Nothing if the process ended without one.
    std::optional<nlohmann::json> answer() const {
        for (;;) {
            const bool ended = wait();
            if (fs::exists(answer_file())) {
                std::ifstream in(answer_file());
                auto answer = nlohmann::json::parse(in, nullptr, false);
                if (!answer.is_discarded()) {
                    fs::remove(answer_file());
                    return answer;
                }
            }
            if (ended) {
                std::error_code none;
                fs::remove(stem_ + ".request", none);
                return std::nullopt;
            }
        }
    }

    void wait_for_end() const {
        pollfd end = {process_.end(), POLLIN, 0};
        while (::poll(&end, 1, -1) < 0 && errno == EINTR) {
        }
    }

  private:
    [[nodiscard]] std::string answer_file() const { return stem_ + ".answer"; }

    // Until something happened in the directory; true if the process has ended.
    [[nodiscard]] bool wait() const {
        std::array<pollfd, 2> sources = {{{process_.end(), POLLIN, 0}, {watch_.get(), POLLIN, 0}}};
        while (::poll(sources.data(), sources.size(), -1) < 0 && errno == EINTR) {
        }
        std::array<char, 4096> events;
        while (::read(watch_.get(), events.data(), events.size()) > 0) {
        }
        return (sources[0].revents & POLLIN) != 0;
    }

    const Process &process_;
    std::string directory_;
    std::string stem_;
    Fd watch_;
};

std::string text_in(const nlohmann::json &answer, const char *key) {
    const auto found = answer.find(key);
    return found != answer.end() && found->is_string() ? found->get<std::string>() : "";
}

int report(const nlohmann::json &answer) {
    const auto ok = answer.find("ok");
    if (ok != answer.end() && ok->is_boolean() && ok->get<bool>()) {
        std::puts(text_in(answer, "file").c_str());
        return 0;
    }
    complain(text_in(answer, "error"), text_in(answer, "hint"));
    const auto code = answer.find("exit_code");
    return code != answer.end() && code->is_number_integer() ? code->get<int>()
                                                             : exit_code(ErrorKind::remote);
}

} // namespace

int suspend(const Words &words) {
    release_signals();
    std::string file;
    const Options options("suspend", "[-o FILE] PID",
                          "Writes the program to a file, whose name is printed, and ends it with\n"
                          "exit code 75. If that cannot be done, the program goes on.",
                          {{.name = "output",
                            .letter = 'o',
                            .value = "FILE",
                            .help = "where to; else as the program was told by --snapshot",
                            .apply = [&](const std::string &value) { file = value; }}});
    const auto pid = options.parse_one(words, "process");
    if (!pid) return 0;
    const Process process(*pid);
    const Request request(process);
    request.send(file.empty() ? file : fs::absolute(file).string());
    const auto answer = request.answer();
    if (!answer)
        throw Error(ErrorKind::remote, "process " + *pid + " ended before it could be suspended",
                    "nothing is left to suspend");
    const int code = report(*answer);
    // Whoever resumes the file next must not meet the program still alive.
    if (code == 0) request.wait_for_end();
    return code;
}

} // namespace elsewhere::cli
