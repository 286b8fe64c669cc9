// What the other end does: packets that come.
#include <algorithm>
#include <cstring>

#include "core/mux/mux.hpp"
#include "core/wire/value.hpp"

namespace elsewhere::mux {

using wire::Buffer;
using wire::Header;
using wire::Kind;

namespace {

// PONGs and CREDITs that the other end has caused and does not read.
constexpr std::size_t most_answers = 10'000;
// How far ahead a message may say how long it will be.
constexpr std::size_t most_reserved = 256 << 20;

Message message_of(const Header &header, Buffer &&payload, StringRules strings = {}) {
    return {std::move(payload), (header.flags & wire::flag::extended) != 0, strings};
}

} // namespace

void Mux::feed(std::span<const std::uint8_t> bytes) {
    if (!over_) input_.feed(bytes, *this);
}

void Mux::took(std::size_t size) {
    if (!over_) input_.took(size, *this);
}

void Mux::end_of_stream() { end(Error(ErrorKind::disconnected, "the connection was lost")); }

bool Mux::fails(Error error) {
    if (!over_ && error.kind() == ErrorKind::protocol) {
        wire::ValueWriter text;
        text.text(std::string_view(error.what()));
        (void)give_up(text.finish());
        last_words_ = true;
    }
    end(std::move(error));
    return false;
}

bool Mux::breach(const std::string &what) {
    return fails(Error(ErrorKind::protocol, "the other end broke the protocol: " + what));
}

bool Mux::begins(const Header &header, Buffer &into) {
    if (header.sequence != ++sequence_)
        return breach("packet " + std::to_string(header.sequence) + " came as number " +
                      std::to_string(sequence_));
    if (header.address != 0) return breach("an address, though there is no relay");
    if ((header.kind == Kind::hello) != (sequence_ == 1 && !hello_))
        return breach("HELLO is not its first packet, and only that");
    if (!check_channel(header)) return false;
    if (header.kind == Kind::data)
        if (Channel *channel = named(header.channel))
            if (!channel->closed_here && !channel->forgotten) into = std::move(channel->partial);
    return true;
}

bool Mux::check_channel(const Header &header) {
    const bool zero = header.channel == 0;
    switch (header.kind) {
    case Kind::hello:
    case Kind::terminate:
    case Kind::ping:
    case Kind::pong:
    case Kind::status:
    case Kind::engine:
    case Kind::memory:
        if (!zero) return breach("a channel where there is none");
        break;
    case Kind::close:
        if (zero) return true; // the link ends: it says why
        [[fallthrough]];
    case Kind::data:
    case Kind::exec:
    case Kind::last:
    case Kind::credit:
        if (zero) return breach("no channel where there must be one");
        if (is_ours(header.channel) && header.channel >= next_id_)
            return breach("a channel that was never opened");
        break;
    case Kind::exit:
    case Kind::reconfigure: break;
    }
    if (header.kind == Kind::exec && (is_ours(header.channel) || find(header.channel) != nullptr ||
                                      spent_.contains(header.channel)))
        return breach("EXEC on a channel that is in use");
    // A worker that has one of these already has its engine.
    const bool for_worker = header.kind == Kind::terminate;
    const bool for_controller = header.kind == Kind::exit || header.kind == Kind::engine;
    if (side_ == Side::controller ? for_worker : for_controller)
        return breach("a packet that goes the other way only");
    return true;
}

bool Mux::ends(const Header &header, Buffer &&payload) {
    return header.channel == 0 ? of_link(header, std::move(payload))
                               : of_channel(header, std::move(payload));
}

bool Mux::of_link(const Header &header, Buffer &&payload) {
    switch (header.kind) {
    case Kind::hello: hello_ = message_of(header, std::move(payload)); break;
    case Kind::exit:
        // The stream may stay open: a process that the other end has started may hold it.
        exit_ = message_of(header, std::move(payload));
        return fails(Error(ErrorKind::disconnected, "the other end has ended"));
    case Kind::close: {
        auto why = wire::decode(payload.span(), (header.flags & wire::flag::extended) != 0);
        const std::string *text = why.ok() ? why.value().as<std::string>() : nullptr;
        return fails(Error(ErrorKind::remote, text != nullptr ? *text : "the other end gave up"));
    }
    case Kind::terminate:
        requests_.push_back({header.kind, 0, {}});
        ending_ = true;
        for (auto &[id, channel] : channels_) ready(id, *channel);
        break;
    case Kind::engine:
        if (verdicts_.size() < most_answers)
            verdicts_.push_back(message_of(header, std::move(payload)));
        break;
    case Kind::memory: return memory(std::move(payload));
    case Kind::status:
        if (payload.empty())
            requests_.push_back({header.kind, 0, {}});
        else
            statuses_.push_back(message_of(header, std::move(payload)));
        break;
    case Kind::ping:
        if (link_lane_.queue.size() > most_answers) return breach("it asks and does not listen");
        queue(Kind::pong, wire::Payload(std::move(payload)));
        break;
    case Kind::pong:
        if (pongs_.size() < most_answers) pongs_.push_back(std::move(payload));
        break;
    case Kind::reconfigure: return reconfigure(header, payload);
    default: break; // check_channel has refused them
    }
    return true;
}

// An offer from the controller, then an empty one from each end.
bool Mux::memory(Buffer &&payload) {
    const bool offers = !payload.empty();
    const bool for_here =
        offers ? side_ == Side::worker && memory_ == Memory::none
               : memory_ == (side_ == Side::controller ? Memory::offered : Memory::taken);
    if (!for_here) return breach("a memory that was not agreed on");
    memory_ = offers ? Memory::offered : Memory::reached;
    memory_offer_ = std::move(payload);
    return offers || memory_carried_; // else, what is behind it on this stream are no packets
}

bool Mux::of_channel(const Header &header, Buffer &&payload) {
    if (header.kind == Kind::exec) {
        make(header.channel);
        requests_.push_back(
            {header.kind, header.channel, message_of(header, std::move(payload), strings_)});
        return true;
    }
    Channel *channel = named(header.channel);
    if (channel == nullptr || channel->closed_there) return true;
    // What was sent before CLOSE may still wait for it.
    if (channel->closed_here && header.kind != Kind::credit) return true;
    switch (header.kind) {
    case Kind::data:
        if (channel->last_there) return breach("a message after the last one");
        if (!channel->forgotten) receive(header.channel, *channel, header, std::move(payload));
        break;
    case Kind::close: {
        std::optional<Message> error;
        if (!payload.empty()) error = message_of(header, std::move(payload), channel->strings);
        close_there(header.channel, *channel, std::move(error));
        break;
    }
    case Kind::last:
        channel->last_there = true;
        ready(header.channel, *channel);
        break;
    case Kind::credit: {
        std::uint64_t consumed = 0;
        std::memcpy(&consumed, payload.data(), sizeof consumed);
        if (consumed > channel->lane.sent || consumed < channel->lane.consumed)
            return breach("credit for what was never sent");
        channel->lane.consumed = consumed;
        if (payload.size() == 16)
            std::memcpy(&channel->lane.window, payload.data() + 8, sizeof channel->lane.window);
        output_.resume(channel->lane);
        break;
    }
    case Kind::exit: channel->exit = message_of(header, std::move(payload)); break;
    case Kind::reconfigure: return reconfigure(header, payload);
    default: break;
    }
    return true;
}

void Mux::receive(std::uint32_t id, Channel &channel, const Header &header, Buffer &&payload) {
    const bool more = (header.flags & wire::flag::more) != 0;
    const bool extended =
        std::exchange(channel.partial_extended, false) || (header.flags & wire::flag::extended);
    if (more) {
        const bool first = payload.size() == header.size;
        channel.partial = std::move(payload);
        channel.partial_extended = extended;
        if (first) {
            const std::size_t whole = wire::expected_size(channel.partial.span());
            if (whole > channel.partial.size() && whole <= most_reserved)
                channel.partial.reserve_more(whole - channel.partial.size());
        }
    } else {
        channel.inbox.put({std::move(payload), extended, channel.strings});
        ready(id, channel);
        if (channel.inbox.is_swamped() && (channel.window == 0 || channel.window > narrow_window))
            set_window(id, channel, narrow_window);
    }
    if (channel.window != 0) give_credit(id, channel);
}

// What is taken is whole messages. A message that comes while no other waits counts as it comes,
// or one longer than the window would never end.
void Mux::give_credit(std::uint32_t id, Channel &channel) {
    if (channel.inbox.empty() && channel.partial.size() > channel.ahead) {
        channel.taken += channel.partial.size() - channel.ahead;
        channel.ahead = channel.partial.size();
    }
    if (channel.taken - channel.said < std::max<std::uint64_t>(channel.window / 4, 1)) return;
    if (over_ || channel.closed_here || channel.closed_there) return;
    channel.said = channel.taken;
    Buffer said;
    std::memcpy(said.extend(8), &channel.said, 8);
    queue(Kind::credit, wire::Payload(std::move(said)), id);
}

void Mux::close_there(std::uint32_t id, Channel &channel, std::optional<Message> error) {
    channel.closed_there = true;
    channel.error = std::move(error);
    channel.partial = Buffer();
    output_.drop(channel.lane);
    ready(id, channel);
    erase_if_done(id);
}

void Mux::ready(std::uint32_t id, Channel &channel) {
    if (!channel.watched || channel.ready) return;
    channel.ready = true;
    ready_.push_back(id);
}

Mux::Channel *Mux::named(std::uint32_t id) {
    if (Channel *channel = find(id)) return channel;
    // A channel may come as a value, and be used at once.
    if (is_ours(id) || spent_.contains(id)) return nullptr;
    return &make(id);
}

bool Mux::reconfigure(const Header &header, const Buffer &payload) {
    const auto *bytes = payload.data();
    const auto is_bool = [&](std::size_t at) { return bytes[at] == 'T' || bytes[at] == 'F'; };
    if (payload.size() != 7 || std::memcmp(bytes, "(\2\0\0\0", 5) != 0 || !is_bool(5) ||
        !is_bool(6))
        return breach("RECONFIGURE without its two bools");
    set_strings(header.channel, {bytes[5] == 'T', bytes[6] == 'T'}, false);
    return true;
}

} // namespace elsewhere::mux
