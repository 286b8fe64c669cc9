#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "core/wire/packet.hpp"
#include "core/wire/value_writer.hpp"

namespace elsewhere::mux {

// What one channel has yet to send, in order. Packets of one lane keep their order; lanes take
// turns, a packet each.
struct Lane {
    struct Outgoing {
        wire::Kind kind;
        std::uint32_t channel;
        bool extended;
        std::uint64_t number; // in this lane
        std::vector<std::span<const std::uint8_t>> stretches;
        std::size_t at = 0;   // the stretch that is next
        std::size_t left = 0; // bytes
        wire::Buffer written{};
        // Memory of the sender's caller, and copies of it.
        std::vector<std::span<const std::uint8_t>> borrowed{};
        std::vector<wire::Buffer> owned{};
    };
    std::deque<Outgoing> queue;
    bool waits_its_turn = false;
    std::uint64_t queued = 0;    // packets and messages given to this lane
    std::uint64_t framed = 0;    // of these, on the stream's way
    std::uint64_t framed_to = 0; // where on the stream the last of these ends
    // Credit, spec/wire.md: 0 is no window.
    std::uint64_t window = 0;
    std::uint64_t sent = 0;
    std::uint64_t consumed = 0;

    [[nodiscard]] bool has_credit() const noexcept {
        return window == 0 || sent - consumed < window;
    }
};

// The stream that leaves: gives packets their sequence, cuts long messages, lets lanes take turns.
// Bytes of a message are not copied but when it is short. Not locked; spans given by stretches()
// stay good while others are queued, until wrote().
class Output {
  public:
    // Short payloads are copied and on their way at once if their lane is free.
    static constexpr std::size_t short_payload = 4096;
    // As much is on its way at a time: what comes later waits for no more than that.
    static constexpr std::size_t ahead = 2 * wire::piece_size;

    // `sequence` packets have gone before, by another.
    void go_on_from(std::uint32_t sequence) noexcept { sequence_ = sequence; }
    // May leave `payload` as it was, if its bytes were copied.
    void queue(Lane &lane, wire::Kind kind, std::uint32_t channel, wire::Payload &&payload);
    // Something that kept `lane` from sending is gone.
    void resume(Lane &lane);
    // Forgets what is not yet on its way.
    void drop(Lane &lane);
    // Copies what message `number` has borrowed.
    void own(Lane &lane, std::uint64_t number);

    // An empty packet before all that is not framed yet; where it ends on the stream.
    std::uint64_t mark(wire::Kind kind);

    // Fills `to` with what is to be written next; how many. 0: there is nothing to write.
    std::size_t stretches(std::span<iovec> to);
    void wrote(std::size_t size);
    [[nodiscard]] bool empty() const noexcept { return framed_ == written_ && turns_.empty(); }
    [[nodiscard]] std::uint64_t written() const noexcept { return written_; }
    [[nodiscard]] bool is_out(const Lane &lane, std::uint64_t number) const noexcept {
        return lane.framed >= number && written_ >= lane.framed_to;
    }

  private:
    struct Chunk {
        static constexpr std::size_t size = 65'536;
        std::unique_ptr<std::uint8_t[]> bytes{new std::uint8_t[size]};
        std::size_t used = 0;
        std::uint64_t ends = 0; // where on the stream its last byte goes
    };
    struct Sent {
        std::uint64_t ends;
        const Lane *lane;
        Lane::Outgoing outgoing;
    };

    std::uint8_t *room(std::size_t size);
    void push(const std::uint8_t *data, std::size_t size);
    std::uint8_t *frame(const wire::Header &header, std::size_t also);
    void frame_piece(Lane &lane);
    static void copy_borrowed(Lane::Outgoing &outgoing, std::deque<iovec> &stretches);

    std::uint32_t sequence_ = 0;
    std::uint64_t framed_ = 0;
    std::uint64_t written_ = 0;
    std::deque<iovec> stretches_;
    std::deque<Chunk> chunks_;
    std::deque<Sent> sent_;
    std::deque<Lane *> turns_;
};

} // namespace elsewhere::mux
