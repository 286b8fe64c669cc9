#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/transport/inheritance.hpp"
#include "core/transport/spawn.hpp"

namespace elsewhere::transport {

// How a zygote comes to be.
struct ZygoteRecipe {
    Words argv;
    std::string boot;        // what it is sent (spec/bootstrap.md); it answers with a marker
    std::string environment; // each `NAME=value` with a zero byte behind it
};

// An interpreter that has done all that a worker does before its first word and forks one for each
// request (spec/zygote.md). Its workers are children of this process, as others are. It ends when
// nobody has used it for `idle`, and with this process. A thread of its own starts it and sees to
// its end; all members are for any thread.
class Zygote : public std::enable_shared_from_this<Zygote> {
  public:
    using Time = std::chrono::milliseconds;
    static constexpr Time idle{2000};
    static constexpr Time patience{30'000}; // of the boot
    static constexpr Time quick{2000};      // so soon a living one answers

    enum class State {
        starting,
        ready,
        refusing, // that interpreter is not to be forked
        over
    };

    // It is started after `delay`, by a thread that this starts, if it has a user then.
    static std::shared_ptr<Zygote> begin(ZygoteRecipe recipe, Time delay);

    // A worker; nothing where there is none to be had. What a new process would inherit and is not
    // as it was when the zygote was started ends the zygote. Those of one `occasion`, which is not
    // 0, are asked for at once, and what they inherit is looked at once.
    std::optional<Child> fork(const std::string &environment, std::uint64_t occasion = 0);
    // Waits until it is no longer starting.
    State settled(Time timeout);
    // It stays until this process ends.
    void hold();
    // While somebody has one of these it is not idle.
    std::shared_ptr<void> user();
    [[nodiscard]] State state();
    // Whether it was started and never made a worker.
    [[nodiscard]] bool was_useless();
    // Why it refuses.
    [[nodiscard]] std::string why();

  private:
    struct File { // what decides how an interpreter begins
        std::string path;
        bool there = false;
        unsigned long device = 0, number = 0;
        long seconds = 0, nanoseconds = 0;

        friend bool operator==(const File &, const File &) = default;
    };

    static File look_at(const std::string &path);
    void live(Time delay);
    void start();
    void attend();
    bool boot(Fd &errors);
    void end(State state, std::string why = {});
    bool read(void *to, std::size_t size, std::chrono::steady_clock::time_point deadline);
    bool fits(const std::string &environment, std::uint64_t occasion);
    void leave();

    std::mutex mutex_;
    std::condition_variable changed_;
    State state_ = State::starting;
    std::string why_;
    bool hurry_ = false, held_ = false, started_ = false, used_ = false;
    int users_ = 0;
    ZygoteRecipe recipe_;
    Inheritance inherited_;          // but for the mask, which is that of the next worker
    std::uint64_t occasion_ = 0;     // on which all was as it was
    bool knows_environment_ = false; // what runs at its start may look at any variable
    std::optional<File> folder_;     // where it was started, if that may matter, too
    std::vector<File> files_;
    pid_t pid_ = -1;
    Fd socket_, pidfd_, wake_;
};

} // namespace elsewhere::transport
