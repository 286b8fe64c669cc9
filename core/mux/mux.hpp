#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/mux/id_set.hpp"
#include "core/mux/inbox.hpp"
#include "core/mux/input.hpp"
#include "core/mux/message.hpp"
#include "core/mux/output.hpp"

namespace elsewhere::mux {

enum class Side { controller, worker };

// How far the packets of each direction are that somebody else has sent and read before, its HELLO
// the first of each.
struct Before {
    std::uint32_t sent, received;
};

// One message or packet on its way out; number 0: there was none.
struct Ticket {
    std::uint32_t channel = 0;
    std::uint64_t number = 0;
};

// Channels over one byte stream each way, as spec/wire.md says, without the stream: bytes that
// came are fed, bytes to write are asked for. One thread at a time, but for direct(). What breaks
// the protocol ends the link with an error to ask for (over()); nothing throws for what the other
// end does. Calls that make no sense throw Error{usage}. A channel is known from open(), or from
// the first packet that names it, until forget().
class Mux {
  public:
    // The first packet is HELLO: of this constructor, or of greet(), before anything else.
    explicit Mux(Side side) : side_(side), next_id_(side == Side::controller ? 1 : 2) {}
    Mux(Side side, wire::Payload hello) : Mux(side) { greet(std::move(hello)); }
    Mux(Before before, Side side);
    void greet(wire::Payload &&hello) { queue(wire::Kind::hello, std::move(hello)); }

    // Without one all messages that nobody takes wait in memory. Outlives this.
    void set_overflow(Overflow *overflow) noexcept { room_.overflow = overflow; }

    // --- what comes ---
    void feed(std::span<const std::uint8_t> bytes);
    // Where to read to instead, if not empty; tell took(). See Input.
    [[nodiscard]] std::span<std::uint8_t> direct() { return input_.direct(); }
    void took(std::size_t size);
    void end_of_stream();
    // Ends the link from this end, for this reason.
    void end(Error why);
    // Why the link is over; nullptr while it is not. After EXIT it is over too, in peace.
    [[nodiscard]] const Error *over() const noexcept { return over_ ? &*over_ : nullptr; }
    // The other end broke the protocol, and is to be told so: output() has still that.
    [[nodiscard]] bool last_words() const noexcept { return last_words_; }
    void say_no_more() noexcept { last_words_ = false; }

    [[nodiscard]] const Message *hello() const noexcept { return hello_ ? &*hello_ : nullptr; }
    [[nodiscard]] const Message *exit() const noexcept { return exit_ ? &*exit_ : nullptr; }
    // How many packets have come, modulo 2^32.
    [[nodiscard]] std::uint32_t received() const noexcept { return sequence_; }
    // A worker: TERMINATE has come. Nothing more comes but what waits; sending goes on.
    [[nodiscard]] bool ending() const noexcept { return ending_; }
    [[nodiscard]] bool has_request() const noexcept { return !requests_.empty(); }
    [[nodiscard]] bool has_status() const noexcept { return !statuses_.empty(); }
    [[nodiscard]] bool has_ready() const noexcept { return !ready_.empty(); }
    [[nodiscard]] bool has_verdict() const noexcept { return !verdicts_.empty(); }
    std::optional<Request> take_request();
    std::optional<Message> take_status();
    // What a worker said about the engine that it was offered.
    std::optional<Message> take_verdict();
    std::optional<wire::Buffer> take_pong();
    // A watched channel that has become readable or finished since it was last named here.
    std::optional<std::uint32_t> take_ready();

    // --- what goes ---
    std::size_t output(std::span<iovec> to) {
        return over_ && !last_words_ ? 0 : output_.stretches(to);
    }
    void wrote(std::size_t size);
    [[nodiscard]] bool has_output() const noexcept { return !over_ && !output_.empty(); }
    [[nodiscard]] bool is_out(Ticket ticket) const;
    // The memory attached to it is about to go: copies it, if it is not out.
    void own(Ticket ticket);

    // --- channels ---
    std::uint32_t open();
    // A channel that the other end has opened and named in a value.
    void accept(std::uint32_t id);
    Ticket exec(std::uint32_t id, wire::Payload &&what);
    Ticket send(std::uint32_t id, wire::Payload &&value);
    // Nothing, if it is closed already. `error`: a value, the text; or empty.
    Ticket close(std::uint32_t id, wire::Payload &&error = {});
    Ticket last(std::uint32_t id);
    // The other end waits with what it sends while `bytes` of it were not taken here; 0: not for
    // the program's sake.
    Ticket limit(std::uint32_t id, std::uint64_t bytes);
    // A message that is not out because the other end takes none.
    [[nodiscard]] bool waits_for_credit(std::uint32_t id) const;
    // Channel 0: for all that open later.
    Ticket set_strings(std::uint32_t id, StringRules rules, bool tell = true);
    void watch(std::uint32_t id);
    // The program has dropped it: what it still has to send is sent, what comes is not kept.
    void forget(std::uint32_t id);
    [[nodiscard]] ChannelState state(std::uint32_t id) const;
    std::optional<Message> take(std::uint32_t id);
    // With CLOSE: the value, if there was one. With EXIT of the process behind the channel: that.
    [[nodiscard]] const Message *error(std::uint32_t id) const;
    [[nodiscard]] const Message *exit(std::uint32_t id) const;

