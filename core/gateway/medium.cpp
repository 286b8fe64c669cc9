#include "core/gateway/medium.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/error.hpp"

namespace elsewhere::gateway {

namespace {

void set_non_blocking(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        throw Error(ErrorKind::internal,
                    std::string("no stream for a gateway: ") + std::strerror(errno));
}

bool is_socket(int fd) {
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
}

ssize_t blocked() {
    errno = EAGAIN;
    return -1;
}

} // namespace

Medium::Medium(Fd in, Fd out, std::shared_ptr<Carrier> carrier)
    : in_(std::move(in)), out_(std::move(out)), socket_(is_socket(out_.get())),
      carrier_(std::move(carrier)) {
    for (const Fd *fd : {&in_, &out_})
        if (*fd) set_non_blocking(fd->get());
}

ssize_t Medium::read(std::span<const iovec> room) {
    return reads_shared_ ? read_shared(room)
           : beside_     ? read_beside(room)
           : carrier_    ? read_carried(room)
                         : read_stream(room);
}

// What is in one piece goes by the calls that cost less.
ssize_t Medium::read_stream(std::span<const iovec> room) const {
    return room.size() == 1 ? ::read(in_.get(), room.front().iov_base, room.front().iov_len)
                            : ::readv(in_.get(), room.data(), static_cast<int>(room.size()));
}

ssize_t Medium::write(std::span<const iovec> stretches) {
    if (writes_shared_) return write_shared(stretches);
    if (carrier_) return carrier_->write(stretches);
    const iovec &first = stretches.front();
    const bool one = stretches.size() == 1;
    if (socket_) {
        if (one) return ::send(out_.get(), first.iov_base, first.iov_len, MSG_NOSIGNAL);
        msghdr message{};
        message.msg_iov = const_cast<iovec *>(stretches.data());
        message.msg_iovlen = stretches.size();
        return ::sendmsg(out_.get(), &message, MSG_NOSIGNAL);
    }
    if (one) return ::write(out_.get(), first.iov_base, first.iov_len);
    return ::writev(out_.get(), stretches.data(), static_cast<int>(stretches.size()));
}

Medium::Polled Medium::poll(int other, bool room, const timespec *timeout) {
    // Where memory is shared, `in_` tells of room in it, too.
    std::array<pollfd, 4> watched = {{{in_.get(), POLLIN, 0},
                                      {other, POLLIN, 0},
                                      {room && !writes_shared_ ? out_.get() : -1, POLLOUT, 0},
                                      {-1, POLLIN, 0}}};
    const bool beside = beside_;
    if (carrier_) {
        watched[2] = {room ? carrier_->room() : -1, POLLIN, 0};
        watched[3].fd = carrier_->arrival();
    } else if (beside) {
        watched[3].fd = shared_->bell();
    }
    const int count = glance_.poll(watched.data(), watched[3].fd >= 0 ? 4 : 3, timeout,
                                   beside || reads_shared_ ? shared_.get() : nullptr);
    if (count <= 0) return {count};
    return {count, watched[0].revents != 0 || watched[3].revents != 0, watched[1].revents != 0};
}

bool Medium::wait_for_room(int stop) {
    const bool shared = writes_shared_;
    std::array<pollfd, 2> watched = {
        {{shared ? room_.get() : out_.get(), static_cast<short>(shared ? POLLIN : POLLOUT), 0},
         {stop, POLLIN, 0}}};
    awaits_room_ = true;
    ::poll(watched.data(), watched.size(), -1);
    awaits_room_ = false;
    std::uint64_t told = 0;
    if (shared) (void)!::read(room_.get(), &told, sizeof told);
    return watched[1].revents == 0;
}

void Medium::attend(int one, int other) {
    // Of the stream only that it has been closed: what is left in it is read later.
    const bool rings = beside_ && !gone_;
    std::array<pollfd, 4> watched = {{{rings ? shared_->bell() : -1, POLLIN, 0},
                                      {rings ? in_.get() : -1, 0, 0},
                                      {one, POLLIN, 0},
                                      {other, POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), -1);
    if (watched[0].revents != 0 || watched[1].revents != 0) tell_writer(watched[1].revents != 0);
}

bool Medium::holds_input() const {
    int left = 0;
    return ::ioctl(in_.get(), FIONREAD, &left) != 0 || left != 0;
}

void Medium::close_output() {
    const std::lock_guard lock(closing_);
    out_.reset();
}

void Medium::close() {
    in_.reset();
    close_output();
    shared_.reset();
    carrier_.reset();
}

// --- carried -----------------------------------------------------------------------------------

// What had been written to the pipe came before what is carried; its end comes behind that.
ssize_t Medium::read_carried(std::span<const iovec> room) {
    if (reads_carried_)
        if (const std::size_t size = carrier_->read(room); size != 0)
            return static_cast<ssize_t>(size);
    pollfd carried = {carrier_->arrival(), POLLIN, 0};
    const bool more = !reads_carried_ && ::poll(&carried, 1, 0) > 0;
    const ssize_t size = read_stream(room);
    if (size > 0 || (size < 0 && !more)) return size;
    reads_carried_ = true;
    const std::size_t rest = carrier_->read(room);
    return rest != 0 ? static_cast<ssize_t>(rest) : size;
}

// --- memory ------------------------------------------------------------------------------------

void Medium::make_memory(bool beside) {
    if (carrier_) {
        carrier_->ask_for_memory();
    } else if (!shared_) {
        if (beside) room_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        if (!beside || room_) shared_ = SharedStream::make(beside);
        beside_ = beside && shared_;
    }
}

std::optional<wire::Payload> Medium::description() {
    if (carrier_) return carrier_->description();
    if (!shared_ || std::exchange(described_, true)) return {};
    return shared_->description();
}

bool Medium::open_memory(std::span<const std::uint8_t> description) {
    shared_ = SharedStream::open(description);
    described_ = true;
    return shared_ != nullptr;
}

void Medium::input_moves() {
    if (carrier_) return; // packets come as before
    shared_->close_file();
    reads_shared_ = true;
}

void Medium::output_moves() {
    if (carrier_) {
        carrier_->output_moves();
    } else if (shared_) {
        if (beside_) shared_->close_file();
        writes_shared_ = true;
        (void)ring(); // the other end may have waited for room before
    }
}

ssize_t Medium::write_shared(std::span<const iovec> stretches) {
    ssize_t size = 0;
    while ((size = shared_->write(stretches)) == 0) {
        if (gone_) {
            errno = EPIPE;
            return -1;
        }
        if (!room_glance_.sees([this] { return shared_->has_room(); }) && shared_->waits_for_room())
            return blocked();
    }
    return size > 0 && shared_->reader_sleeps() && !ring() ? -1 : size;
}

// From the memory; 0: nothing is there.
ssize_t Medium::take(std::span<const iovec> room) {
    const ssize_t size = shared_->read(room);
    if (size > 0 && writes_shared_ && shared_->writer_waits()) (void)ring();
    return size;
}

ssize_t Medium::read_shared(std::span<const iovec> room) {
    if (const ssize_t size = take(room); size != 0) return size;
    // The bell, or the end: what the other end has written before is read first.
    std::array<std::uint8_t, 64> bells;
    const ssize_t rung = ::read(in_.get(), bells.data(), bells.size());
    const bool waits = rung < 0 && (errno == EAGAIN || errno == EINTR);
    return waits || (rung <= 0 && !shared_->readable()) ? rung : blocked();
}

// What the other end had written to the stream came before, but for its end.
ssize_t Medium::read_beside(std::span<const iovec> room) {
    if (!drained_) {
        const bool more = shared_->readable();
        const ssize_t size = read_stream(room);
        if (size > 0 || (size < 0 && !more)) {
            if (size < 0) tell_writer(false);
            return size;
        }
        drained_ = true;
    }
    if (const ssize_t size = take(room); size != 0) {
        if (awaits_room_) tell_writer(false);
        return size;
    }
    const ssize_t size = read_stream(room);
    tell_writer(size == 0);
    return size == 0 && shared_->readable() ? blocked() : size;
}

// Who polls has been woken, maybe by the bell, maybe for the one who writes.
void Medium::tell_writer(bool gone) {
    const int error = errno;
    std::array<std::uint8_t, 64> bells;
    if (gone) gone_ = true;
    const std::uint64_t once = 1;
    if (::read(shared_->bell(), bells.data(), bells.size()) > 0 || gone)
        (void)!::write(room_.get(), &once, sizeof once);
    errno = error;
}

// False: nobody is there to hear it.
bool Medium::ring() {
    const std::lock_guard lock(closing_);
    const std::uint8_t once = 0;
    const int own = beside_ ? -1 : shared_->bell();
    const ssize_t size = own >= 0  ? ::write(own, &once, sizeof once)
                         : socket_ ? ::send(out_.get(), &once, sizeof once, MSG_NOSIGNAL)
                                   : ::write(out_.get(), &once, sizeof once);
    return size > 0 || errno == EAGAIN || errno == EINTR;
}

} // namespace elsewhere::gateway
