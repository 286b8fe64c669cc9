#include "engine/snapshot/durable_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "core/base/error.hpp"

namespace elsewhere::snapshot {
namespace {

const char *hint_for(int error) {
    switch (error) {
    case ENOSPC:
    case EDQUOT: return "make room there, or name a file on another disk";
    case EFBIG:
        return "raise the file size limit (ulimit -f), or name a file on another file system";
    case EACCES:
    case EPERM:
    case EROFS: return "name a file in a directory that you may write to";
    case ENOENT:
    case ENOTDIR: return "create the directory first, or name another file";
    default: return "name another file";
    }
}

[[noreturn]] void fail(const std::string &path, int error) {
    throw Error(ErrorKind::unwritable, "cannot write " + path + ": " + std::strerror(error),
                hint_for(error));
}

template <typename Call> auto uninterrupted(Call call) {
    for (;;) {
        const auto result = call();
        if (result != -1 || errno != EINTR) return result;
    }
}

std::string hexadecimal(std::uint64_t value) {
    std::string text(16, '0');
    for (auto at = text.rbegin(); at != text.rend(); ++at, value >>= 4)
        *at = "0123456789abcdef"[value & 15];
    return text;
}

std::uint64_t random_number(const std::string &path) {
    std::uint64_t value = 0;
    if (uninterrupted([&] { return ::getrandom(&value, sizeof value, 0); }) != sizeof value)
        fail(path, errno);
    return value;
}

// FNV-1a: keeps the temporary's name short and of one length, however long the target's name is.
std::uint64_t fingerprint(std::string_view name) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return hash;
}

// A symbolic link stays one: the file that it points to is replaced, or made if there is none.
std::string behind_links(const std::string &path) {
    std::string real = path;
    std::array<char, PATH_MAX> target;
    for (int links = 0;; ++links) {
        const ssize_t size = ::readlink(real.c_str(), target.data(), target.size());
        if (size < 0 && (errno == EINVAL || errno == ENOENT || errno == ENOTDIR)) return real;
        if (size < 0) fail(path, errno);
        if (links == 40) fail(path, ELOOP);
        const std::string_view there(target.data(), static_cast<std::size_t>(size));
        real.erase(there.starts_with('/') ? 0 : real.rfind('/') + 1);
        real += there;
    }
}

} // namespace

DurableFile::DurableFile(std::string path) : DurableFile() {
    path_ = std::move(path);
    open_directory();
    remove_abandoned();
    open_temporary();
}

DurableFile::~DurableFile() {
    if (!temporary_.empty()) ::unlinkat(directory_.get(), temporary_.c_str(), 0);
}

void DurableFile::open_directory() {
    const std::string real = behind_links(path_);
    const std::size_t folder_end = real.rfind('/');
    target_ = real.substr(folder_end + 1);
    if (target_.empty() || target_ == "." || target_ == "..") fail(path_, EISDIR);
    const std::string parent =
        folder_end == std::string::npos ? "." : real.substr(0, folder_end + 1);
    directory_ = Fd(
        uninterrupted([&] { return ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (!directory_) fail(path_, errno);
    struct stat there = {};
    if (::fstatat(directory_.get(), target_.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0) {
        // rename() would replace a device or a FIFO by a plain file.
        if (!S_ISREG(there.st_mode))
            throw Error(ErrorKind::unwritable, "cannot write " + path_ + ": not a regular file",
                        "name another file");
    } else if (errno != ENOENT) {
        fail(path_, errno);
    }
    prefix_ = ".elsewhere-" + hexadecimal(fingerprint(target_)) + "-";
}

// Best effort: what cannot be looked at or removed now harms nobody and stays for later.
void DurableFile::remove_abandoned() const {
    Fd listed(::openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!listed) return;
    const std::unique_ptr<DIR, int (*)(DIR *)> entries(::fdopendir(listed.get()), ::closedir);
    if (!entries) return;
    (void)listed.release(); // now owned by `entries`
    while (const dirent *entry = ::readdir(entries.get())) {
        if (!std::string_view(entry->d_name).starts_with(prefix_)) continue;
        const Fd found(::openat(directory_.get(), entry->d_name,
                                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
        // Unlinked with the lock held: a writer between its open() and flock() sees it gone.
        if (found && ::flock(found.get(), LOCK_EX | LOCK_NB) == 0)
            ::unlinkat(directory_.get(), entry->d_name, 0);
    }
}

void DurableFile::open_temporary() {
    for (;;) {
        const std::string name = prefix_ + hexadecimal(random_number(path_));
        Fd file(uninterrupted([&] {
            return ::openat(directory_.get(), name.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        }));
        if (!file && errno == EEXIST) continue;
        if (!file) fail(path_, errno);
        temporary_ = name;
        if (::fchmod(file.get(), 0600) != 0) fail(path_, errno); // whatever the umask took away
        // A file system without locks costs only the removal of abandoned temporaries.
        (void)uninterrupted([&] { return ::flock(file.get(), LOCK_EX); });
        struct stat state = {};
        if (::fstat(file.get(), &state) != 0) fail(path_, errno);
        if (state.st_nlink == 0) continue; // another writer took it for abandoned
        file_ = std::move(file);
        return;
    }
}

void DurableFile::write(const void *data, std::size_t size) {
    const auto *at = static_cast<const std::uint8_t *>(data);
    while (size > 0) {
        const ssize_t written = uninterrupted([&] { return ::write(file_.get(), at, size); });
        if (written < 0) fail(path_, errno);
        at += written;
        size -= static_cast<std::size_t>(written);
    }
}

void DurableFile::commit() {
    if (uninterrupted([&] { return ::fsync(file_.get()); }) != 0) fail(path_, errno);
    if (::renameat(directory_.get(), temporary_.c_str(), directory_.get(), target_.c_str()) != 0)
        fail(path_, errno);
    temporary_.clear();
    // A lock on a snapshot means "a resumption of it is alive"; unlock by hand, because a child
    // forked meanwhile shares this one and close() alone would leave it there.
    (void)::flock(file_.get(), LOCK_UN);
    file_.reset();
    // EINVAL: a file system that has no such operation, so none is needed.
    if (uninterrupted([&] { return ::fsync(directory_.get()); }) != 0 && errno != EINVAL)
        fail(path_, errno);
}

} // namespace elsewhere::snapshot
