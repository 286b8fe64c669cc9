#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace elsewhere {

// What the caller does next; see error_kinds.def.
enum class ErrorKind {
#define ELSEWHERE_ERROR_KIND(name, python_class, python_base, exit_code) name,
#include <elsewhere/error_kinds.def>
#undef ELSEWHERE_ERROR_KIND
};

// Every failure this project reports. `message` names the thing that failed, `hint` says what to
// do about it (may be empty). Thrown where the caller cannot go on; carried in a Result where
// failure is an ordinary answer. Owns its strings; free of Python.
class Error : public std::runtime_error {
  public:
    Error(ErrorKind kind, std::string message, std::string hint = {})
        : std::runtime_error(std::move(message)), kind_(kind), hint_(std::move(hint)) {}

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
    [[nodiscard]] std::string message() const { return what(); }
    [[nodiscard]] const std::string &hint() const noexcept { return hint_; }

  private:
    ErrorKind kind_;
    std::string hint_;
};

// The process exit code of a kind (sysexits.h where one fits).
[[nodiscard]] int exit_code(ErrorKind kind) noexcept;

// The kind's name as the table spells it, e.g. "refused".
[[nodiscard]] std::string_view name(ErrorKind kind) noexcept;

} // namespace elsewhere
