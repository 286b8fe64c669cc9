#include "core/mux/mux.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>

#include "core/wire/value.hpp"

namespace elsewhere::mux {
namespace {

using wire::Kind;
using wire::Value;
using Bytes = Value::Bytes;

wire::Payload payload(const Value &value) { return wire::Payload(wire::encode(value).joined()); }
wire::Payload text(const std::string &v) { return payload({v}); }
wire::Payload number(std::int64_t v) { return payload({v}); }

// All that an end has to say by now; at most `limit` bytes.
Bytes said(Mux &mux, std::size_t limit = SIZE_MAX) {
    Bytes bytes;
    iovec stretches[16];
    while (const std::size_t count = mux.output(stretches)) {
        std::size_t wrote = 0;
        for (std::size_t i = 0; i < count && bytes.size() < limit; ++i) {
            const auto *at = static_cast<const std::uint8_t *>(stretches[i].iov_base);
            const std::size_t size = std::min(stretches[i].iov_len, limit - bytes.size());
            bytes.insert(bytes.end(), at, at + size);
            wrote += size;
        }
        mux.wrote(wrote);
        if (bytes.size() == limit) break;
    }
    return bytes;
}

std::vector<wire::Header> headers(const Bytes &stream) {
    std::vector<wire::Header> all;
    for (std::size_t at = 0; at < stream.size(); at += wire::header_size + all.back().size) {
        const std::span<const std::uint8_t> from = std::span(stream).subspan(at);
        all.push_back(wire::decode(from.first<wire::header_size>()).value());
    }
    return all;
}

std::string shown(std::optional<Message> message) {
    if (!message) return "nothing";
    return wire::show(wire::decode(message->bytes.span(), message->extended).value());
}

struct Ends {
    Mux here{Side::controller, text("controller")};
    Mux there{Side::worker, text("worker")};

