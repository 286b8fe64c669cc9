#include "core/base/file.hpp"

#include <fcntl.h>

#include <array>
#include <cerrno>

#include "core/base/fd.hpp"

namespace elsewhere {

std::optional<std::string> read_file(const std::string &path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return std::nullopt;
    std::string content;
    std::array<char, 16'384> piece;
    for (;;) {
        const ssize_t size = ::read(file.get(), piece.data(), piece.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return std::nullopt;
        if (size == 0) return content;
        content.append(piece.data(), static_cast<std::size_t>(size));
    }
}

} // namespace elsewhere
