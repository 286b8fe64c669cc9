#include "core/gateway/link.hpp"

#include <pthread.h>
#include <sys/eventfd.h>

#include <atomic>

namespace elsewhere::gateway {

using mux::Message;
using mux::Ticket;
using wire::Payload;

namespace {

std::atomic<std::uint64_t> forks = 0;

std::uint64_t forks_so_far() {
    static const int registered = ::pthread_atfork(nullptr, nullptr, [] { ++forks; });
    (void)registered;
    return forks;
}

std::optional<Message> copy(const Message *message) {
    if (message == nullptr) return {};
    Message made{{}, message->extended, message->strings};
    made.bytes.append(message->bytes.span());
    return made;
}

} // namespace

Link::Link(Fd in, Fd out, mux::Side side, std::optional<Payload> hello)
    : Link(side, std::nullopt, std::move(in), std::move(out), {}) {
    if (!hello) return;
    Lock lock(mutex_);
    mux_.greet(std::move(*hello));
    write(lock);
}

Link::Link(Fd in, Fd out, mux::Side side, mux::Before before, std::span<const std::uint8_t> unread,
           std::shared_ptr<Carrier> carrier)
    : Link(side, before, std::move(in), std::move(out), std::move(carrier)) {
    mux_.feed(unread);
}

Link::Link(mux::Side side, std::optional<mux::Before> before, Fd in, Fd out,
           std::shared_ptr<Carrier> carrier)
    : medium_(std::move(in), std::move(out), std::move(carrier)),
      nudge_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), process_(forks_so_far()),
      scratch_(new std::uint8_t[scratch_size]),
      mux_(before ? mux::Mux(*before, side) : mux::Mux(side)) {
    if (!nudge_) throw Error(ErrorKind::internal, "there are no file descriptors left");
    mux_.set_overflow(&spill_);
}

Link::~Link() {
    if (forked()) {
        (void)service_.release(); // there is no such thread here
        return;
    }
    {
        const Lock lock(mutex_);
        stopping_ = true;
        tell();
    }
    if (service_) service_->join();
}

bool Link::forked() const noexcept { return forks.load(std::memory_order_relaxed) != process_; }

void Link::check_process() const {
    if (forked())
        throw Error(ErrorKind::disconnected, "this gateway belongs to the process that forked this",
                    "make a gateway of its own here");
}

Link::Lock Link::locked() {
    check_process();
    return Lock(mutex_);
}

// What is to be sent has been queued; writes, and reads as long as there is no room.
Wait Link::go_out(Lock &lock, Ticket ticket, Deadline deadline) {
    if (!writing_) {
        write(lock);
        if (pumping_ != nullptr || !waiters_.empty()) tell();
    }
    look_for_memory(lock);
    if (mux_.is_out(ticket)) return Wait::done;
    const Wait result = wait(lock, deadline, [&] {
        return mux_.is_out(ticket) || cannot_write_ ||
               (mux_.ending() && mux_.waits_for_credit(ticket.channel));
    });
    if (mux_.is_out(ticket)) return Wait::done;
    mux_.own(ticket);
    // Another thread may be writing just these bytes from where they were; the next time it has
    // the copies. (Were they copied after that, it could be writing them once more already.)
    for (const auto before = writes_; writing_ && writes_ == before;) {
        lock.unlock();
        std::this_thread::yield();
        lock.lock();
    }
    return result == Wait::done ? Wait::closed : result;
}

// The same, without waiting where the other end does not take what is before it: goes when it does.
Wait Link::go_behind(Lock &lock, Ticket ticket, Deadline deadline) {
    if (!mux_.waits_for_credit(ticket.channel)) return go_out(lock, ticket, deadline);
    mux_.own(ticket);
    return Wait::done;
}

// --- the link ----------------------------------------------------------------------------------

Received Link::hello(Deadline deadline) {
    Lock lock = locked();
    const Wait result = wait(lock, deadline, [&] { return mux_.hello() != nullptr; });
    if (result != Wait::done) return {result};
    return {result, std::move(*copy(mux_.hello()))};
}

Wait Link::greet(Payload &&hello, Deadline deadline) {
    Lock lock = locked();
    mux_.greet(std::move(hello));
    return flush(lock, deadline);
}

