#include "core/mux/inbox.hpp"

#include <iterator>
#include <utility>
#include <vector>

namespace elsewhere::mux {

namespace {

// What a message takes beside its bytes: its entry, and the allocator's share.
constexpr std::size_t entry = sizeof(Message) + 32;

std::size_t cost(const Message &message) { return message.bytes.size() + entry; }

// How a message of a pack begins.
struct PackHeader {
    std::size_t size;
    bool extended;
    StringRules strings;
};

} // namespace

void Inbox::count(std::size_t bytes) noexcept {
    in_memory_ += bytes;
    room_.in_memory += bytes;
}

void Inbox::discount(std::size_t bytes) noexcept {
    in_memory_ -= bytes;
    room_.in_memory -= bytes;
}

void Inbox::append(Message &&message) {
    const std::size_t bytes = cost(message);
    count(bytes);
    ++loose_;
    loose_bytes_ += bytes;
    messages_.push_back(std::move(message));
}

void Inbox::put(Message &&message) {
    // One that is alone is likely to be taken at once, however long it is.
    const bool alone = room_.in_memory == 0;
    append(std::move(message));
    if (!alone && room_.overflow != nullptr && room_.is_full() && loose_bytes_ >= longest_pack)
        spill();
}

// Moves the loose ones to the overflow, as far as there is room.
void Inbox::spill() {
    const auto first = messages_.end() - static_cast<std::ptrdiff_t>(loose_);
    std::vector<Message> loose(std::make_move_iterator(first),
                               std::make_move_iterator(messages_.end()));
    messages_.erase(first, messages_.end());
    discount(loose_bytes_);
    loose_ = loose_bytes_ = 0;
    auto message = loose.begin();
    while (message != loose.end()) {
        if (cost(*message) >= longest_pack) {
            if (!keep(message->bytes, *message, 0)) break;
            ++message;
            continue;
        }
        wire::Buffer pack;
        auto end = message;
        for (; end != loose.end() && cost(*end) < longest_pack && pack.size() < longest_pack;
             ++end) {
            const PackHeader header = {end->bytes.size(), end->extended, end->strings};
            std::memcpy(pack.extend(sizeof header), &header, sizeof header);
            pack.append(end->bytes.span());
        }
        if (!keep(pack, *message, static_cast<std::size_t>(end - message))) break;
        message = end;
    }
    refused_ = message != loose.end();
    for (; message != loose.end(); ++message) append(std::move(*message));
}

bool Inbox::keep(const wire::Buffer &bytes, const Message &like, std::size_t messages) {
    const auto at = room_.overflow->keep(bytes.span());
    if (at)
        messages_.push_back(
            {{}, like.extended, like.strings, Message::Kept{*at, bytes.size(), messages}});
    return at.has_value();
}

Result<Message> Inbox::take() {
    Message message = std::move(messages_.front());
    messages_.pop_front();
    if (messages_.empty()) refused_ = false;
    if (const Message::Kept kept = std::exchange(message.kept, {}); kept.size != 0) {
        if (!room_.overflow->give_back(kept.at, {message.bytes.extend(kept.size), kept.size}))
            return Error(ErrorKind::io, "a message that waited in a temporary file cannot be read");
        if (kept.messages == 0) return message;
        std::deque<Message> unpacked;
        auto rest = message.bytes.span();
        std::size_t bytes = 0;
        while (!rest.empty()) {
            PackHeader header;
            std::memcpy(&header, rest.data(), sizeof header);
            Message &one = unpacked.emplace_back();
            one.bytes.append(rest.subspan(sizeof header, header.size));
            one.extended = header.extended;
            one.strings = header.strings;
            bytes += cost(one);
            rest = rest.subspan(sizeof header + header.size);
        }
        count(bytes);
        messages_.insert(messages_.begin(), std::make_move_iterator(unpacked.begin()),
                         std::make_move_iterator(unpacked.end()));
        return take();
    }
    discount(cost(message));
    if (loose_ > messages_.size()) {
        --loose_;
        loose_bytes_ -= cost(message);
    }
    return message;
}

void Inbox::clear() {
    for (const Message &message : messages_)
        if (message.kept.size != 0) room_.overflow->forget(message.kept.at, message.kept.size);
    discount(in_memory_);
    messages_.clear();
    loose_ = loose_bytes_ = 0;
    refused_ = false;
}

} // namespace elsewhere::mux
