// How a link goes on in memory that both ends share: spec/wire.md, "Shared memory".
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/gateway/link.hpp"

namespace elsewhere::gateway {

void Link::share_memory(std::uint64_t after) {
    const Lock lock = locked();
    may_share_ = true;
    worth_sharing_ = after;
}

void Link::consider_memory() {
    if (may_share_ && mux_.written() + read_ >= worth_sharing_) {
        may_share_ = false;
        shared_ = SharedStream::make();
        if (shared_) (void)mux_.offer_memory(shared_->description());
    }
    if (const auto offer = mux_.take_memory_offer()) {
        shared_ = SharedStream::open(offer->span());
        if (shared_) moves_at_ = mux_.move_output();
    }
    if (mux_.input_moved() && !reads_shared_) {
        reads_shared_ = true;
        shared_->close_file();
        if (!moves_at_ && !writes_shared_) moves_at_ = mux_.move_output();
    }
}

// Whoever only sends reads nothing, nor the other end's word that it shares the memory.
void Link::look_for_memory(Lock &lock) {
    if (shared_ && !reads_shared_ && pumping_ == nullptr && writes_ % 64 == 0)
        (void)wait(lock, Clock::now(), [] { return false; });
}

std::size_t Link::before_move(std::span<iovec> stretches) const {
    if (moves_at_ == 0) return stretches.size();
    std::uint64_t left = moves_at_ - mux_.written();
    std::size_t count = 0;
    for (iovec &stretch : stretches) {
        if (left == 0) break;
        stretch.iov_len = std::min<std::uint64_t>(stretch.iov_len, left);
        left -= stretch.iov_len;
        ++count;
    }
    return count;
}

// All that was before it has been written.
void Link::has_moved() {
    moves_at_ = 0;
    writes_shared_ = true;
    if (shared_->writer_waits()) (void)ring();
}

ssize_t Link::write_shared(std::span<const iovec> stretches) {
    ssize_t size = 0;
    while ((size = shared_->write(stretches)) == 0)
        if (shared_->waits_for_room()) {
            errno = EAGAIN;
            return -1;
        }
    return size > 0 && shared_->reader_sleeps() && !ring() ? -1 : size;
}

ssize_t Link::read_shared(std::span<const iovec> room) {
    if (const ssize_t size = shared_->read(room); size != 0) return size;
    // The bell, or the end: what the other end has written before is read first.
    const ssize_t rung = ::read(in_.get(), scratch_.get(), scratch_size);
    const bool waits = rung < 0 && (errno == EAGAIN || errno == EINTR);
    if (waits || (rung <= 0 && !shared_->readable())) return rung;
    errno = EAGAIN;
    return -1;
}

// False: nobody is there to hear it.
bool Link::ring() const {
    const std::uint8_t once = 0;
    const ssize_t size = socket_ ? ::send(out_.get(), &once, sizeof once, MSG_NOSIGNAL)
                                 : ::write(out_.get(), &once, sizeof once);
    return size > 0 || errno == EAGAIN || errno == EINTR;
}

} // namespace elsewhere::gateway
