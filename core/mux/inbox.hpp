#pragma once

#include <deque>

#include "core/base/result.hpp"
#include "core/mux/message.hpp"
#include "core/mux/overflow.hpp"

namespace elsewhere::mux {

// What the inboxes of one link share.
struct Room {
    // As much waits in memory before the overflow is used, with what is kept of each message.
    static constexpr std::size_t most_in_memory = 8 << 20;

    Overflow *overflow = nullptr;
    std::size_t in_memory = 0;

    [[nodiscard]] bool is_full() const noexcept { return in_memory > most_in_memory; }
};

// The messages of one channel that nobody has taken. Once those of all are many, they go to the
// overflow: long ones each, short ones in packs, of which one entry stays in memory.
class Inbox {
  public:
    explicit Inbox(Room &room) : room_(room) {}
    ~Inbox() { clear(); }
    Inbox(const Inbox &) = delete;
    Inbox &operator=(const Inbox &) = delete;

    void put(Message &&message);
    // Only if there is one. An Error{io}: it cannot be read any more.
    Result<Message> take();
    void clear();
    [[nodiscard]] bool empty() const noexcept { return messages_.empty(); }
    // The overflow has no room either, and much of what stays in memory is of this channel.
    [[nodiscard]] bool is_swamped() const noexcept {
        return (room_.overflow == nullptr || refused_) && room_.is_full() &&
               in_memory_ > longest_pack;
    }

  private:
    // Worth a place of its own in the overflow; shorter ones are packed up to this.
    static constexpr std::size_t longest_pack = 256 << 10;

    void append(Message &&message);
    void spill();
    bool keep(const wire::Buffer &bytes, const Message &like, std::size_t messages);
    void count(std::size_t bytes) noexcept;
    void discount(std::size_t bytes) noexcept;

    Room &room_;
    std::deque<Message> messages_;
    std::size_t in_memory_ = 0;
    // Those at the end that are in memory, behind what is in the overflow.
    std::size_t loose_ = 0, loose_bytes_ = 0;
    bool refused_ = false; // the overflow had no room the last time
};

} // namespace elsewhere::mux
