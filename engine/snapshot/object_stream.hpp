#pragma once

#include <cstdint>

// The words of the object stream (spec/snapshot.md), shared by the engine that writes and runs it
// and by the parser that only looks. Knows nothing of Python.
namespace elsewhere::snapshot {

inline constexpr std::uint64_t object_stream_version = 2;

enum class Op : std::uint8_t {
#define ELSEWHERE_OP(name, number, made, operands) name = number,
#include "engine/snapshot/object_ops.def"
#undef ELSEWHERE_OP
};

// What `named` takes out of what the name stands for.
enum class Unwrap : std::uint8_t { nothing = 0, function = 1, getter = 2, setter = 3 };

// A reference: odd is a small int (zigzag of the rest), even is twice an id.
using Reference = std::uint64_t;

enum FixedId : std::uint64_t {
    id_null = 0,
    id_none = 1,
    id_true = 2,
    id_false = 3,
    id_ellipsis = 4,
    id_not_implemented = 5,
    id_main_thread = 6, // the int that identifies the main thread (thread.get_ident)
    id_first = 16,      // the first id that an operation makes
};

inline constexpr Reference to_reference(std::uint64_t id) { return id << 1; }
inline constexpr bool is_small_int(Reference r) { return (r & 1) != 0; }
inline constexpr std::int64_t small_int(Reference r) {
    const std::uint64_t v = r >> 1;
    return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}
inline constexpr std::int64_t small_int_max = (std::int64_t{1} << 60) - 1;
inline constexpr Reference small_int_reference(std::int64_t v) {
    const std::uint64_t zigzag =
        (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
    return zigzag << 1 | 1;
}

} // namespace elsewhere::snapshot
