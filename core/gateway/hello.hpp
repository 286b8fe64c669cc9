#pragma once

#include <chrono>
#include <string>

#include "core/transport/spec.hpp"
#include "core/wire/value.hpp"

namespace elsewhere::gateway {

// The HELLO of a controller (spec/wire.md) for a gateway of this name: what the spec asks of the
// worker itself. Throws Error{usage}: `nice=` is no number.
[[nodiscard]] wire::Value::Dict hello_for(const transport::XSpec &spec, const std::string &id);

// How often something is to be said to a worker whose hello has `silence`; zero: never.
[[nodiscard]] std::chrono::seconds heartbeat_for(const transport::XSpec &spec);

} // namespace elsewhere::gateway
