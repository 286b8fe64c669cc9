#pragma once

#include <Python.h>

#include <cstddef>

#include "engine/cpython/ref.hpp"

// Bytes objects made of memory that was there before them, so that nothing is copied.
namespace elsewhere {

// How far into its block a bytes object has its first byte.
inline constexpr std::size_t bytes_offset = offsetof(PyBytesObject, ob_sval);

// Whether a bytes object of that many bytes would be a block of malloc() that free() releases: so
// it is with more than 512, unless debugging hooks, tracemalloc or another allocator are in use.
[[nodiscard]] bool is_malloced(std::size_t size) noexcept;

// Makes a block of malloc(), which has the contents at bytes_offset and at least one byte behind
// them, the bytes object that is_malloced() speaks of. It is the object's from then on.
[[nodiscard]] Ref adopt_bytes(void *block, std::size_t size) noexcept;

} // namespace elsewhere