Requested Link::next_request(Deadline deadline, bool first) {
    Lock lock = locked();
    for (;;) {
        if (first) first_waits_ = true;
        const Wait result = wait(lock, deadline, [&] {
            if (mux_.ending()) return true;
            return first ? mux_.has_request() || first_woken_ : mux_.has_request() && !first_waits_;
        });
        if (first) first_waits_ = false;
        const bool woken = first && std::exchange(first_woken_, false);
        if (result != Wait::done) return {result};
        if (auto request = mux_.take_request()) {
            if (mux_.has_request()) tell(); // the others may have the next
            return {result, std::move(*request)};
        }
        if (woken) return {Wait::interrupted};
        if (mux_.ending()) return {Wait::closed};
    }
}

void Link::wake_first() {
    if (forked()) return;
    const Lock lock(mutex_);
    first_woken_ = true;
    tell();
}

std::uint32_t Link::received() {
    if (forked()) return 0;
    const Lock lock(mutex_);
    return mux_.received();
}

bool Link::ending() {
    if (forked()) return true;
    const Lock lock(mutex_);
    return mux_.ending() || mux_.over() != nullptr;
}

Wait Link::give_up(Payload &&why, Deadline deadline) {
    Lock lock = locked();
    if (mux_.over() != nullptr) return Wait::closed;
    return go_out(lock, mux_.give_up(std::move(why)), deadline);
}

Wait Link::offer_again(const wire::Buffer &hello, Deadline deadline) {
    Lock lock = locked();
    if (mux_.over() != nullptr) return Wait::closed;
    return go_out(lock, mux_.engine({hello.data(), hello.size()}), deadline);
}

Wait Link::send_engine(std::span<const std::uint8_t> bytes, Deadline deadline) {
    for (bool last = false; !last;) {
        const auto piece = bytes.first(std::min<std::size_t>(bytes.size(), wire::piece_size));
        bytes = bytes.subspan(piece.size());
        last = piece.empty();
        Lock lock = locked();
        if (mux_.over() != nullptr) return Wait::closed;
        const Wait wait = go_out(lock, mux_.engine(piece), deadline);
        if (wait == Wait::closed || wait == Wait::timed_out) return wait;
    }
    return Wait::done;
}

Received Link::verdict(Deadline deadline) {
    Lock lock = locked();
    const Wait result = wait(lock, deadline, [&] { return mux_.has_verdict(); });
    if (result != Wait::done) return {result};
    return {result, std::move(*mux_.take_verdict())};
}

Received Link::status(Deadline deadline) {
    Lock lock = locked();
    if (mux_.over() != nullptr) return {Wait::closed};
    const Wait asked = go_out(lock, mux_.ask_status(), deadline);
    if (asked != Wait::done) return {asked};
    const Wait result = wait(lock, deadline, [&] { return mux_.has_status(); });
    if (result != Wait::done) return {result};
    return {result, std::move(*mux_.take_status())};
}

Wait Link::ping(Deadline deadline) {
    Lock lock = locked();
    if (mux_.over() != nullptr) return Wait::closed;
    const Wait asked = go_out(lock, mux_.ping({}), deadline);
    if (asked != Wait::done) return asked;
    bool answered = false;
    return wait(lock, deadline,
                [&] { return answered = answered || mux_.take_pong().has_value(); });
}

Wait Link::answer_status(Payload &&status, Deadline deadline) {
    Lock lock = locked();
    if (mux_.over() != nullptr) return Wait::closed;
    return go_out(lock, mux_.answer_status(std::move(status)), deadline);
}

Wait Link::flush(Deadline deadline) {
    Lock lock = locked();
    return flush(lock, deadline);
}

Wait Link::flush(Lock &lock, Deadline deadline) {
    if (!writing_) write(lock);
    const Wait result = wait(lock, deadline, [&] { return !mux_.has_output() || cannot_write_; });
    return result == Wait::done && (cannot_write_ || mux_.over() != nullptr) ? Wait::closed
                                                                             : result;
}

Wait Link::wait_over(Deadline deadline) {
    Lock lock = locked();
    return wait(lock, deadline, [&] { return mux_.over() != nullptr; });
}

Wait Link::terminate(Deadline deadline) {
    {
        Lock lock = locked();
        if (mux_.over() != nullptr) return Wait::done;
        const Wait asked = go_out(lock, mux_.terminate(), deadline);
        if (asked == Wait::timed_out || asked == Wait::interrupted) return asked;
    }
    return wait_over(deadline);
}

void Link::end(Error why) {
    if (forked()) return;
    const Lock lock(mutex_);
    mux_.end(std::move(why));
    tell();
}

std::optional<Error> Link::over() {
    if (forked()) return Error(ErrorKind::disconnected, "this process was forked");
    const Lock lock(mutex_);
    return mux_.over() != nullptr ? std::optional(*mux_.over()) : std::nullopt;
}

