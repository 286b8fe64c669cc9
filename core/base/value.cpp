#include <elsewhere/value.hpp>

#include <array>

namespace elsewhere {

namespace {

constexpr std::array type_names = {"None",
                                   "a bool",
                                   "an int",
                                   "an int beyond 64 bits",
                                   "a float",
                                   "a complex number",
                                   "bytes",
                                   "a str",
                                   "a tuple, list or set",
                                   "a dict",
                                   "a channel",
                                   "no value"};
static_assert(type_names.size() == std::variant_size_v<Value::Any>);

} // namespace

Value Value::list(std::initializer_list<Value> items) { return Items{Kind::list, items}; }
Value Value::tuple(std::initializer_list<Value> items) { return Items{Kind::tuple, items}; }
Value Value::dict(std::initializer_list<Pair> pairs) { return Dict{pairs}; }

const Value *Value::Dict::find(std::string_view key) const {
    for (const auto &[name, value] : pairs)
        if (const auto *text = name.as<std::string>(); text != nullptr && *text == key)
            return &value;
    return nullptr;
}

Error Value::wrong_type(std::size_t wanted) const {
    return {ErrorKind::usage, "the value is " + std::string(type_names.at(any.index())) + ", not " +
                                  type_names.at(wanted)};
}

} // namespace elsewhere
