// How threads share the stream: one of those that wait pumps, the others sleep.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/gateway/link.hpp"

namespace elsewhere::gateway {

namespace {

using namespace std::chrono_literals;

// A pump that left is expected back within this, if it was the last time; else another is woken
// at once, which costs that thread's wake-up and the next caller's too.
constexpr auto soon = 1ms;
// How long the first of the sleepers lets the stream alone while others come and go.
constexpr auto patience = 2ms;

// Gives malloc a block to learn from. As long as it has seen none that was longer go, it gives
// memory back to the system whenever 128 KiB at its end are free, and takes what is longer from
// there each time: page faults that cost six times as much as to copy a message of 64 KiB
// (mallopt(3), M_MMAP_THRESHOLD).
void keep_memory_between_messages() {
    static const bool done = [] {
        void *volatile block = std::malloc(1 << 20);
        std::free(block);
        return true;
    }();
    (void)done;
}

Error broken_memory() {
    return {ErrorKind::protocol, "the other end broke the memory that it shares with this one"};
}

Deadline earlier(Deadline a, Deadline b) { return !a ? b : !b ? a : std::min(*a, *b); }

} // namespace

Wait Link::wait_as(Waiter &waiter, Lock &lock, Deadline deadline) {
    bool stepped_down = false;
    for (;;) {
        if (waiter.ready()) return Wait::done;
        if (mux_.over() != nullptr) return Wait::closed;
        const bool sleeps = pumping_ != nullptr || stepped_down;
        const Wait wait = sleeps ? sleep(waiter, lock, deadline, std::exchange(stepped_down, false))
                                 : pump(waiter, lock, deadline, stepped_down);
        if (waiter.ready() || wait == Wait::done) continue;
        if (wait == Wait::timed_out && (!deadline || Clock::now() < *deadline)) continue;
        return wait;
    }
}

// Until the waiter can go on, or is to pump.
Wait Link::sleep(Waiter &waiter, Lock &lock, Deadline deadline, bool stepped_down) {
    if (pumping_ != nullptr && mux_.has_output() && !writing_ && !polls_output_) nudge();
    const auto place = waiters_.insert(stepped_down ? waiters_.begin() : waiters_.end(), &waiter);
    Wait wait = Wait::done;
    for (;;) {
        waiter.wakeup.reset();
        Deadline until = deadline;
        // The first looks after the stream, as long as pumps may go without a word: see leave().
        if (waiters_.front() == &waiter) {
            const auto now = Clock::now();
            if (pumping_ == nullptr)
                until = earlier(deadline, now + patience);
            else if (now < begun_ + patience)
                until = earlier(deadline, begun_ + patience);
        }
        lock.unlock();
        wait = waiter.wakeup.sleep(until);
        lock.lock();
        if (wait == Wait::interrupted || waiter.ready() || mux_.over() != nullptr) break;
        const auto now = Clock::now();
        if (deadline && now >= *deadline) break;
        if (pumping_ == nullptr && (wait == Wait::done || now - left_ >= soon)) break;
    }
    const bool was_first = waiters_.front() == &waiter;
    waiters_.erase(place);
    if (was_first && !waiters_.empty()) waiters_.front()->wakeup.wake();
    return wait;
}

// Reads and writes until the waiter can go on, or has woken another who is likely to pump next.
Wait Link::pump(Waiter &waiter, Lock &lock, Deadline deadline, bool &stepped_down) {
    begun_ = Clock::now();
    quick_ = begun_ - left_ < soon;
    pumping_ = &waiter;
    Wait wait = Wait::done;
    while (!waiter.ready() && mux_.over() == nullptr) {
        if (mux_.has_output() && !writing_) {
            write(lock);
            wake_sleepers();
            if (waiter.ready()) break;
        }
        polls_output_ = mux_.has_output() && !writing_ && !cannot_write_;
        nudged_ = false;
        lock.unlock();
        timespec left{};
        if (deadline) {
            const auto ns = std::max<std::chrono::nanoseconds>(*deadline - Clock::now(), 0ns);
            left = {static_cast<time_t>(ns.count() / 1'000'000'000),
                    static_cast<long>(ns.count() % 1'000'000'000)};
        }
        const Medium::Polled polled =
            medium_.poll(nudge_.get(), polls_output_, deadline ? &left : nullptr);
        const int error = errno;
        if (polled.in)
            read(lock);
        else
            lock.lock();
        polls_output_ = false;
        if (polled.other) {
            std::uint64_t times = 0;
            (void)!::read(nudge_.get(), &times, sizeof times);
        }
        if (polled.count < 0 && error != EINTR)
            mux_.end(Error(ErrorKind::internal,
                           std::string("cannot wait for the stream: ") + std::strerror(error)));
        if (polled.count <= 0) {
            wait = polled.count == 0 ? Wait::timed_out : Wait::interrupted;
            break;
        }
        if (wake_sleepers() && !mux_.has_output() && !waiter.ready()) {
            stepped_down = true;
            break;
        }
    }
    // What has come last may have let something go: an answer, what waited for credit.
    if (mux_.has_output() && !writing_) {
        write(lock);
        wake_sleepers();
    }
    pumping_ = nullptr;
    leave(stepped_down);
    return wait;
}

// Sees to it that the stream is looked after, at once or within `patience`.
void Link::leave(bool stepped_down) {
    left_ = Clock::now();
    if (mux_.over() != nullptr) {
        for (Waiter *other : waiters_) other->wakeup.wake();
        return;
    }
    const bool expected_back = quick_ && left_ - begun_ < patience;
    if (waiters_.empty() || stepped_down || (expected_back && !mux_.has_output())) return;
    waiters_.front()->wakeup.wake();
}

// One read, as much as there is room for. Comes without the lock, goes with it.
void Link::read(Lock &lock) {
    const auto direct = mux_.direct();
    if (!direct.empty()) keep_memory_between_messages();
    // Behind what is long comes a header, and likely the same again: to read more would be to copy
    // more.
    const iovec room[] = {{direct.data(), direct.size()},
                          {scratch_.get(), direct.empty() ? scratch_size : wire::header_size}};
    const ssize_t size = medium_.read(std::span(room).subspan(direct.empty() ? 1 : 0));
    const int error = errno;
    lock.lock();
    if (size > 0) {
        const auto count = static_cast<std::size_t>(size);
        const std::size_t placed = std::min(count, direct.size());
        if (placed != 0) mux_.took(placed);
        if (count != placed) mux_.feed({scratch_.get(), count - placed});
        read_ += count;
        consider_memory();
        if (mux_.last_words() && !writing_) { // else whoever writes goes on with them
            write(lock);                      // as much as there is room for
            mux_.say_no_more();
        }
    } else if (size == 0) {
        mux_.end_of_stream();
    } else if (error == ECONNRESET) {
        mux_.end_of_stream();
    } else if (error == EBADMSG) {
        mux_.end(broken_memory());
    } else if (error != EAGAIN && error != EINTR) {
        mux_.end(Error(ErrorKind::disconnected,
                       std::string("the connection was lost: ") + std::strerror(error)));
    }
}

// Writes until there is nothing left or no room. The lock is not held while it does.
void Link::write(Lock &lock) {
    writing_ = true;
    iovec stretches[32];
    consider_memory();
    while (std::size_t count = cannot_write_ ? 0 : mux_.output(stretches)) {
        count = before_move({stretches, count});
        lock.unlock();
        const ssize_t size = medium_.write({stretches, count});
        const int error = errno;
        lock.lock();
        ++writes_;
        if (size > 0) {
            mux_.wrote(static_cast<std::size_t>(size));
            if (moves_at_ != 0 && mux_.written() == moves_at_) {
                moves_at_ = 0;
                medium_.output_moves();
            }
        } else if (error == EAGAIN) {
            break;
        } else if (error == EBADMSG) {
            mux_.end(broken_memory());
        } else if (error != EINTR) {
            // What the other end said before it went may still be read: that ends the link.
            cannot_write_ = true;
        }
    }
    writing_ = false;
}

bool Link::wake_sleepers() {
    bool woke = false;
    for (Waiter *waiter : waiters_)
        if (waiter->ready()) {
            waiter->wakeup.wake();
            woke = true;
        }
    return woke;
}

void Link::tell() {
    const bool over = mux_.over() != nullptr;
    if (over) {
        for (Waiter *waiter : waiters_) waiter->wakeup.wake();
    } else {
        wake_sleepers();
    }
    // A pump that found another writing does not know that this one has stopped for want of room.
    const bool stuck = mux_.has_output() && !writing_ && !polls_output_ && !cannot_write_;
    if (pumping_ != nullptr && (over || stuck || pumping_->ready())) nudge();
}

void Link::nudge() {
    if (pumping_ == nullptr || std::exchange(nudged_, true)) return;
    const std::uint64_t once = 1;
    (void)!::write(nudge_.get(), &once, sizeof once);
}

void Link::start_service() {
    check_process();
    const Lock lock(mutex_);
    if (service_) return;
    sigset_t all, before;
    sigfillset(&all);
    // Signals are for the program's threads.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    service_ = std::make_unique<std::thread>([this] {
        Lock inside(mutex_);
        while (!stopping_ && mux_.over() == nullptr) wait(inside, {}, [this] { return stopping_; });
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

} // namespace elsewhere::gateway
