#include "core/gateway/hello.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace elsewhere::gateway {

namespace {

// What leads there may be cut without a word, and leave the worker behind. Sockets see to that
// themselves.
bool is_wordless(const transport::XSpec &spec) {
    constexpr std::array ways = {"ssh", "docker", "podman", "kubectl", "lxc", "cmd"};
    return std::ranges::any_of(ways, [&](const char *way) { return spec.has(way); });
}

constexpr int silence = 300; // seconds; several heartbeats

} // namespace

std::chrono::seconds heartbeat_for(const transport::XSpec &spec) {
    return std::chrono::seconds(is_wordless(spec) ? 60 : 0);
}

wire::Value::Dict hello_for(const transport::XSpec &spec, const std::string &id) {
    wire::Value::Dict hello;
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
    if (is_wordless(spec)) add("silence", silence);
    return hello;
}

} // namespace elsewhere::gateway
