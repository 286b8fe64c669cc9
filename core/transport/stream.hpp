#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/transport/spawn.hpp"

namespace elsewhere::transport {

// How a child ended.
struct Exit {
    int code = 0;      // if it ended by itself
    int signal = 0;    // if that killed it
    bool known = true; // false: somebody else has reaped it, or it cannot be killed

    friend bool operator==(const Exit &, const Exit &) = default;
};

// A program elsewhere whose streams are carried to here by somebody else. `status` brings its exit
// code and the number of the signal that killed it, 32 bits each, when it has ended; or ends
// without.
struct Carried {
    Fd in, out, errors, status;
};

// What a child says on stderr. Kept until it is passed on, of long texts the beginning and the
// end. Belongs to a Stream and its thread; never waits.
class ErrorOutput {
  public:
    explicit ErrorOutput(Fd pipe) : pipe_(std::move(pipe)) {}

    // To poll for reading; -1 when the child and all that it left behind have closed it.
    [[nodiscard]] int fd() const noexcept { return pipe_.get(); }
    // Takes what is there. A child whose stderr nobody takes blocks after 64 KiB.
    void take();
    [[nodiscard]] std::string text() const;
    // From now on to this descriptor, which is not closed; what has been kept goes first.
    void pass_on(int fd);
    // The pipe, for somebody else to read from now on; empty if it has ended.
    [[nodiscard]] Fd release() noexcept { return std::move(pipe_); }

  private:
    void keep(std::string_view piece);

    Fd pipe_;
    int onward_ = -1;
    std::string start_;
    std::string end_;
    bool cut_ = false;
};

// A running child that carries bytes: what is written to `out` it reads, what it writes comes from
// `in`. Both are non-blocking and close-on-exec. Writing to a child that is gone raises SIGPIPE
// where that is not ignored. For one thread at a time. Destroying it ends the child within some
// 100 ms, but in a forked copy of this process, where the child is not ours.
class Stream {
  public:
    using Time = std::chrono::milliseconds;

    explicit Stream(Child child, Keyboard keyboard);
    // Its pid is 0, and no signal reaches it.
    explicit Stream(Carried carried);
    Stream(Stream &&other) noexcept;
    Stream &operator=(Stream &&) = delete;
    ~Stream();

    [[nodiscard]] int in() const noexcept { return in_.get(); }
    [[nodiscard]] int out() const noexcept { return out_.get(); }
    [[nodiscard]] pid_t pid() const noexcept { return pid_; }
    // To poll for reading: the child has ended. -1 on kernels before 5.3.
    [[nodiscard]] int ended() const noexcept { return pidfd_.get(); }
    [[nodiscard]] ErrorOutput &errors() noexcept { return errors_; }
    [[nodiscard]] const ErrorOutput &errors() const noexcept { return errors_; }

    // The child reads an end of file; what it still writes can be read.
    void close_out() noexcept { out_.reset(); }
    // Takes stderr meanwhile; nothing if the child is still there after `timeout`.
    [[nodiscard]] std::optional<Exit> wait(Time timeout);
    // Closes both ways and waits for `timeout`; then SIGTERM and half a second, then SIGKILL, to
    // all of a group of its own. Takes what it said on stderr. Bounded; may be called again.
    Exit end(Time timeout);

  private:
    void signal(int number) const noexcept;
    bool reap();

    Fd in_, out_, pidfd_;
    ErrorOutput errors_;
    pid_t pid_;
    pid_t owner_; // the process that started it
    bool own_group_;
    std::optional<Exit> exit_;
};

} // namespace elsewhere::transport
