#include "core/mux/output.hpp"

#include <algorithm>

namespace elsewhere::mux {

using wire::header_size;

void Output::queue(Lane &lane, wire::Kind kind, std::uint32_t channel, wire::Payload &&payload) {
    const std::size_t size = payload.size();
    const bool message = kind == wire::Kind::data;
    if (!message && size > wire::longest_payload)
        throw Error(ErrorKind::usage, "this is too long to be sent other than as a message",
                    "send it over the channel");
    const std::uint64_t number = ++lane.queued;
    const std::uint8_t extended = payload.extended() ? wire::flag::extended : 0;
    if (size <= short_payload && lane.queue.empty() && framed_ - written_ < ahead &&
        (!message || lane.has_credit())) {
        std::uint8_t *to =
            frame({static_cast<std::uint32_t>(size), kind, extended, 0, channel, 0}, size);
        payload.each_stretch([&](auto stretch) {
            std::copy(stretch.begin(), stretch.end(), to);
            to += stretch.size();
        });
        if (message) lane.sent += size;
        lane.framed = number;
        lane.framed_to = framed_;
        return;
    }
    Lane::Outgoing outgoing{kind, channel, extended != 0, number, {}};
    outgoing.left = size;
    payload.each_stretch([&](auto stretch) { outgoing.stretches.push_back(stretch); });
    for (const auto &attachment : payload.attachments())
        outgoing.borrowed.push_back(attachment.bytes);
    outgoing.written = std::move(payload).take_written();
    lane.queue.push_back(std::move(outgoing));
    resume(lane);
}

void Output::resume(Lane &lane) {
    if (lane.waits_its_turn || lane.queue.empty()) return;
    if (lane.queue.front().kind == wire::Kind::data && !lane.has_credit()) return;
    lane.waits_its_turn = true;
    turns_.push_back(&lane);
}

void Output::drop(Lane &lane) {
    if (!lane.queue.empty()) {
        // Of the first, pieces may be on their way.
        sent_.push_back({framed_, &lane, std::move(lane.queue.front())});
        lane.queue.clear();
    }
    std::erase(turns_, &lane);
    lane.waits_its_turn = false;
    lane.framed = lane.queued;
    lane.framed_to = framed_; // the memory of the first is in use until then
}

std::uint64_t Output::mark(wire::Kind kind) {
    frame({.kind = kind}, 0);
    return framed_;
}

std::size_t Output::stretches(std::span<iovec> to) {
    while (framed_ - written_ < ahead && !turns_.empty()) {
        Lane &lane = *turns_.front();
        turns_.pop_front();
        lane.waits_its_turn = false;
        frame_piece(lane);
        resume(lane);
    }
    const std::size_t count = std::min(to.size(), stretches_.size());
    std::copy_n(stretches_.begin(), count, to.begin());
    return count;
}

void Output::frame_piece(Lane &lane) {
    Lane::Outgoing &outgoing = lane.queue.front();
    const bool message = outgoing.kind == wire::Kind::data;
    std::size_t size = outgoing.left;
    std::uint8_t flags = outgoing.extended ? wire::flag::extended : 0;
    if (message && size > wire::piece_size) {
        size = wire::piece_size;
        flags |= wire::flag::more;
    }
    frame({static_cast<std::uint32_t>(size), outgoing.kind, flags, 0, outgoing.channel, 0}, 0);
    framed_ += size;
    outgoing.left -= size;
    if (message) lane.sent += size;
    while (size != 0) {
        auto &stretch = outgoing.stretches[outgoing.at];
        const std::size_t part = std::min(size, stretch.size());
        push(stretch.data(), part);
        stretch = stretch.subspan(part);
        if (stretch.empty()) ++outgoing.at;
        size -= part;
    }
    if (outgoing.left != 0) return;
    lane.framed = outgoing.number;
    lane.framed_to = framed_;
    sent_.push_back({framed_, &lane, std::move(outgoing)});
    lane.queue.pop_front();
}

// Frames a header and leaves room for `also` bytes behind it, which it returns.
std::uint8_t *Output::frame(const wire::Header &header, std::size_t also) {
    std::uint8_t *at = room(header_size + also);
    wire::Header numbered = header;
    numbered.sequence = ++sequence_;
    wire::encode(numbered, at);
    framed_ += header_size + also;
    chunks_.back().ends = framed_;
    push(at, header_size + also);
    return at + header_size;
}

std::uint8_t *Output::room(std::size_t size) {
    if (chunks_.empty() || Chunk::size - chunks_.back().used < size) chunks_.emplace_back();
    Chunk &chunk = chunks_.back();
    std::uint8_t *at = chunk.bytes.get() + chunk.used;
    chunk.used += size;
    return at;
}

void Output::push(const std::uint8_t *data, std::size_t size) {
    if (!stretches_.empty()) {
        iovec &last = stretches_.back();
        if (static_cast<std::uint8_t *>(last.iov_base) + last.iov_len == data) {
            last.iov_len += size;
            return;
        }
    }
    stretches_.push_back({const_cast<std::uint8_t *>(data), size});
}

void Output::wrote(std::size_t size) {
    written_ += size;
    while (size != 0) {
        iovec &first = stretches_.front();
        if (size < first.iov_len) {
            first.iov_base = static_cast<std::uint8_t *>(first.iov_base) + size;
            first.iov_len -= size;
            break;
        }
        size -= first.iov_len;
        stretches_.pop_front();
    }
    while (!sent_.empty() && sent_.front().ends <= written_) sent_.pop_front();
    while (chunks_.size() > 1 && chunks_.front().ends <= written_) chunks_.pop_front();
    if (framed_ == written_ && !chunks_.empty()) chunks_.front().used = 0;
}

// Every stretch that lies in borrowed memory, here and among those on their way, gets a copy.
void Output::copy_borrowed(Lane::Outgoing &outgoing, std::deque<iovec> &stretches) {
    const auto copy = [&](const std::uint8_t *at, std::size_t size) -> const std::uint8_t * {
        const bool borrowed = std::ranges::any_of(outgoing.borrowed, [&](auto range) {
            return at >= range.data() && at < range.data() + range.size();
        });
        if (!borrowed || size == 0) return at;
        outgoing.owned.emplace_back().append({at, size});
        return outgoing.owned.back().data();
    };
    for (auto &stretch : outgoing.stretches)
        stretch = {copy(stretch.data(), stretch.size()), stretch.size()};
    for (iovec &stretch : stretches)
        stretch.iov_base = const_cast<std::uint8_t *>(
            copy(static_cast<const std::uint8_t *>(stretch.iov_base), stretch.iov_len));
    outgoing.borrowed.clear();
}

void Output::own(Lane &lane, std::uint64_t number) {
    for (Lane::Outgoing &outgoing : lane.queue)
        if (outgoing.number == number) copy_borrowed(outgoing, stretches_);
    for (Sent &sent : sent_)
        if (sent.outgoing.number == number && sent.lane == &lane)
            copy_borrowed(sent.outgoing, stretches_);
}

} // namespace elsewhere::mux
