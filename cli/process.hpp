#pragma once

#include <sys/types.h>

#include <string>

#include "core/base/fd.hpp"

namespace elsewhere::cli {

// A program under `elsewhere run`, seen from outside by what /proc says. Throws Error{missing} if
// there is no such process, Error{untrusted} if it is another user's, Error{usage} if it is not
// under `run`.
class Process {
  public:
    explicit Process(const std::string &pid);

    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    // Readable once the process has ended.
    [[nodiscard]] int end() const noexcept { return pidfd_.get(); }
    // Where the program looks for requests: its own environment decides, not ours.
    [[nodiscard]] std::string runtime_directory() const;
    void signal(int number) const;

  private:
    [[nodiscard]] std::string file(const char *name) const;
    [[nodiscard]] bool listens() const;

    pid_t pid_ = 0;
    Fd pidfd_; // opened before anything is looked at: the number cannot be reused meanwhile
    std::string environment_;
};

} // namespace elsewhere::cli