void Link::release_stream() {
    const Lock lock(mutex_);
    if (mux_.over() == nullptr)
        throw Error(ErrorKind::internal, "the stream of a link in use is closed");
    medium_.close();
}

// --- channels ----------------------------------------------------------------------------------

std::uint32_t Link::open() {
    const Lock lock = locked();
    return mux_.open();
}

Sent Link::exec(std::uint32_t id, Payload &&what, Deadline deadline) {
    Lock lock = locked();
    const Ticket ticket = mux_.exec(id, std::move(what));
    return {go_out(lock, ticket, deadline), ticket};
}

Sent Link::send(std::uint32_t id, Payload &&value, Deadline deadline) {
    Lock lock = locked();
    const Ticket ticket = mux_.send(id, std::move(value));
    return {go_out(lock, ticket, deadline), ticket};
}

Sent Link::exit_with(std::uint32_t id, Payload &&code, Deadline deadline) {
    Lock lock = locked();
    if (mux_.over() != nullptr) return {Wait::closed};
    const Ticket ticket = mux_.exit_with(id, std::move(code));
    return {go_out(lock, ticket, deadline), ticket};
}

Wait Link::wait_out(Ticket ticket, Deadline deadline) {
    Lock lock = locked();
    return go_out(lock, ticket, deadline);
}

Wait Link::close(std::uint32_t id, Payload &&error, Deadline deadline) {
    if (forked()) return Wait::closed;
    Lock lock(mutex_);
    const Wait result = go_behind(lock, mux_.close(id, std::move(error)), deadline);
    tell(); // who receives from it here
    return result;
}

Wait Link::last(std::uint32_t id, Deadline deadline) {
    if (forked()) return Wait::closed;
    Lock lock(mutex_);
    return go_behind(lock, mux_.last(id), deadline);
}

Received Link::receive(std::uint32_t id, Deadline deadline) {
    Lock lock = locked();
    for (;;) {
        const Wait result = wait(lock, deadline, [&] {
            const mux::ChannelState now = mux_.state(id);
            return now.readable || now.finished;
        });
        if (result == Wait::timed_out || result == Wait::interrupted) return {result};
        if (auto message = mux_.take(id)) {
            if (mux_.has_output() && !writing_) { // credit
                write(lock);
                tell();
            }
            return {Wait::done, std::move(*message)};
        }
        if (mux_.state(id).finished) return {Wait::closed};
    }
}

Received Link::take(std::uint32_t id) {
    Lock lock = locked();
    if (auto message = mux_.take(id)) {
        if (mux_.has_output() && !writing_) { // credit
            write(lock);
            tell();
        }
        return {Wait::done, std::move(*message)};
    }
    return {mux_.state(id).finished ? Wait::closed : Wait::timed_out};
}

Wait Link::wait_closed(std::uint32_t id, Deadline deadline) {
    Lock lock = locked();
    return wait(lock, deadline, [&] { return mux_.state(id).finished; });
}

void Link::watch(std::uint32_t id) {
    const Lock lock = locked();
    mux_.watch(id);
    tell();
}

Link::Ready Link::next_ready(Deadline deadline) {
    Lock lock = locked();
    for (;;) {
        const Wait result = wait(lock, deadline, [&] { return mux_.has_ready(); });
        if (result != Wait::done) return {result};
        if (const auto id = mux_.take_ready()) return {result, *id};
    }
}

Wait Link::limit(std::uint32_t id, std::uint64_t bytes, Deadline deadline) {
    Lock lock = locked();
    return go_out(lock, mux_.limit(id, bytes), deadline);
}

Wait Link::set_strings(std::uint32_t id, mux::StringRules rules, Deadline deadline) {
    Lock lock = locked();
    return go_out(lock, mux_.set_strings(id, rules), deadline);
}

void Link::accept(std::uint32_t id) {
    const Lock lock = locked();
    mux_.accept(id);
}

void Link::forget(std::uint32_t id) {
    if (forked()) return;
    const Lock lock(mutex_);
    mux_.forget(id);
}

mux::ChannelState Link::state(std::uint32_t id) {
    if (forked()) return {false, true, true, false};
    const Lock lock(mutex_);
    return mux_.state(id);
}

std::optional<Message> Link::error(std::uint32_t id) {
    const Lock lock = locked();
    return copy(mux_.error(id));
}

std::optional<Message> Link::exit_code(std::uint32_t id) {
    const Lock lock = locked();
    return copy(id == 0 ? mux_.exit() : mux_.exit(id));
}

} // namespace elsewhere::gateway
