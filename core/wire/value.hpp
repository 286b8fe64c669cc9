#pragma once

#include <span>

#include <elsewhere/value.hpp>

#include "core/base/result.hpp"
#include "core/wire/value_writer.hpp"

namespace elsewhere::wire {

using elsewhere::show;
using elsewhere::Value;

// One value from bytes of anyone.
[[nodiscard]] Result<Value> decode(std::span<const std::uint8_t> bytes, bool extended);

// Long bytes are attached: the value must outlast the payload.
[[nodiscard]] Payload encode(const Value &value);

} // namespace elsewhere::wire
