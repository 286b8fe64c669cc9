#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace elsewhere {

// The worker as it is sent (spec/bootstrap.md), made from worker/*.py by tools/pack_worker when
// elsewhere_core is built. All of it is static data.

// What `python -c` gets: one line without ', \, ! and newline, to be put between single quotes.
[[nodiscard]] std::string_view worker_stage0();

// What a zygote is sent besides, plain source (spec/zygote.md).
[[nodiscard]] std::string_view worker_zygote();

// One source text for every Python, compressed by zlib: a record with the magic "text".
[[nodiscard]] std::span<const std::uint8_t> worker_source();

// Marshalled code for the Python whose .pyc files begin with these four bytes, if there is one of
// the Pythons that engines were built for.
[[nodiscard]] std::optional<std::span<const std::uint8_t>>
worker_code(std::span<const std::uint8_t, 4> magic);

} // namespace elsewhere
