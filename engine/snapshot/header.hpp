#pragma once

#include "engine/snapshot/file.hpp"

// The header section of a snapshot file (spec/snapshot.md) as bytes, and back.
namespace elsewhere::snapshot {

Bytes encode(const Header &header);

// Safe on hostile input. Throws Error{damaged}.
Header decode_header(const Bytes &bytes);

} // namespace elsewhere::snapshot
