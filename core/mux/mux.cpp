// What this end does: channels and what is sent. What comes is in arrivals.cpp.
#include "core/mux/mux.hpp"

#include <algorithm>

namespace elsewhere::mux {

using wire::Buffer;
using wire::Kind;
using wire::Payload;

Mux::Mux(Before before, Side side) : Mux(side) {
    output_.go_on_from(before.sent);
    sequence_ = before.received;
    if (before.received > 0) hello_.emplace(); // it was read
}

void Mux::end(Error why) {
    if (over_) return;
    over_ = std::move(why);
    for (auto &[id, channel] : channels_) ready(id, *channel);
}

void Mux::wrote(std::size_t size) {
    output_.wrote(size);
    if (dropping_.empty()) return;
    for (const std::uint32_t id : std::exchange(dropping_, {})) erase_if_done(id);
}

Ticket Mux::queue(Kind kind, Payload &&payload, std::uint32_t channel) {
    output_.queue(link_lane_, kind, channel, std::move(payload));
    return {0, link_lane_.queued};
}

bool Mux::is_out(Ticket ticket) const {
    if (ticket.number == 0) return true;
    if (ticket.channel == 0) return output_.is_out(link_lane_, ticket.number);
    const Channel *channel = find(ticket.channel);
    return channel == nullptr || output_.is_out(channel->lane, ticket.number);
}

void Mux::own(Ticket ticket) {
    if (ticket.channel == 0)
        output_.own(link_lane_, ticket.number);
    else if (Channel *channel = find(ticket.channel))
        output_.own(channel->lane, ticket.number);
}

std::optional<Request> Mux::take_request() {
    if (requests_.empty()) return {};
    Request request = std::move(requests_.front());
    requests_.pop_front();
    return request;
}

std::optional<Message> Mux::take_status() {
    if (statuses_.empty()) return {};
    Message message = std::move(statuses_.front());
    statuses_.pop_front();
    return message;
}

std::optional<Message> Mux::take_verdict() {
    if (verdicts_.empty()) return {};
    Message message = std::move(verdicts_.front());
    verdicts_.pop_front();
    return message;
}

Ticket Mux::offer_memory(Payload &&description, bool carried) {
    memory_ = Memory::offered;
    memory_carried_ = carried;
    return queue(Kind::memory, std::move(description));
}

std::optional<Buffer> Mux::take_memory_offer() {
    if (memory_offer_.empty()) return {};
    return std::exchange(memory_offer_, {});
}

std::uint64_t Mux::move_output() {
    if (side_ == Side::worker) memory_ = Memory::taken;
    return output_.mark(Kind::memory);
}

std::optional<wire::Buffer> Mux::take_pong() {
    if (pongs_.empty()) return {};
    wire::Buffer bytes = std::move(pongs_.front());
    pongs_.pop_front();
    return bytes;
}

std::optional<std::uint32_t> Mux::take_ready() {
    if (ready_.empty()) return {};
    const std::uint32_t id = ready_.front();
    ready_.pop_front();
    if (Channel *channel = find(id)) channel->ready = false;
    return id;
}

// --- channels ----------------------------------------------------------------------------------

Mux::Channel *Mux::find(std::uint32_t id) const {
    const auto found = channels_.find(id);
    return found == channels_.end() ? nullptr : found->second.get();
}

Mux::Channel &Mux::make(std::uint32_t id) {
    auto &channel = channels_[id];
    channel = std::make_unique<Channel>(room_);
    channel->strings = strings_;
    return *channel;
}

std::uint32_t Mux::open() {
    if (next_id_ > UINT32_MAX - 2) throw Error(ErrorKind::usage, "there are no more channel ids");
    const std::uint32_t id = next_id_;
    next_id_ += 2;
    make(id);
    return id;
}

void Mux::accept(std::uint32_t id) {
    // One that has come and gone is closed, which state() says of what it does not know too.
    if (id != 0 && !is_ours(id)) (void)named(id);
}

Mux::Channel &Mux::sendable(std::uint32_t id) {
    if (over_) throw Error(*over_);
    Channel *channel = find(id);
    if (channel == nullptr || channel->forgotten || channel->closed_here || channel->closed_there ||
        channel->last_here)
        throw Error(ErrorKind::usage, "channel " + std::to_string(id) + " is closed");
    return *channel;
}

Ticket Mux::exec(std::uint32_t id, Payload &&what) {
    Channel &channel = sendable(id);
    output_.queue(channel.lane, Kind::exec, id, std::move(what));
    return {id, channel.lane.queued};
}

Ticket Mux::send(std::uint32_t id, Payload &&value) {
    Channel &channel = sendable(id);
    output_.queue(channel.lane, Kind::data, id, std::move(value));
    return {id, channel.lane.queued};
}

Ticket Mux::close(std::uint32_t id, Payload &&error) {
    Channel *channel = find(id);
    if (over_ || channel == nullptr || channel->closed_here || channel->closed_there) return {};
    output_.queue(channel->lane, Kind::close, id, std::move(error));
    channel->closed_here = true;
    channel->partial = wire::Buffer();
    ready(id, *channel);
    return {id, channel->lane.queued};
}

Ticket Mux::last(std::uint32_t id) {
    Channel *channel = find(id);
    if (over_ || channel == nullptr || channel->closed_here || channel->closed_there ||
        channel->last_here)
        return {};
    output_.queue(channel->lane, Kind::last, id, {});
    channel->last_here = true;
    return {id, channel->lane.queued};
}

Ticket Mux::limit(std::uint32_t id, std::uint64_t bytes) {
    Channel *channel = find(id);
    if (over_ || channel == nullptr || channel->forgotten) return {};
    channel->wanted = bytes;
    set_window(id, *channel, bytes);
    return {0, link_lane_.queued};
}

void Mux::set_window(std::uint32_t id, Channel &channel, std::uint64_t bytes) {
    if (over_ || channel.closed_here || channel.closed_there) return;
    channel.window = bytes;
    channel.said = channel.taken;
    Buffer said;
    std::memcpy(said.extend(8), &channel.said, 8);
    std::memcpy(said.extend(8), &channel.window, 8);
    queue(Kind::credit, Payload(std::move(said)), id);
}

bool Mux::waits_for_credit(std::uint32_t id) const {
    const Channel *channel = find(id);
    return channel != nullptr && !channel->lane.queue.empty() && !channel->lane.has_credit();
}

Ticket Mux::set_strings(std::uint32_t id, StringRules rules, bool tell) {
    Channel *channel = find(id);
    if (over_ || (id != 0 && channel == nullptr)) return {};
    (id == 0 ? strings_ : channel->strings) = rules;
    if (!tell) return {};
    wire::ValueWriter value;
    value.begin_tuple(2);
    value.boolean(rules.py2str_as_py3str);
    value.boolean(rules.py3str_as_py2str);
    if (id == 0) return queue(Kind::reconfigure, value.finish());
    if (channel->closed_here || channel->closed_there) return {};
    output_.queue(channel->lane, Kind::reconfigure, id, value.finish());
    return {id, channel->lane.queued};
}

void Mux::watch(std::uint32_t id) {
    Channel *channel = find(id);
    if (channel == nullptr) return;
    channel->watched = true;
    if (const ChannelState now = state(id); now.readable || now.finished) ready(id, *channel);
}

void Mux::forget(std::uint32_t id) {
    Channel *channel = find(id);
    if (channel == nullptr) return;
    channel->forgotten = true;
    channel->watched = false;
    channel->inbox.clear();
    channel->partial = wire::Buffer();
    erase_if_done(id);
}

void Mux::erase_if_done(std::uint32_t id) {
    Channel *channel = find(id);
    if (channel == nullptr || !channel->forgotten) return;
    if (!over_ && !output_.is_out(channel->lane, channel->lane.queued)) {
        dropping_.push_back(id);
        return;
    }
    channels_.erase(id);
    spent_.insert(id);
}

ChannelState Mux::state(std::uint32_t id) const {
    const Channel *channel = find(id);
    if (channel == nullptr || channel->forgotten) return {false, true, true, false};
    const bool parted = channel->closed_here || channel->closed_there;
    const bool closed = parted || over_.has_value();
    return {!channel->inbox.empty(), closed || channel->last_there || ending_, closed, true,
            parted};
}

std::optional<Message> Mux::take(std::uint32_t id) {
    Channel *channel = find(id);
    if (channel == nullptr || channel->inbox.empty()) return {};
    Result<Message> message = channel->inbox.take();
    if (!message) {
        end(message.error());
        return {};
    }
    channel->taken += message.value().bytes.size() - std::exchange(channel->ahead, 0);
    if (channel->window != channel->wanted && channel->inbox.empty())
        set_window(id, *channel, channel->wanted); // there is room again
    else if (channel->window != 0)
        give_credit(id, *channel);
    return std::move(message).value();
}

const Message *Mux::error(std::uint32_t id) const {
    const Channel *channel = find(id);
    return channel != nullptr && channel->error ? &*channel->error : nullptr;
}

const Message *Mux::exit(std::uint32_t id) const {
    const Channel *channel = find(id);
    return channel != nullptr && channel->exit ? &*channel->exit : nullptr;
}

// --- the link ----------------------------------------------------------------------------------

Ticket Mux::exit_with(std::uint32_t id, Payload &&code) {
    if (id == 0) return queue(Kind::exit, std::move(code));
    Channel &channel = sendable(id);
    output_.queue(channel.lane, Kind::exit, id, std::move(code));
    return {id, channel.lane.queued};
}

Ticket Mux::terminate() { return queue(Kind::terminate, {}); }
Ticket Mux::ask_status() { return queue(Kind::status, {}); }
Ticket Mux::answer_status(Payload &&status) { return queue(Kind::status, std::move(status)); }
Ticket Mux::ping(Payload &&any) { return queue(Kind::ping, std::move(any)); }
Ticket Mux::engine(std::span<const std::uint8_t> piece) {
    wire::Buffer bytes;
    bytes.append(piece);
    return queue(Kind::engine, Payload(std::move(bytes)));
}

} // namespace elsewhere::mux
