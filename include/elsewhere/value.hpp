#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <elsewhere/error.hpp>

namespace elsewhere {

// What a channel carries: an object of one of Python's own inert types. Owns everything below it;
// copying copies all. An ordinary value: threads share it as they would a std::string.
struct Value {
    using Bytes = std::vector<std::uint8_t>;
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
    // The number is what stands for it on the wire.
    enum class Kind : std::uint8_t { tuple = '(', list = '[', set = '<', frozen_set = '>' };
    struct Items {
        Kind kind;
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
    // A channel of the same gateway, by its number.
    struct Channel {
        std::uint32_t id;
        bool operator==(const Channel &) const = default;
    };
    // Stands for a value that could not be made; never in one that was received.
    struct Failed {
        bool operator==(const Failed &) const = default;
    };
    using Any = std::variant<None, bool, std::int64_t, Big, double, Complex, Bytes, std::string,
                             Items, Dict, Channel, Failed>;

    Value() = default; // None
    Value(None);
    Value(bool v);
    template <std::integral T>
    requires(!std::same_as<T, bool> && (std::signed_integral<T> || sizeof(T) < 8)) Value(T v);
    Value(double v);
    Value(const char *text);
    Value(std::string_view text);
    Value(std::string v);
    Value(Bytes v);
    Value(Big v);
    Value(Complex v);
    Value(Items v);
    Value(Dict v);
    Value(Channel v);
    Value(Failed v);

    static Value list(std::initializer_list<Value> items);
    static Value tuple(std::initializer_list<Value> items);
    static Value dict(std::initializer_list<Pair> pairs);

    // nullptr if it is of another type: as<std::int64_t>(), as<std::string>(), as<Value::Dict>(), …
    template <class T> [[nodiscard]] const T *as() const { return std::get_if<T>(&any); }
    // Throws Error{usage} naming both types if it is of another type.
    template <class T> [[nodiscard]] const T &get() const {
        if (const T *found = as<T>()) return *found;
        throw wrong_type(Any(std::in_place_type<T>).index());
    }
    bool operator==(const Value &) const = default;

    Any any;

  private:
    [[nodiscard]] Error wrong_type(std::size_t wanted) const;
};

struct Value::Pair {
    Value first, second;
    bool operator==(const Pair &) const = default;
};

// Here, where all of a Value is known.
inline Value::Value(None) {}
template <std::integral T>
requires(!std::same_as<T, bool> && (std::signed_integral<T> || sizeof(T) < 8)) Value::Value(T v)
    : any(static_cast<std::int64_t>(v)) {}
inline Value::Value(bool v) : any(v) {}
inline Value::Value(double v) : any(v) {}
inline Value::Value(const char *text) : any(std::string(text)) {}
inline Value::Value(std::string_view text) : any(std::string(text)) {}
inline Value::Value(std::string v) : any(std::move(v)) {}
inline Value::Value(Bytes v) : any(std::move(v)) {}
inline Value::Value(Big v) : any(std::move(v)) {}
inline Value::Value(Complex v) : any(v) {}
inline Value::Value(Items v) : any(std::move(v)) {}
inline Value::Value(Dict v) : any(std::move(v)) {}
inline Value::Value(Channel v) : any(v) {}
inline Value::Value(Failed v) : any(v) {}

// As Python's ascii() writes it; a channel is <channel 3>.
[[nodiscard]] std::string show(const Value &value);

} // namespace elsewhere
