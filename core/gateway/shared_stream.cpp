#include "core/gateway/shared_stream.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <string_view>

#include "core/wire/value.hpp"

namespace elsewhere::gateway {

namespace {

constexpr std::size_t page = 4096; // in front: the token, then the indices
constexpr std::size_t token_size = 16;
constexpr std::string_view name = "/memfd:elsewhere (deleted)"; // as the kernel shows it

constexpr std::size_t memory_for(std::size_t capacity) { return page + 2 * capacity; }

std::string path_of(const Fd &fd) {
    return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(fd.get());
}

// nullptr: there is no room for it.
std::uint8_t *map(const Fd &file, std::size_t capacity) {
    void *memory =
        ::mmap(nullptr, memory_for(capacity), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    return memory == MAP_FAILED ? nullptr : static_cast<std::uint8_t *>(memory);
}

// Where processes have other numbers it can be any file, or a device.
bool leads_to(const std::string &path, std::string_view start) {
    std::array<char, 64> target{};
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    return size > 0 &&
           std::string_view(target.data(), static_cast<std::size_t>(size)).starts_with(start);
}

} // namespace

// Of one end of one direction; only that end moves `at`.
struct alignas(64) SharedStream::Index {
    std::atomic<std::uint64_t> at = 0;
    std::atomic<std::uint32_t> wants_bell = 0;
};

SharedStream::SharedStream(Fd file, std::uint8_t *memory, std::size_t capacity, bool maker)
    : file_(std::move(file)), memory_(memory), capacity_(capacity) {
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
    const auto direction = [&](std::size_t number) {
        auto *first = reinterpret_cast<Index *>(memory + 64);
        Index *writer = first + 2 * number, *reader = writer + 1;
        if (maker) {
            new (writer) Index;
            new (reader) Index;
        }
        return Direction{writer, reader, memory + page + number * capacity_};
    };
    out_ = direction(maker ? 0 : 1);
    in_ = direction(maker ? 1 : 0);
}

SharedStream::~SharedStream() { ::munmap(memory_, memory_for(capacity_)); }

std::unique_ptr<SharedStream> SharedStream::make(bool own_bell) {
    const std::size_t size = own_bell ? capacity_of_relays : capacity;
    Fd file(::memfd_create("elsewhere", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    // Taken now and sealed, or an access could raise SIGBUS: where there is no memory left, or the
    // other end has cut the file.
    if (!file || ::fallocate(file.get(), 0, 0, static_cast<off_t>(memory_for(size))) != 0 ||
        ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return {};
    auto *bytes = map(file, size);
    if (bytes == nullptr) return {};
    std::unique_ptr<SharedStream> made(new SharedStream(std::move(file), bytes, size, true));
    if (::getrandom(bytes, token_size, 0) != static_cast<ssize_t>(token_size)) return {};
    if (own_bell) {
        std::array<int, 2> ends = {};
        if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return {};
        made->bell_ = Fd(ends[0]);
        made->rung_ = Fd(ends[1]);
    }
    return made;
}

wire::Payload SharedStream::description() const {
    const wire::Value::Bytes token(memory_, memory_ + token_size);
    const wire::Value parts = rung_ ? wire::Value::tuple({path_of(file_), token, path_of(rung_)})
                                    : wire::Value::tuple({path_of(file_), token});
    return wire::Payload(wire::encode(parts).joined());
}

std::unique_ptr<SharedStream> SharedStream::open(std::span<const std::uint8_t> description) {
    auto value = wire::decode(description, false);
    const auto *parts = value.ok() ? value.value().as<wire::Value::Items>() : nullptr;
    if (parts == nullptr || parts->items.size() < 2 || parts->items.size() > 3) return {};
    const auto *path = parts->items[0].as<std::string>();
    const auto *token = parts->items[1].as<wire::Value::Bytes>();
    if (path == nullptr || token == nullptr || token->size() != token_size) return {};
    if (!leads_to(*path, name)) return {};
    const Fd file(::open(path->c_str(), O_RDWR | O_CLOEXEC));
    struct stat status = {};
    const std::size_t size = parts->items.size() == 3 ? capacity_of_relays : capacity;
    if (!file || ::fstat(file.get(), &status) != 0 ||
        status.st_size != static_cast<off_t>(memory_for(size)) ||
        (::fcntl(file.get(), F_GET_SEALS) & F_SEAL_SHRINK) == 0)
        return {};
    std::uint8_t *memory = map(file, size);
    if (memory == nullptr) return {};
    std::unique_ptr<SharedStream> opened(new SharedStream(Fd(), memory, size, false));
    if (std::memcmp(memory, token->data(), token_size) != 0) return {};
    if (parts->items.size() == 3) {
        const auto *bell = parts->items[2].as<std::string>();
        if (bell == nullptr || !leads_to(*bell, "pipe:")) return {};
        opened->bell_ = Fd(::open(bell->c_str(), O_WRONLY | O_CLOEXEC | O_NONBLOCK));
        if (!opened->bell_) return {};
    }
    return opened;
}

// Whoever wants the bell says so and then looks once more; whoever moves an index looks after that
// whether the bell is wanted. Between the two steps of each stands a fence: so one sees the other.
bool SharedStream::wants_bell(Index *other) noexcept {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return other->wants_bell.load(std::memory_order_relaxed) != 0 &&
           other->wants_bell.exchange(0, std::memory_order_relaxed) != 0;
}

std::size_t SharedStream::room() const noexcept {
    // Of an index that cannot be this is more than there is at all.
    return capacity_ - (out_.at - out_.reader->at.load(std::memory_order_acquire));
}

ssize_t SharedStream::write(std::span<const iovec> from) {
    std::size_t left = room();
    if (left > capacity_) {
        errno = EBADMSG;
        return -1;
    }
    left = std::min(left, most_at_once);
    const std::uint64_t before = out_.at;
    for (const iovec &piece : from) {
        const auto *bytes = static_cast<const std::uint8_t *>(piece.iov_base);
        const std::size_t size = std::min(piece.iov_len, left);
        if (size == 0) continue; // it may be nowhere
        const std::size_t place = out_.at % capacity_;
        const std::size_t first = std::min(size, capacity_ - place);
        std::memcpy(out_.bytes + place, bytes, first);
        std::memcpy(out_.bytes, bytes + first, size - first);
        out_.at += size;
        left -= size;
        if (left == 0) break;
    }
    out_.writer->at.store(out_.at, std::memory_order_release);
    return static_cast<ssize_t>(out_.at - before);
}

bool SharedStream::waits_for_room() {
    out_.writer->wants_bell.store(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!has_room()) return true;
    out_.writer->wants_bell.store(0, std::memory_order_relaxed);
    return false;
}

bool SharedStream::readable() const noexcept {
    return in_.writer->at.load(std::memory_order_acquire) != in_.at;
}

ssize_t SharedStream::read(std::span<const iovec> to) {
    std::uint64_t left = in_.writer->at.load(std::memory_order_acquire) - in_.at;
    if (left > capacity_) {
        errno = EBADMSG;
        return -1;
    }
    const std::uint64_t before = in_.at;
    for (const iovec &piece : to) {
        auto *bytes = static_cast<std::uint8_t *>(piece.iov_base);
        const std::size_t size = std::min<std::size_t>(piece.iov_len, left);
        if (size == 0) continue;
        const std::size_t place = in_.at % capacity_;
        const std::size_t first = std::min(size, capacity_ - place);
        std::memcpy(bytes, in_.bytes + place, first);
        std::memcpy(bytes + first, in_.bytes, size - first);
        in_.at += size;
        left -= size;
        if (left == 0) break;
    }
    in_.reader->at.store(in_.at, std::memory_order_release);
    return static_cast<ssize_t>(in_.at - before);
}

bool SharedStream::sleeps() noexcept {
    in_.reader->wants_bell.store(1, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!readable()) return true;
    is_awake();
    return false;
}

void SharedStream::is_awake() noexcept {
    in_.reader->wants_bell.store(0, std::memory_order_relaxed);
}

bool SharedStream::writer_waits() noexcept {
    const std::uint64_t filled = in_.writer->at.load(std::memory_order_relaxed) - in_.at;
    return filled <= capacity_ / 2 && wants_bell(in_.writer);
}

} // namespace elsewhere::gateway
