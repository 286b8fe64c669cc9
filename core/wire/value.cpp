#include "core/wire/value.hpp"

#include <cstring>

namespace elsewhere::wire {
namespace {

// Builds Values. Python's rules for what may be a key are not checked.
class ValueBuilder {
  public:
    using Value = wire::Value;
    using Span = std::span<const std::uint8_t>;

    static Value failure() { return Value::Failed{}; }
    static bool ok(const Value &value) { return !std::holds_alternative<Value::Failed>(value.any); }
    [[nodiscard]] std::string why() const { return why_; }

    static Value none() { return Value::None{}; }
    static Value boolean(bool v) { return Value(v); }
    static Value integer(std::int64_t v) { return Value(v); }
    static Value real(double v) { return Value(v); }
    static Value complex(double real, double imaginary) { return Value::Complex{real, imaginary}; }
    static Value bytes(Span v) { return Value::Bytes(v.begin(), v.end()); }
    static Value text(Span v) {
        if (!is_text(v)) return failure();
        return std::string(v.begin(), v.end());
    }
    static Value channel(std::uint32_t id) { return Value::Channel{id}; }
    static Value big(bool negative, Span magnitude) {
        const bool fits = magnitude.size() < 8 || (magnitude.size() == 8 && magnitude[7] < 0x80);
        if (!fits) return Value::Big{negative, Value::Bytes(magnitude.begin(), magnitude.end())};
        std::int64_t v = 0;
        if (!magnitude.empty()) std::memcpy(&v, magnitude.data(), magnitude.size());
        return Value(negative ? -v : v);
    }
    // Sharing is copying here: a few bytes could ask for more than there is.
    Value share(const Value &value) {
        shared_ += value.as<Value::Bytes>()->size();
        if (shared_ <= most_shared) return value;
        why_ = "it repeats long strs too often";
        return failure();
    }

    template <Container kind> static Value begin(std::uint32_t count) {
        Value::Items items{kind, {}};
        // A Value is much larger than the byte an item may take: no trust in the count.
        items.items.reserve(count < 4 ? count : 4);
        return items;
    }
    template <Container> static bool add(Value &into, std::uint32_t, Value &&item) {
        std::get<Value::Items>(into.any).items.push_back(std::move(item));
        return true;
    }
    static Value begin_dict() { return Value::Dict{}; }
    static bool add_pair(Value &into, Value &&key, Value &&item) {
        std::get<Value::Dict>(into.any).pairs.emplace_back(std::move(key), std::move(item));
        return true;
    }

  private:
    static constexpr std::size_t most_shared = 64 << 20;
    std::size_t shared_ = 0;
    const char *why_ = "a str is not UTF-8";
};

struct Write {
    ValueWriter &out;

    void operator()(const Value::None &) { out.none(); }
    void operator()(bool v) { out.boolean(v); }
    void operator()(std::int64_t v) { out.integer(v); }
    void operator()(const Value::Big &v) { out.big(v.negative, v.magnitude); }
    void operator()(double v) { out.real(v); }
    void operator()(const Value::Complex &v) { out.complex(v.real, v.imaginary); }
    void operator()(const Value::Bytes &v) { out.bytes(v); }
    void operator()(const std::string &v) { out.text(v); }
    void operator()(const Value::Items &v) {
        out.begin(v.kind, static_cast<std::uint32_t>(v.items.size()));
        for (const Value &item : v.items) std::visit(*this, item.any);
    }
    void operator()(const Value::Dict &v) {
        out.begin_dict();
        for (const auto &[key, item] : v.pairs) {
            std::visit(*this, key.any);
            std::visit(*this, item.any);
        }
        out.end_dict();
    }
    void operator()(const Value::Channel &v) { out.channel(v.id); }
    void operator()(const Value::Failed &) {
        throw Error(ErrorKind::internal, "a value that could not be made was to be sent");
    }
};

} // namespace

Result<Value> decode(std::span<const std::uint8_t> bytes, bool extended) {
    ValueBuilder builder;
    return decode(bytes, extended, builder);
}

Payload encode(const Value &value) {
    ValueWriter out;
    std::visit(Write{out}, value.any);
    return out.finish();
}

} // namespace elsewhere::wire
