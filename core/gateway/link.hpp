#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "core/base/fd.hpp"
#include "core/gateway/medium.hpp"
#include "core/gateway/spill.hpp"
#include "core/gateway/wakeup.hpp"
#include "core/mux/mux.hpp"

namespace elsewhere::gateway {

struct Received {
    Wait wait;
    mux::Message message{};
};
struct Requested {
    Wait wait;
    mux::Request request{};
};
struct Sent {
    Wait wait;
    mux::Ticket ticket{};
};

// One end of a gateway: the mux with its stream, used by any number of threads. None of them is
// needed: whoever waits reads and writes the stream meanwhile, for all ("pumps"); the others sleep
// until the pump wakes them. start_service() adds a thread that pumps while no caller does.
// A wait ends with `done`, `closed` (no such thing will come), `timed_out`, or `interrupted`: a
// signal was handled in this thread; call again. Errors of use throw Error{usage}; sending over a
// link that has ended throws why. In a forked child it is closed and leaves the stream alone.
// Destroy it when no thread is inside. Writing to a pipe without a reader raises SIGPIPE: ignore
// it.
class Link {
  public:
    // `in` and `out` may be two descriptors of one socket. Both become non-blocking.
    // Without `hello`, greet() comes before anything else.
    Link(Fd in, Fd out, mux::Side side, std::optional<wire::Payload> hello);
    // Goes on where another has read and written; `unread`: what that one has read too much.
    Link(Fd in, Fd out, mux::Side side, mux::Before before, std::span<const std::uint8_t> unread,
         std::shared_ptr<Carrier> carrier = {});
    ~Link();
    Link(const Link &) = delete;
    Link &operator=(const Link &) = delete;

    // --- the link ---
    Received hello(Deadline deadline = {});
    Wait greet(wire::Payload &&hello, Deadline deadline = {});
    // Requests of the other end: EXEC, TERMINATE, STATUS. While one thread waits for them as the
    // `first`, others get none. wake_first(): its wait ends with `interrupted`.
    Requested next_request(Deadline deadline = {}, bool first = false);
    void wake_first();
    [[nodiscard]] std::uint32_t received(); // packets, modulo 2^32
    // A worker: nothing more comes, or the link is over.
    [[nodiscard]] bool ending();
    // Tells the other end why this one cannot go on.
    Wait give_up(wire::Payload &&why, Deadline deadline = {});
    // Another hello, for an engine in it; the engine that a worker wants, whole; and what it says
    // of one that was offered or sent.
    Wait offer_again(const wire::Buffer &hello, Deadline deadline = {});
    Wait send_engine(std::span<const std::uint8_t> bytes, Deadline deadline = {});
    Received verdict(Deadline deadline = {});
    // Asks, and waits for an answer.
    Received status(Deadline deadline = {});
    // Says something that the other end answers by itself, and waits for that.
    Wait ping(Deadline deadline = {});
    Wait answer_status(wire::Payload &&status, Deadline deadline = {});
    // Until everything is written that may be.
    Wait flush(Deadline deadline = {});
    // Until the other end has ended or is lost: `done`. over() then says why, exit_code() how.
    Wait wait_over(Deadline deadline = {});
    // Asks a worker to end, and waits as wait_over does.
    Wait terminate(Deadline deadline = {});
    // Ends it from here, at once: what waits is woken.
    void end(Error why);
    [[nodiscard]] std::optional<Error> over();
    // Closes the descriptors of a link that is over, while no thread is inside.
    void release_stream();
    // Pumps while no caller does; a caller that pumps often is not disturbed.
    void start_service();
    // A controller, whose worker is an engine on this machine, or on that of its carrier's far end:
    // once so many bytes have gone over the link, both ways together, it shall go through memory
    // that both share. If that cannot be, it stays as it is.
    void share_memory(std::uint64_t after = 16 * 1024);

