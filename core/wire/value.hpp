#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/bytes.hpp"
#include "core/base/result.hpp"
#include "core/wire/value_writer.hpp"
#include "core/wire/values.hpp"

namespace elsewhere::wire {

// A value as C++ sees it: for the command and for tests. The bindings build Python's objects
// without it. Owns everything below it.
struct Value {
    struct None {
        bool operator==(const None &) const = default;
    };
    // An int beyond 64 bits: its absolute value, least byte first.
    struct Big {
        bool negative;
        Bytes magnitude;
        bool operator==(const Big &) const = default;
    };
    struct Complex {
        double real, imaginary;
        bool operator==(const Complex &) const = default;
    };
    struct Items {
        Container kind;
        std::vector<Value> items;
        bool operator==(const Items &) const = default;
    };
    struct Pair; // of a dict: key and value
    struct Dict {
        std::vector<Pair> pairs;
        // The value behind a str key, or nullptr.
        [[nodiscard]] const Value *find(std::string_view key) const;
        bool operator==(const Dict &) const = default;
    };
    struct Channel {
        std::uint32_t id;
        bool operator==(const Channel &) const = default;
    };
    // `failed` stands for a value that could not be made; only the builder meets it.
    struct Failed {
        bool operator==(const Failed &) const = default;
    };
    using Any = std::variant<None, bool, std::int64_t, Big, double, Complex, Bytes, std::string,
                             Items, Dict, Channel, Failed>;

    Any any;

    template <class T> [[nodiscard]] const T *as() const { return std::get_if<T>(&any); }
    bool operator==(const Value &) const = default;
};

struct Value::Pair {
    Value first, second;
    bool operator==(const Pair &) const = default;
};

// One value from bytes of anyone.
[[nodiscard]] Result<Value> decode(std::span<const std::uint8_t> bytes, bool extended);

// Long bytes are attached: the value must outlast the payload.
[[nodiscard]] Payload encode(const Value &value);

// As Python's ascii() writes it; a channel is <channel 3>.
[[nodiscard]] std::string show(const Value &value);

} // namespace elsewhere::wire