    Ends() { talk(); }
    void talk() {
        while (here.has_output() || there.has_output()) {
            const Bytes a = said(here), b = said(there);
            if (a.empty() && b.empty()) break; // without credit
            there.feed(a);
            here.feed(b);
        }
    }
    std::uint32_t channel() {
        const std::uint32_t id = here.open();
        here.exec(id, text("code"));
        talk();
        EXPECT_EQ(there.take_request()->channel, id);
        return id;
    }
};

TEST(Mux, greets_runs_code_and_carries_messages_both_ways) {
    Ends ends;
    EXPECT_EQ(wire::show(wire::decode(ends.there.hello()->bytes.span(), false).value()),
              "'controller'");
    const std::uint32_t id = ends.channel();
    EXPECT_EQ(id, 1u);
    ends.here.send(id, number(6));
    ends.there.send(id, number(7));
    ends.talk();
    EXPECT_EQ(shown(ends.there.take(id)), "6");
    EXPECT_EQ(shown(ends.here.take(id)), "7");
    EXPECT_EQ(shown(ends.here.take(id)), "nothing");
    EXPECT_EQ(ends.here.over(), nullptr);
}

TEST(Mux, fed_byte_by_byte_or_read_into_directly_is_as_fed_at_once) {
    Mux sender(Side::controller, text("hello"));
    const auto id = sender.open();
    sender.exec(id, text("code"));
    const std::string texts[] = {"short", std::string(300'000, 'x'), "", std::string(131'072, 'y')};
    for (const auto &t : texts) sender.send(id, text(t));
    sender.close(id, text("an error"));
    const Bytes stream = said(sender);

    Mux bytewise(Side::worker, text("w")), direct(Side::worker, text("w")),
        at_once(Side::worker, text("w"));
    for (const std::uint8_t byte : stream) bytewise.feed({&byte, 1});
    at_once.feed(stream);
    std::mt19937 random(7);
    int directly = 0;
    for (std::size_t at = 0; at < stream.size();) {
        std::size_t size = std::min<std::size_t>(1 + random() % 20'000, stream.size() - at);
        if (const auto room = direct.direct(); !room.empty()) {
            size = std::min(size, room.size());
            std::copy_n(stream.begin() + at, size, room.begin());
            direct.took(size);
            ++directly;
        } else {
            size = std::min<std::size_t>(size, 16);
            direct.feed(std::span(stream).subspan(at, size));
        }
        at += size;
    }
    EXPECT_GT(directly, 10);
    for (Mux *mux : {&bytewise, &direct, &at_once}) {
        ASSERT_EQ(mux->over(), nullptr) << mux->over()->message();
        EXPECT_EQ(mux->take_request()->channel, id);
        for (const auto &t : texts) EXPECT_EQ(shown(mux->take(id)), "'" + t + "'");
        EXPECT_TRUE(mux->state(id).finished);
        ASSERT_NE(mux->error(id), nullptr);
    }
}

TEST(Mux, does_not_hold_up_a_channel_for_the_long_message_of_another) {
    Ends ends;
    const auto a = ends.channel(), b = ends.channel();
    ends.here.send(a, payload({Bytes(10'000'000)}));
    const Bytes before = said(ends.here, 100'000);
    ends.here.send(b, number(1));
    Bytes stream = before;
    const Bytes after = said(ends.here);
    stream.insert(stream.end(), after.begin(), after.end());
    std::size_t at = 0;
    for (const auto &header : headers(stream)) {
        EXPECT_LE(header.size, wire::piece_size);
        if (header.channel == b) break;
        at += wire::header_size + header.size;
    }
    EXPECT_LT(at, before.size() + Output::ahead + 2 * wire::piece_size);
    ends.there.feed(stream);
    EXPECT_TRUE(ends.there.state(a).readable);
    EXPECT_TRUE(ends.there.state(b).readable);
}

TEST(Mux, sends_attached_bytes_from_where_they_are_until_told_to_own_them) {
    Ends ends;
    const auto id = ends.channel();
    Bytes memory(400'000);
    for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<std::uint8_t>(i % 251);
    wire::ValueWriter writer;
    writer.bytes(memory);
    const Ticket ticket = ends.here.send(id, writer.finish());
    iovec stretches[16];
    const std::size_t count = ends.here.output(stretches);
    bool attached = false;
    for (std::size_t i = 0; i < count; ++i) attached |= stretches[i].iov_base == memory.data();
    EXPECT_TRUE(attached);
    ends.there.feed(said(ends.here, 50'000));
    EXPECT_FALSE(ends.here.is_out(ticket));
    ends.here.own(ticket);
    const Bytes was = std::exchange(memory, Bytes(memory.size(), 0xee));
    std::fill(memory.begin(), memory.end(), 0xee);
    ends.talk();
    EXPECT_TRUE(ends.here.is_out(ticket));
    EXPECT_EQ(shown(ends.there.take(id)), wire::show({was}));
}

TEST(Mux, tells_the_end_of_a_channel_and_its_error_after_its_messages) {
    Ends ends;
    const auto id = ends.channel();
    ends.there.send(id, number(1));
    ends.there.exit_with(id, number(3));
    ends.there.close(id, text("Traceback"));
    ends.here.send(id, number(2)); // crosses it
    ends.talk();
    EXPECT_TRUE(ends.here.state(id).closed);
    EXPECT_TRUE(ends.here.state(id).readable);
    EXPECT_EQ(shown(ends.here.take(id)), "1");
    EXPECT_EQ(ends.here.error(id)->bytes.size(), text("Traceback").size());
    EXPECT_NE(ends.here.exit(id), nullptr);
    EXPECT_THROW(ends.here.send(id, number(3)), Error);
    ends.here.close(id);
    EXPECT_EQ(shown(ends.there.take(id)), "nothing");
    ends.here.forget(id);
    ends.there.forget(id);
    EXPECT_FALSE(ends.here.state(id).known);
    EXPECT_EQ(ends.here.over(), nullptr);
    EXPECT_EQ(ends.there.over(), nullptr);
}

TEST(Mux, goes_on_reading_from_an_end_that_has_said_its_last) {
    Ends ends;
    const auto id = ends.channel();
    ends.there.last(id);
    ends.talk();
    EXPECT_TRUE(ends.here.state(id).finished);
    EXPECT_FALSE(ends.here.state(id).closed);
    EXPECT_THROW(ends.there.send(id, number(1)), Error);
    ends.here.send(id, number(5));
    ends.talk();
    EXPECT_EQ(shown(ends.there.take(id)), "5");
}

TEST(Mux, keeps_what_comes_for_a_channel_that_arrives_as_a_value_later) {
    Ends ends;
    const auto id = ends.channel();
    const auto other = ends.there.open();
    EXPECT_EQ(other, 2u);
    ends.there.send(other, number(8));
    ends.talk();
    ends.here.accept(other);
    EXPECT_EQ(shown(ends.here.take(other)), "8");
    ends.here.send(other, number(9));
    ends.talk();
    EXPECT_EQ(shown(ends.there.take(other)), "9");
    ends.here.close(other);
    ends.here.forget(other);
    ends.there.send(other, number(10)); // on its way as CLOSE goes
    ends.talk();
    EXPECT_FALSE(ends.here.state(other).known);
    ends.here.accept(other);
    EXPECT_FALSE(ends.here.state(other).known) << "an id is used once";
    EXPECT_TRUE(ends.here.state(id).known);
}

TEST(Mux, stops_at_the_end_of_a_window_and_goes_on_as_messages_are_taken) {
    Ends ends;
    const auto id = ends.channel();
    ends.there.limit(id, 1000);
    ends.talk();
    const std::string part(400, 'p');
    for (int i = 0; i < 100; ++i) ends.here.send(id, text(part));
    ends.talk();
    EXPECT_TRUE(ends.here.has_output() == false) << "nothing is to be written without credit";
    int taken = 0;
    while (ends.there.take(id)) ++taken;
    EXPECT_EQ(taken, 3);
    for (; taken < 100; ++taken) {
        ends.talk();
        ASSERT_TRUE(ends.there.take(id)) << taken;
    }
    // Neither does a message that is longer than the window wait for ever.
    ends.here.send(id, text(std::string(500'000, 'x')));
    ends.here.send(id, number(1));
    ends.talk();
    EXPECT_EQ(shown(ends.there.take(id)).size(), 500'002u);
    ends.talk();
    EXPECT_EQ(shown(ends.there.take(id)), "1");
}

// Memory in the place of a file, with so much room.
class Shelf final : public Overflow {
  public:
    std::optional<std::uint64_t> keep(std::span<const std::uint8_t> bytes) override {
        if (bytes.size() > room) return {};
        room -= bytes.size();
        kept[next].assign(bytes.begin(), bytes.end());
        return next++;
    }
    bool give_back(std::uint64_t at, std::span<std::uint8_t> to) override {
        std::ranges::copy(kept.at(at), to.begin());
        forget(at, to.size());
        return true;
    }
    void forget(std::uint64_t at, std::size_t size) override {
        room += size;
        kept.erase(at);
    }
    std::size_t room = 0;
    std::uint64_t next = 0;
    std::map<std::uint64_t, Bytes> kept;
};

TEST(Mux, keeps_short_messages_in_packs_and_long_ones_each_and_gives_them_back_in_order) {
    Shelf shelf;
    shelf.room = 1 << 30;
    Ends ends;
    ends.there.set_overflow(&shelf);
    const auto id = ends.channel(), other = ends.channel();
    std::mt19937 random(7);
    std::deque<std::size_t> sizes;
    for (int i = 0; i < 20'000; ++i) {
        sizes.push_back(i % 500 == 0 ? 300'000 : random() % 2000);
        ends.here.send(id, text(std::string(sizes.back(), static_cast<char>('a' + i % 26))));
        if (i % 100 == 0) ends.here.send(other, number(i));
        ends.talk();
        if (i % 3 == 0) { // somebody takes, but too little
            EXPECT_EQ(shown(ends.there.take(id)).size(), sizes.front() + 2);
            sizes.pop_front();
        }
    }
    EXPECT_GT(shelf.kept.size(), 20u);
    EXPECT_LT(shelf.kept.size(), 200u) << "short ones have a place each";
    for (int i = 0; i < 20'000; i += 100)
        ASSERT_EQ(shown(ends.there.take(other)), std::to_string(i));
    for (int i = 20'000 - static_cast<int>(sizes.size()); !sizes.empty(); ++i, sizes.pop_front())
        ASSERT_EQ(shown(ends.there.take(id)),
                  "'" + std::string(sizes.front(), static_cast<char>('a' + i % 26)) + "'");
    EXPECT_TRUE(shelf.kept.empty());
}

TEST(Mux, does_not_narrow_the_window_for_a_long_message_that_is_alone) {
    Shelf shelf;
    shelf.room = 1 << 30;
    Ends ends;
    ends.there.set_overflow(&shelf);
    const auto id = ends.channel();
    ends.here.send(id, text(std::string(20 << 20, 'x')));
    ends.talk();
    ends.here.send(id, text(std::string(2 << 20, 'x')));
    ends.here.send(id, text(std::string(2 << 20, 'x')));
    EXPECT_FALSE(ends.here.waits_for_credit(id));
    ends.talk();
    for (const std::size_t size : {20 << 20, 2 << 20, 2 << 20})
        EXPECT_EQ(shown(ends.there.take(id)).size(), size + 2);
    EXPECT_TRUE(shelf.kept.empty());
}

TEST(Mux, holds_up_only_the_channel_for_which_there_is_no_room) {
    Shelf shelf;
    shelf.room = 20 << 20;
    Ends ends;
    ends.there.set_overflow(&shelf);
    const auto id = ends.channel(), other = ends.channel();
    constexpr int count = 1000;
    for (int i = 0; i < count; ++i) {
        ends.here.send(id, text(std::string(100'000, 'x')));
        ends.talk();
    }
    EXPECT_TRUE(ends.here.waits_for_credit(id));
    for (int i = 0; i < 10; ++i) {
        ends.here.send(other, number(i));
        ends.talk();
        EXPECT_EQ(shown(ends.there.take(other)), std::to_string(i));
    }
    for (int i = 0; i < count; ++i) {
        ASSERT_EQ(shown(ends.there.take(id)).size(), 100'002u) << i;
        ends.talk();
    }
    EXPECT_FALSE(ends.here.waits_for_credit(id));
    EXPECT_TRUE(shelf.kept.empty());
    // It is over with the window, too.
    for (int i = 0; i < 30; ++i) ends.here.send(id, text(std::string(100'000, 'y')));
    ends.talk();
    EXPECT_FALSE(ends.here.waits_for_credit(id));
}

TEST(Mux, answers_pings_and_passes_requests_on) {
    Ends ends;
    ends.here.ping(text("anyone?"));
    ends.here.ask_status();
    ends.here.terminate();
    ends.talk();
    EXPECT_EQ(ends.here.take_pong()->size(), text("anyone?").size());
    EXPECT_EQ(ends.there.take_request()->kind, Kind::status);
    EXPECT_EQ(ends.there.take_request()->kind, Kind::terminate);
    ends.there.answer_status(number(4));
    ends.there.exit_with(0, number(0));
    ends.talk();
    EXPECT_EQ(shown(ends.here.take_status()), "4");
    EXPECT_NE(ends.here.exit(), nullptr);
}

TEST(Mux, marks_messages_with_the_string_rules_they_came_under) {
    Ends ends;
    const auto id = ends.channel();
    ends.here.send(id, number(1));
    ends.here.set_strings(id, {false, true});
    ends.here.send(id, number(2));
    ends.talk();
    EXPECT_EQ(ends.there.take(id)->strings, (StringRules{true, false}));
    EXPECT_EQ(ends.there.take(id)->strings, (StringRules{false, true}));
}

TEST(Mux, names_a_watched_channel_once_each_time_something_comes) {
    Ends ends;
    const auto a = ends.channel(), b = ends.channel();
    ends.here.watch(a);
    for (int i = 0; i < 3; ++i) ends.there.send(a, number(i));
    ends.there.send(b, number(1));
    ends.talk();
    EXPECT_EQ(ends.here.take_ready(), a);
    EXPECT_EQ(ends.here.take_ready(), std::nullopt);
    ends.there.close(a);
    ends.talk();
    EXPECT_EQ(ends.here.take_ready(), a);
}

TEST(Mux, that_loses_its_stream_closes_its_channels_with_the_reason) {
    Ends ends;
    const auto id = ends.channel();
    ends.there.send(id, number(1));
    ends.talk();
    ends.here.end_of_stream();
    EXPECT_EQ(ends.here.over()->kind(), ErrorKind::disconnected);
    EXPECT_TRUE(ends.here.state(id).closed);
    EXPECT_EQ(shown(ends.here.take(id)), "1");
    EXPECT_THROW(ends.here.send(id, number(1)), Error);
    ends.here.close(id);
    ends.here.forget(id);
}

// A stream after HELLO, made by hand; its effect on a controller that has channel 1.
const Error *after(Mux &mux, wire::Header header, const Bytes &payload, std::uint32_t sequence = 2,
                   bool hello = true) {
    Bytes bytes(wire::header_size);
    if (hello) {
        wire::encode({0, Kind::hello, 0, 0, 0, 1}, bytes.data());
        mux.feed(bytes);
    }
    header.sequence = sequence;
    header.size = static_cast<std::uint32_t>(payload.size());
    wire::encode(header, bytes.data());
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    mux.feed(bytes);
    mux.feed(bytes);
    return mux.over();
}

TEST(Mux, ends_the_link_when_the_protocol_is_broken) {
    const struct {
        const char *what;
        wire::Header header;
        std::size_t size = 0;
        std::uint32_t sequence = 2;
        bool hello = true;
    } breaches[] = {
        {"no HELLO", {0, Kind::data, 0, 0, 1, 0}, 1, 1, false},
        {"HELLO twice", {0, Kind::hello, 0, 0, 0, 0}},
        {"a lost packet", {0, Kind::data, 0, 0, 1, 0}, 1, 3},
        {"an address", {0, Kind::data, 0, 7, 1, 0}, 1},
        {"data on channel 0", {0, Kind::data, 0, 0, 0, 0}, 1},
        {"a channel of ours we never opened", {0, Kind::data, 0, 0, 3, 0}, 1},
        {"EXEC on a channel of ours", {0, Kind::exec, 0, 0, 1, 0}, 1},
        {"EXEC on a channel in use", {0, Kind::exec, 0, 0, 4, 0}, 1},
        {"TERMINATE by a worker", {0, Kind::terminate, 0, 0, 0, 0}},
        {"credit for what was not sent", {0, Kind::credit, 0, 0, 1, 0}, 8},
        {"RECONFIGURE with anything", {0, Kind::reconfigure, 0, 0, 0, 0}, 7},
        {"STATUS on a channel", {0, Kind::status, 0, 0, 1, 0}},
        {"an unknown flag", {0, Kind::last, 1, 0, 1, 0}},
        {"memory that was not offered", {0, Kind::memory, 0, 0, 0, 0}},
        {"memory offered by a worker", {0, Kind::memory, 0, 0, 0, 0}, 8},
    };
    for (const auto &breach : breaches) {
        Mux mux(Side::controller, {});
        mux.open();
        mux.accept(4);
        const Error *error =
            after(mux, breach.header, Bytes(breach.size, 9), breach.sequence, breach.hello);
        ASSERT_NE(error, nullptr) << breach.what;
        EXPECT_EQ(error->kind(), ErrorKind::protocol) << breach.what;
        EXPECT_TRUE(mux.state(1).closed);
    }
}

TEST(Mux, agrees_on_memory_and_looks_at_nothing_that_is_behind_it_on_the_stream) {
    Ends ends;
    ends.here.offer_memory(number(1));
    ends.talk();
    const auto offer = ends.there.take_memory_offer();
    ASSERT_TRUE(offer);
    EXPECT_FALSE(ends.there.take_memory_offer());
    // A message that is queued is on its way before; the other is for the memory.
    const auto id = ends.channel();
    ends.there.send(id, number(2));
    const auto place = ends.there.move_output();
    iovec piece;
    ASSERT_EQ(ends.there.output(std::span(&piece, 1)), 1u);
    EXPECT_EQ(ends.there.written() + piece.iov_len, place);
    Bytes bytes(static_cast<std::uint8_t *>(piece.iov_base),
                static_cast<std::uint8_t *>(piece.iov_base) + piece.iov_len);
    ends.there.wrote(piece.iov_len);
    ends.there.send(id, number(3));
    bytes.push_back(0); // the bell
    ends.here.feed(bytes);
    EXPECT_TRUE(ends.here.input_moved());
    EXPECT_FALSE(ends.there.input_moved());
    ends.here.move_output();
    ends.talk();
    EXPECT_TRUE(ends.there.input_moved());
    EXPECT_EQ(shown(ends.here.take(id)), "2");
    EXPECT_EQ(shown(ends.here.take(id)), "3");
    EXPECT_EQ(ends.here.over(), nullptr);
}

TEST(Mux, lets_memory_be_offered_once_and_reached_when_it_was_taken) {
    for (const bool again : {true, false}) {
        Ends ends;
        ends.here.offer_memory(number(1));
        ends.talk();
        if (again)
            ends.here.offer_memory(number(1));
        else
            ends.here.move_output();
        ends.talk();
        ASSERT_NE(ends.there.over(), nullptr);
        EXPECT_EQ(ends.there.over()->kind(), ErrorKind::protocol);
    }
}

TEST(IdSet, keeps_runs_and_not_numbers) {
    IdSet set;
    std::vector<std::uint32_t> ids(1000);
    for (std::uint32_t i = 0; i < ids.size(); ++i) ids[i] = i + 1;
    std::shuffle(ids.begin(), ids.end(), std::mt19937(3));
    for (const auto id : ids)
        if (id != 500) set.insert(id);
    EXPECT_EQ(set.runs(), 2u);
    EXPECT_FALSE(set.contains(500));
    EXPECT_TRUE(set.contains(499) && set.contains(501) && set.contains(1000));
    EXPECT_FALSE(set.contains(0) || set.contains(1001));
    set.insert(500);
    EXPECT_EQ(set.runs(), 1u);
}

} // namespace
} // namespace elsewhere::mux
