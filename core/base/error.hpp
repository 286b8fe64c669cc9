#pragma once

#include <elsewhere/error.hpp> // IWYU pragma: export -- Error is part of the public face