    // --- channels ---
    std::uint32_t open();
    // A send is `done` when the bytes are written; until then the payload's attachments are used.
    // With any other answer what is left of them has been copied, and goes out as soon as somebody
    // pumps; wait_out() waits for it.
    Sent exec(std::uint32_t id, wire::Payload &&what, Deadline deadline = {});
    Sent send(std::uint32_t id, wire::Payload &&value, Deadline deadline = {});
    // Channel 0, from a worker: this end ends.
    Sent exit_with(std::uint32_t id, wire::Payload &&code, Deadline deadline = {});
    Wait wait_out(mux::Ticket ticket, Deadline deadline = {});
    Wait close(std::uint32_t id, wire::Payload &&error = {}, Deadline deadline = {});
    Wait last(std::uint32_t id, Deadline deadline = {});
    // `closed` once nothing more can come, or, without a channel of that id, at once.
    Received receive(std::uint32_t id, Deadline deadline = {});
    // The same without reading the stream: what has come already.
    Received take(std::uint32_t id);
    // Until nothing more can come: `done`, though messages may wait.
    Wait wait_closed(std::uint32_t id, Deadline deadline = {});
    // Once watched, a channel that becomes readable or finished is named by next_ready().
    void watch(std::uint32_t id);
    struct Ready {
        Wait wait;
        std::uint32_t id = 0;
    };
    Ready next_ready(Deadline deadline = {});
    // See Mux. Tells the other end, which obeys from then on.
    Wait limit(std::uint32_t id, std::uint64_t bytes, Deadline deadline = {});
    Wait set_strings(std::uint32_t id, mux::StringRules rules, Deadline deadline = {});
    // A channel of the other end that came as a value. forget(): see Mux.
    void accept(std::uint32_t id);
    void forget(std::uint32_t id);
    [[nodiscard]] mux::ChannelState state(std::uint32_t id);
    // Copies of what came with CLOSE, and with EXIT (channel 0: of the other end), if that came.
    [[nodiscard]] std::optional<mux::Message> error(std::uint32_t id);
    [[nodiscard]] std::optional<mux::Message> exit_code(std::uint32_t id = 0);

  private:
    using Lock = std::unique_lock<std::mutex>;
    // A thread that waits for something. In waiters_ while it sleeps; the first of them sees to it
    // that somebody pumps.
    struct Waiter {
        virtual bool ready() = 0;
        Wakeup wakeup;

      protected:
        ~Waiter() = default;
    };
    template <class Ready> struct WaiterFor final : Waiter {
        explicit WaiterFor(Ready &r) : ready_(r) {}
        bool ready() override { return ready_(); }
        Ready &ready_;
    };

    [[nodiscard]] bool forked() const noexcept;
    void check_process() const;
    // Locked here and for good, unless this is a fork.
    Lock locked();
    template <class Ready> Wait wait(Lock &lock, Deadline deadline, Ready ready) {
        WaiterFor<Ready> waiter(ready);
        return wait_as(waiter, lock, deadline);
    }
    Wait wait_as(Waiter &waiter, Lock &lock, Deadline deadline);
    Wait sleep(Waiter &waiter, Lock &lock, Deadline deadline, bool stepped_down);
    Wait pump(Waiter &waiter, Lock &lock, Deadline deadline, bool &stepped_down);
    void leave(bool stepped_down);
    void read(Lock &lock);
    void write(Lock &lock);
    // Those that go before the others in memory.
    std::size_t before_move(std::span<iovec> stretches) const;
    void consider_memory();
    void look_for_memory(Lock &lock);
    // Wakes the sleepers that can go on; whether there were any.
    bool wake_sleepers();
    // Something has changed outside the pump.
    void tell();
    void nudge();
    Link(mux::Side side, std::optional<mux::Before> before, Fd in, Fd out,
         std::shared_ptr<Carrier> carrier);
    Wait flush(Lock &lock, Deadline deadline);
    Wait go_out(Lock &lock, mux::Ticket ticket, Deadline deadline);
    Wait go_behind(Lock &lock, mux::Ticket ticket, Deadline deadline);

    static constexpr std::size_t scratch_size = 65'536;
    Medium medium_;
    Fd nudge_;
    const std::uint64_t process_; // forks before this one
    std::unique_ptr<std::uint8_t[]> scratch_;
    std::unique_ptr<std::thread> service_;

    std::mutex mutex_; // of all below
    Spill spill_;
    mux::Mux mux_;
    std::list<Waiter *> waiters_;
    Waiter *pumping_ = nullptr;
    bool polls_output_ = false; // the pump will see that there is room
    bool nudged_ = false;
    bool writing_ = false;
    std::uint64_t writes_ = 0; // calls to the system that have ended
    std::uint64_t read_ = 0;   // bytes
    enum class Memory : std::uint8_t { none, allowed, wanted, offered, reached };
    Memory memory_ = Memory::none;
    std::uint64_t worth_sharing_ = 0;
    std::uint64_t moves_at_ = 0; // where output goes on in memory; 0: it does or will not
    bool cannot_write_ = false;
    bool stopping_ = false;
    bool first_waits_ = false; // in next_request()
    bool first_woken_ = false;
    Clock::time_point begun_{}; // when the last pump came
    Clock::time_point left_{};  // when the one before, or it, left
    bool quick_ = false;        // it came back soon
};

} // namespace elsewhere::gateway
