#pragma once

#include "core/transport/head_start.hpp"
#include "engine/cpython/ref.hpp"

namespace elsewhere::bindings {

// Begins the way that a spec (a str, or there is none) says; a spec without sense is refused by
// whoever makes the gateway. `python`: where the spec names none.
void begin_way(transport::HeadStart &way, PyObject *spec, const std::string &python = {});

} // namespace elsewhere::bindings
