#include "core/gateway/hello.hpp"

#include <charconv>

#include "core/wire/value.hpp"

namespace elsewhere::gateway {

wire::Payload hello_for(const transport::XSpec &spec, const std::string &id) {
    Value::Dict hello;
    const auto add = [&](std::string_view key, Value value) {
        hello.pairs.push_back({key, std::move(value)});
    };
    add("wire", 1);
    add("id", id);
    for (const char *key : {"chdir", "execmodel"})
        if (const auto value = spec.get(key)) add(key, *value);
    if (const auto nice = spec.get("nice")) {
        int level = 0;
        const char *end = nice->data() + nice->size();
        if (const auto [at, error] = std::from_chars(nice->data(), end, level);
            error != std::errc() || at != end)
            throw Error(ErrorKind::usage, "nice=" + *nice + " is no number", "give -20 to 19");
        add("nice", level);
    }
    if (!spec.environment().empty()) {
        Value::Dict environment;
        for (const auto &[key, value, flag] : spec.environment())
            environment.pairs.push_back({key, value});
        add("environment", std::move(environment));
    }
    if (spec.has("dont_write_bytecode")) add("dont_write_bytecode", true);
    return wire::Payload(wire::encode(hello).joined());
}

} // namespace elsewhere::gateway
