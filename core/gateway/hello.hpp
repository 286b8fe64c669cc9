#pragma once

#include <string>

#include "core/transport/spec.hpp"
#include "core/wire/value_writer.hpp"

namespace elsewhere::gateway {

// The HELLO of a controller (spec/wire.md) for a gateway of this name: what the spec asks of the
// worker itself. Throws Error{usage}: `nice=` is no number.
[[nodiscard]] wire::Payload hello_for(const transport::XSpec &spec, const std::string &id);

} // namespace elsewhere::gateway