    // --- the link ---
    Ticket exit_with(std::uint32_t channel, wire::Payload &&code);
    Ticket terminate();
    Ticket ask_status();
    Ticket answer_status(wire::Payload &&status);
    Ticket ping(wire::Payload &&any);
    Ticket give_up(wire::Payload &&why) { return queue(wire::Kind::close, std::move(why)); }
    // A piece of the engine, at most wire::longest_payload; an empty one ends it.
    Ticket engine(std::span<const std::uint8_t> piece);
    // Memory in the place of the stream, spec/wire.md. A controller offers it, a worker has been
    // offered it (once), either says that its packets go there: those framed from then on, which
    // begin at the returned place of the stream. Whether those of the other end do: what was fed
    // behind that is not looked at, unless what is there is `carried` from the memory.
    Ticket offer_memory(wire::Payload &&description, bool carried = false);
    std::optional<wire::Buffer> take_memory_offer();
    std::uint64_t move_output();
    [[nodiscard]] bool input_moved() const noexcept { return memory_ == Memory::reached; }
    [[nodiscard]] Side side() const noexcept { return side_; }
    // Of the bytes of the stream.
    [[nodiscard]] std::uint64_t written() const noexcept { return output_.written(); }

  private:
    struct Channel {
        explicit Channel(Room &room) : inbox(room) {}
        Lane lane;
        Inbox inbox;
        wire::Buffer partial; // of a message whose pieces come
        bool partial_extended = false;
        bool closed_here = false, closed_there = false;
        bool last_here = false, last_there = false;
        bool forgotten = false, watched = false, ready = false;
        StringRules strings;
        std::optional<Message> error, exit;
        // Credit this end gives: its window (0: none), and what the program wants that to be; what
        // was taken, of that what was said, and what of a message that is still incomplete counts
        // as taken already.
        std::uint64_t window = 0, wanted = 0;
        std::uint64_t taken = 0, said = 0, ahead = 0;
    };
    friend class Input;

    bool begins(const wire::Header &header, wire::Buffer &into);
    bool ends(const wire::Header &header, wire::Buffer &&payload);
    bool fails(Error error);
    bool breach(const std::string &what);
    bool check_channel(const wire::Header &header);
    bool of_link(const wire::Header &header, wire::Buffer &&payload);
    bool of_channel(const wire::Header &header, wire::Buffer &&payload);
    void receive(std::uint32_t id, Channel &channel, const wire::Header &header,
                 wire::Buffer &&payload);
    bool reconfigure(const wire::Header &header, const wire::Buffer &payload);
    bool memory(wire::Buffer &&payload);
    void give_credit(std::uint32_t id, Channel &channel);
    void set_window(std::uint32_t id, Channel &channel, std::uint64_t bytes);
    void close_there(std::uint32_t id, Channel &channel, std::optional<Message> error);
    void ready(std::uint32_t id, Channel &channel);

    Ticket queue(wire::Kind kind, wire::Payload &&payload, std::uint32_t channel = 0);
    [[nodiscard]] bool is_ours(std::uint32_t id) const noexcept {
        return id % 2 == (side_ == Side::controller ? 1 : 0);
    }
    Channel *find(std::uint32_t id) const;
    Channel &make(std::uint32_t id);
    // The channel that a packet names; nullptr if it is gone.
    Channel *named(std::uint32_t id);
    // For sending: throws if that cannot be.
    Channel &sendable(std::uint32_t id);
    void erase_if_done(std::uint32_t id);

    // Of a channel that swamps this end: there is no room for what comes.
    static constexpr std::uint64_t narrow_window = 1 << 20;

    const Side side_;
    Room room_;
    Input input_;
    Output output_;
    Lane link_lane_;
    std::uint32_t sequence_ = 0;
    std::optional<Error> over_;
    bool ending_ = false;
    bool last_words_ = false;

    std::unordered_map<std::uint32_t, std::unique_ptr<Channel>> channels_;
    std::uint32_t next_id_;
    IdSet spent_;
    StringRules strings_;
    std::vector<std::uint32_t> dropping_; // forgotten, with something still to send

    std::optional<Message> hello_, exit_;
    std::deque<Request> requests_;
    std::deque<Message> statuses_, verdicts_;
    std::deque<wire::Buffer> pongs_;
    std::deque<std::uint32_t> ready_;
    // Taken: by this end, a worker. Reached: the other end's packets come there.
    enum class Memory : std::uint8_t { none, offered, taken, reached };
    Memory memory_ = Memory::none;
    bool memory_carried_ = false;
    wire::Buffer memory_offer_;
};

} // namespace elsewhere::mux
