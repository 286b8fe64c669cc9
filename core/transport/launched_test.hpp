#pragma once

#include <poll.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <string>

#include "core/transport/stream.hpp"

// What the tests of this folder share: a child that is run to its end, a folder that goes away.
namespace elsewhere::transport {

struct Ran {
    Exit exit;
    std::string output;
    std::string errors;
};

// Reads up to the end of the child's output, at most half a minute.
inline Ran run_to_end(Stream stream, const std::string &input = {}) {
    Ran ran;
    ::signal(SIGPIPE, SIG_IGN); // it may have ended already
    if (!input.empty() && ::write(stream.out(), input.data(), input.size()) < 0)
        ran.errors = "cannot write: ";
    stream.close_out();
    std::array<char, 65536> buffer;
    for (;;) {
        std::array<pollfd, 2> watched = {
            {{stream.in(), POLLIN, 0}, {stream.errors().fd(), POLLIN, 0}}};
        if (::poll(watched.data(), watched.size(), 30000) == 0) break;
        stream.errors().take();
        const ssize_t n = ::read(stream.in(), buffer.data(), buffer.size());
        if (n == 0) break;
        if (n > 0) ran.output.append(buffer.data(), static_cast<std::size_t>(n));
    }
    ran.exit = stream.wait(std::chrono::seconds(10)).value_or(Exit{.known = false});
    ran.errors += stream.errors().text();
    return ran;
}

inline Ran run_to_end(const Words &argv, const std::string &input = {}) {
    return run_to_end(Stream(spawn(argv, Keyboard::none), Keyboard::none), input);
}

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string pattern = std::filesystem::temp_directory_path() / "transport-XXXXXX";
        if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
    }
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    TemporaryFolder(const TemporaryFolder &) = delete;
    TemporaryFolder &operator=(const TemporaryFolder &) = delete;
    [[nodiscard]] const std::filesystem::path &path() const noexcept { return path_; }

  private:
    std::filesystem::path path_;
};

} // namespace elsewhere::transport
