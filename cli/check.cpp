#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "cli/complain.hpp"
#include "cli/duration.hpp"
#include "cli/json_writer.hpp"
#include "cli/options.hpp"
#include "cli/process.hpp"
#include "cli/request.hpp"
#include "cli/run.hpp"
#include "cli/signals.hpp"
#include "cli/utf8.hpp"
#include "core/base/error.hpp"

namespace elsewhere::cli {
namespace {

// The report on stdout; 64 if something is in the way.
int report(const nlohmann::json &answer, bool as_json) {
    if (!is_ok(answer)) return complain_of(answer);
    const auto found = answer.find("problems");
    const nlohmann::json problems =
        found != answer.end() && found->is_array() ? *found : nlohmann::json::array();
    JsonWriter json;
    json.begin_object().key("ok").boolean(problems.empty()).key("problems").begin_list();
    std::string lines;
    for (const nlohmann::json &problem : problems) {
        const std::string path = text_in(problem, "path");
        const std::string reason = text_in(problem, "reason");
        const std::string hint = text_in(problem, "hint");
        json.begin_object().key("path").text(path).key("reason").text(reason);
        json.key("hint").text(hint).end_object();
        lines += printable((path.empty() ? reason : path + ": " + reason) +
                           (hint.empty() ? "" : " (hint: " + hint + ")")) +
                 "\n";
    }
    if (as_json)
        std::puts(json.end_list().end_object().str().c_str());
    else
        std::fputs(problems.empty() ? "everything can be kept\n" : lines.c_str(), stdout);
    return problems.empty() ? 0 : exit_code(ErrorKind::refused);
}

int check_process(const std::string &pid, bool as_json) {
    release_signals();
    const Process process(pid);
    const Request request(process);
    request.check();
    const auto answer = request.answer();
    if (!answer)
        throw Error(ErrorKind::remote, "process " + pid + " ended before it was checked",
                    "nothing is left to check");
    return report(*answer, as_json);
}

int status_of(pid_t program) {
    int status = 0;
    while (::waitpid(program, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// As Ctrl-C would; by force where that is not heard.
void end(pid_t program, const Request &request) {
    ::kill(program, SIGINT);
    if (!request.wait_for_end(5000)) ::kill(program, SIGKILL);
    (void)status_of(program);
    (void)request.answer(0); // the one that it gave at its end
}

int check_program(const Words &words, double after, bool as_json) {
    std::fflush(nullptr);
    std::array<int, 2> ready = {}; // the program begins when somebody listens to its answer
    if (::pipe2(ready.data(), O_CLOEXEC) != 0)
        throw Error(ErrorKind::io, std::string("cannot make a pipe: ") + std::strerror(errno));
    const pid_t program = ::fork();
    if (program < 0)
        throw Error(ErrorKind::io, std::string("cannot start a process: ") + std::strerror(errno));
    if (program == 0) {
        ::close(ready[1]);
        char none = 0;
        while (::read(ready[0], &none, 1) < 0 && errno == EINTR) {
        }
        ::dup2(STDERR_FILENO, STDOUT_FILENO); // stdout is the report's
        try {
            ::_exit(run_program(words, true));
        } catch (const Error &error) {
            complain(error.message(), error.hint());
            ::_exit(exit_code(error.kind()));
        }
    }
    Fd began(ready[1]);
    ::close(ready[0]);
    const Process process(std::to_string(program));
    const Request request(process);
    began.reset();
    auto answer = request.answer(after);
    bool ended = answer.has_value(); // it answers at its end
    if (!ended) {
        try {
            request.check();
            answer = request.answer();
        } catch (const Error &) { // it ended meanwhile
            answer = request.answer(0);
        }
    }
    if (!answer) {
        const int code = status_of(program);
        if (code != 0) return code; // it has said why
        throw Error(ErrorKind::remote, "the program ended before it was checked",
                    "let --after be shorter");
    }
    if (ended)
        (void)status_of(program);
    else
        end(program, request);
    return report(*answer, as_json);
}

bool is_number(const std::string &word) {
    return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}

} // namespace

int check(const Words &words) {
    bool as_json = false;
    double after = 1;
    Words program;
    const auto program_is = [&](const char *flag) {
        return [&program, flag](const std::string &value) {
            program.insert(program.end(), {flag, value});
        };
    };
    std::string python;
    const Options options(
        "check", "[options] PID|SCRIPT|-m MOD|-c CODE [ARGS…]",
        "Tells everything that could not be kept if the program were suspended, by its path.\n"
        "PID is a program under `elsewhere run`, which goes on. A script is run, looked at after\n"
        "some time or at its end, and ended as by Ctrl-C; what it prints goes to stderr.",
        {{.name = "json",
          .help = "the report as JSON",
          .apply = [&](const std::string &) { as_json = true; }},
         {.name = "after",
          .value = "TIME",
          .help = "how long a script runs before it is looked at (1s)",
          .apply =
              [&](const std::string &value) {
                  const auto seconds = parse_duration(value);
                  if (!seconds)
                      throw Error(ErrorKind::usage, "not a time: " + value,
                                  "write --after 10s, 500ms or 2m");
                  after = *seconds;
              }},
         python_option(python),
         {.letter = 'm',
          .value = "MOD",
          .help = "check a module; all that follows are its arguments",
          .apply = program_is("-m"),
          .last = true},
         {.letter = 'c',
          .value = "CODE",
          .help = "check this code; all that follows are its arguments",
          .apply = program_is("-c"),
          .last = true}});
    const auto rest = options.parse(words);
    if (!rest) return 0;
    if (program.empty() && rest->empty()) throw options.wrong("no process and no script given");
    if (program.empty() && rest->size() == 1 && is_number(rest->front()))
        return check_process(rest->front(), as_json);
    program.insert(program.end(), rest->begin(), rest->end());
    if (!python.empty()) program.insert(program.begin(), {"--python", python});
    return check_program(program, after, as_json);
}

} // namespace elsewhere::cli
