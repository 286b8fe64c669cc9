#pragma once

#include "python/bindings/departure.hpp"

namespace elsewhere::bindings {

// A Python object that holds a program which was read, for those who send or keep it.
Ref state_of(Departure &&taken);

} // namespace elsewhere::bindings
