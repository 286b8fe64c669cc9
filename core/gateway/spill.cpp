#include "core/gateway/spill.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <utility>

namespace elsewhere::gateway {

namespace {

Fd unlinked_file() {
    const char *wish = std::getenv("TMPDIR");
    // /tmp is often memory, which this is to save.
    for (const char *folder : {wish != nullptr ? wish : "/var/tmp", "/var/tmp", "/tmp"}) {
        Fd file(::open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
        if (file) return file;
        std::string name = std::string(folder) + "/elsewhere-XXXXXX";
        file = Fd(::mkostemp(name.data(), O_CLOEXEC));
        if (!file) continue;
        ::unlink(name.c_str());
        return file;
    }
    return {};
}

} // namespace

std::optional<std::uint64_t> Spill::keep(std::span<const std::uint8_t> bytes) {
    if (!std::exchange(tried_, true)) file_ = unlinked_file();
    if (!file_ || end_ + bytes.size() > most) return {};
    for (std::size_t written = 0; written < bytes.size();) {
        const ssize_t size = ::pwrite(file_.get(), bytes.data() + written, bytes.size() - written,
                                      static_cast<off_t>(end_ + written));
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) return {}; // no room: what follows may overwrite it
        written += static_cast<std::size_t>(size);
    }
    kept_ += bytes.size();
    return std::exchange(end_, end_ + bytes.size());
}

bool Spill::give_back(std::uint64_t at, std::span<std::uint8_t> to) {
    bool whole = true;
    for (std::size_t have = 0; whole && have < to.size();) {
        const ssize_t size =
            ::pread(file_.get(), to.data() + have, to.size() - have, static_cast<off_t>(at + have));
        if (size < 0 && errno == EINTR) continue;
        whole = size > 0;
        if (whole) have += static_cast<std::size_t>(size);
    }
    forget(at, to.size());
    return whole;
}

void Spill::forget(std::uint64_t at, std::size_t size) {
    kept_ -= size;
    if (kept_ == 0) {
        end_ = 0;
        (void)!::ftruncate(file_.get(), 0);
    } else {
        ::fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at),
                    static_cast<off_t>(size));
    }
}

} // namespace elsewhere::gateway
