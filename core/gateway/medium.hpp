#pragma once

#include <sys/uio.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "core/base/fd.hpp"
#include "core/gateway/carrier.hpp"
#include "core/gateway/glance.hpp"
#include "core/gateway/shared_stream.hpp"

namespace elsewhere::gateway {

// What a stream goes over: descriptors first; then, where both ends agree, memory, for which the
// descriptors stay as the bell and for the end (spec/wire.md, "Shared memory"); or a carrier. One
// thread at a time reads and polls, one writes. Writing to a pipe without a reader raises SIGPIPE.
class Medium {
  public:
    // `in` and `out` may be two descriptors of one socket, or one of them none; they become
    // non-blocking. Throws Error{internal}.
    Medium(Fd in, Fd out, std::shared_ptr<Carrier> carrier = {});

    // As readv(2) and writev(2) of what does not block. EBADMSG: the other end broke the memory.
    ssize_t read(std::span<const iovec> room);
    ssize_t write(std::span<const iovec> stretches);
    // Until there is something to read, `other` can be read, there is `room` to write where that is
    // wanted, or the time is over; looks for a moment first. As ppoll(2).
    struct Polled {
        int count = 0;
        bool in = false, other = false;
    };
    Polled poll(int other, bool room, const timespec *timeout);
    // For who writes where another thread polls: until there may be room. False: `stop` can be
    // read.
    bool wait_for_room(int stop);
    // For who polls where another thread writes, as long as it does not read: until one of the two
    // can be read, or it is worth while to look again.
    void attend(int one, int other);
    // What has come in a pipe is not read yet.
    [[nodiscard]] bool holds_input() const;
    // The end, for who reads at the other end. Nobody writes any more.
    void close_output();
    void close();

    // --- memory, in the order of what both ends do ---
    // Made here, or asked for; description() is of it, once, when it is there. `beside`: what comes
    // on the stream is read on, and what is in the memory is behind it; one thread writes while
    // another polls. Else input_moves() says where the stream ends.
    void make_memory(bool beside = false);
    [[nodiscard]] std::optional<wire::Payload> description();
    // What the other end has made; false where that cannot be.
    bool open_memory(std::span<const std::uint8_t> description);
    // The other end's packets, or those of this one, are in the memory from here on.
    void input_moves();
    void output_moves();

    // Whether packets go on on the stream behind the word that they are in memory.
    [[nodiscard]] bool carried() const noexcept { return carrier_ != nullptr; }

  private:
    ssize_t write_shared(std::span<const iovec> stretches);
    ssize_t read_shared(std::span<const iovec> room);
    ssize_t read_beside(std::span<const iovec> room);
    ssize_t read_carried(std::span<const iovec> room);
    ssize_t read_stream(std::span<const iovec> room) const;
    ssize_t take(std::span<const iovec> room);
    bool ring();
    void tell_writer(bool gone);

    Fd in_, out_;
    bool socket_;
    Glance glance_;      // of who polls
    Glance room_glance_; // of who writes
    std::shared_ptr<Carrier> carrier_;
    bool reads_carried_ = false; // nothing more comes over `in_`
    std::unique_ptr<SharedStream> shared_;
    bool described_ = false;
    bool drained_ = false; // the stream, before what is beside it
    std::atomic<bool> beside_ = false, reads_shared_ = false, writes_shared_ = false;
    Fd room_; // tells who writes, where another thread polls
    std::atomic<bool> awaits_room_ = false;
    std::atomic<bool> gone_ = false; // the other end of the memory
    std::mutex closing_;             // of `out_`, while it may be rung on
};

} // namespace elsewhere::gateway
