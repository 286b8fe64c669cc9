#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/process.hpp"

namespace elsewhere::cli {

// One question to a program and its answer, as two files in its runtime directory: spec/run.md.
class Request {
  public:
    // Throws Error{untrusted} if the directory is not private, Error{unwritable}, Error{io}.
    explicit Request(const Process &process);

    // To leave into `file`; empty leaves it to the program where to.
    void suspend(const std::string &file) const;
    // To tell what stands in the way of leaving.
    void check() const;

    // Nothing if the process ended without one, or after `seconds`.
    [[nodiscard]] std::optional<nlohmann::json> answer(double seconds = -1) const;
    // False if it has not ended within `milliseconds`.
    bool wait_for_end(int milliseconds = -1) const;

  private:
    [[nodiscard]] std::string answer_file() const { return stem_ + ".answer"; }
    void send(const std::string &text) const;
    enum class Event { something, ended, timeout };
    [[nodiscard]] Event wait(int milliseconds) const;

    const Process &process_;
    std::string directory_;
    std::string stem_;
    Fd watch_;
};

// A text in an answer, or "".
[[nodiscard]] std::string text_in(const nlohmann::json &answer, const char *key);
[[nodiscard]] bool is_ok(const nlohmann::json &answer);
// Says on stderr what an answer has for an error; its exit code.
int complain_of(const nlohmann::json &answer);

} // namespace elsewhere::cli
