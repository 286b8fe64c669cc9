// Feeds broken values and broken streams to the decoder and to the mux for a number of seconds,
// from a seed:
//   wire_fuzz SECONDS [SEED]
// A value that is accepted must come out the same when written and read again; a stream must mean
// the same however it is cut. Run under the sanitizers (make fuzz); anything else than that or a
// clean error ends it, with the seed of the case.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "core/mux/mux.hpp"
#include "core/wire/value.hpp"

namespace {

using namespace elsewhere;
using mux::Mux;
using mux::Side;
using wire::Container;
using wire::Value;
using Bytes = Value::Bytes;
using Random = std::mt19937_64;

std::size_t below(Random &random, std::size_t bound) { return random() % bound; }

[[noreturn]] void fail(const char *what, std::uint64_t seed) {
    std::fprintf(stderr, "%s; seed %llu\n", what, static_cast<unsigned long long>(seed));
    std::abort();
}

Value any_value(Random &random, int depth = 0) {
    switch (below(random, depth > 4 ? 8 : 12)) {
    case 0: return {Value::None{}};
    case 1: return {below(random, 2) != 0};
    case 2: return {static_cast<std::int64_t>(random() >> below(random, 64))};
    case 3: return {Value::Big{below(random, 2) != 0, Bytes(9 + below(random, 9), 0x5a)}};
    case 4: return {static_cast<double>(random())};
    case 5: return {Bytes(below(random, 40), 's')};
    case 6: return {std::string(below(random, 40), 'u') + "\xc3\xa4"};
    case 7: return {Value::Channel{static_cast<std::uint32_t>(below(random, 9))}};
    case 8: {
        Value::Dict dict;
        for (std::size_t i = below(random, 4); i > 0; --i)
            dict.pairs.emplace_back(any_value(random, 5), any_value(random, depth + 1));
        return {std::move(dict)};
    }
    default: {
        const Container kinds[] = {Container::tuple, Container::list, Container::set,
                                   Container::frozen_set};
        Value::Items items{kinds[below(random, 4)], {}};
        for (std::size_t i = below(random, 5); i > 0; --i)
            items.items.push_back(any_value(random, depth + 1));
        return {std::move(items)};
    }
    }
}

wire::Payload payload_of(const Value &value) {
    const wire::Payload payload = wire::encode(value);
    return wire::Payload(payload.joined(), payload.extended());
}

Bytes bytes_of(const Value &value) {
    const wire::Buffer joined = wire::encode(value).joined();
    return {joined.data(), joined.data() + joined.size()};
}

void mutate(Random &random, Bytes &bytes) {
    const char tags[] = "NFTiIlgysutR([{<>CBU0";
    for (std::size_t n = 1 + below(random, 3); n > 0 && !bytes.empty(); --n) {
        const std::size_t at = below(random, bytes.size());
        const std::size_t size = std::min<std::size_t>(below(random, 16), bytes.size() - at);
        const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        switch (below(random, 7)) {
        case 0: bytes[at] ^= static_cast<std::uint8_t>(1u << below(random, 8)); break;
        case 1: bytes[at] = static_cast<std::uint8_t>(random()); break;
        case 2: bytes[at] = 0xff; break;
        case 3: bytes.resize(at); break;
        case 4: bytes.erase(begin, begin + static_cast<std::ptrdiff_t>(size)); break;
        case 5: bytes.insert(begin, 1 + size, static_cast<std::uint8_t>(random())); break;
        case 6: bytes[at] = static_cast<std::uint8_t>(tags[below(random, sizeof tags - 1)]);
        }
    }
}

void broken_values(std::uint64_t seed, Random &random) {
    const Bytes good = bytes_of(any_value(random));
    for (int i = 0; i < 100; ++i) {
        Bytes bytes = good;
        mutate(random, bytes);
        const Result<Value> result = wire::decode(bytes, below(random, 4) != 0);
        if (!result.ok()) continue;
        Result<Value> value = result;
        (void)wire::show(value.value());
        const Bytes again = bytes_of(value.value());
        Result<Value> read = wire::decode(again, true);
        if (!read.ok() || bytes_of(read.value()) != again) fail("a value changed on its way", seed);
    }
}

Bytes said(Mux &mux, Random &random) {
    Bytes bytes;
    iovec stretches[8];
    while (const std::size_t count = mux.output({stretches, 1 + below(random, 8)})) {
        std::size_t wrote = 0;
        for (std::size_t i = 0; i < count; ++i) {
            const auto *at = static_cast<const std::uint8_t *>(stretches[i].iov_base);
            const std::size_t size = 1 + below(random, stretches[i].iov_len);
            bytes.insert(bytes.end(), at, at + size);
            wrote += size;
            if (size != stretches[i].iov_len) break;
        }
        mux.wrote(wrote);
    }
    return bytes;
}

// A worker's life, as bytes.
Bytes any_stream(Random &random) {
    Mux worker(Side::worker, payload_of(any_value(random)));
    std::vector<std::uint32_t> ids;
    Bytes bytes;
    for (std::size_t n = below(random, 30); n > 0; --n) {
        if (ids.empty() || below(random, 4) == 0) {
            ids.push_back(worker.open());
            if (below(random, 2)) worker.exec(ids.back(), payload_of(any_value(random)));
        }
        const std::uint32_t id = ids[below(random, ids.size())];
        const bool open = !worker.state(id).closed;
        try {
            switch (below(random, 12)) {
            case 0: worker.close(id, payload_of(any_value(random))); break;
            case 1: worker.last(id); break;
            case 2: worker.ping({}); break;
            case 3: worker.ask_status(); break;
            case 4: worker.answer_status(payload_of(any_value(random))); break;
            case 5: worker.set_strings(open ? id : 0, {false, true}); break;
            case 6: worker.exit_with(open ? id : 0, payload_of(any_value(random))); break;
            case 7: worker.send(id, payload_of({Bytes(below(random, 300'000), 'x')})); break;
            default: worker.send(id, payload_of(any_value(random)));
            }
        } catch (const Error &) { // closed
        }
        if (below(random, 4) != 0) continue;
        const Bytes more = said(worker, random);
        bytes.insert(bytes.end(), more.begin(), more.end());
    }
    const Bytes rest = said(worker, random);
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    return bytes;
}

// What a controller makes of a stream, in words.
std::string meaning(const Bytes &stream, Random &random, bool at_once) {
    Mux mux(Side::controller, {});
    for (int i = 0; i < 3; ++i) mux.limit(mux.open(), 1000);
    mux.watch(1);
    for (std::size_t at = 0; at < stream.size();) {
        std::size_t size = stream.size() - at;
        if (!at_once) size = std::min(size, 1 + below(random, below(random, 2) ? 20 : 200'000));
        const auto room = mux.direct();
        if (!at_once && !room.empty()) {
            size = std::min(size, room.size());
            std::copy_n(stream.begin() + static_cast<std::ptrdiff_t>(at), size, room.begin());
            mux.took(size);
        } else {
            mux.feed(std::span(stream).subspan(at, size));
        }
        at += size;
    }
    std::string words = mux.over() != nullptr ? mux.over()->message() : "";
    mux.end_of_stream();
    words += mux.over()->message() + (mux.exit() != nullptr ? " exit" : "");
    while (const auto request = mux.take_request())
        words += " request " + std::to_string(request->channel);
    for (std::uint32_t id = 1; id < 70; ++id) {
        const auto state = mux.state(id);
        words += "\n" + std::to_string(id) + (state.known ? " known" : "") +
                 (mux.error(id) != nullptr ? " error" : "");
        while (const auto message = mux.take(id)) {
            const auto value = wire::decode(message->bytes.span(), message->extended);
            words += " " + std::to_string(message->bytes.size()) + (value.ok() ? "" : "!");
        }
        mux.close(id);
        mux.forget(id);
    }
    return words;
}

void broken_streams(std::uint64_t seed, Random &random) {
    const Bytes good = any_stream(random);
    if (meaning(good, random, true) != meaning(good, random, false))
        fail("a good stream depends on how it is cut", seed);
    for (int i = 0; i < 20; ++i) {
        Bytes bytes = good;
        mutate(random, bytes);
        if (meaning(bytes, random, true) != meaning(bytes, random, false))
            fail("a broken stream depends on how it is cut", seed);
    }
}

} // namespace

int main(int argc, char **argv) {
    const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 60;
    std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device{}();
    std::printf("first seed %llu\n", static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    std::uint64_t cases = 0;
    for (; std::chrono::steady_clock::now() < end; ++cases, ++seed) {
        Random random(seed);
        broken_values(seed, random);
        broken_streams(seed, random);
    }
    std::printf("%llu values, each broken in 100 ways, and streams, each in 20\n",
                static_cast<unsigned long long>(cases));
    return 0;
}
