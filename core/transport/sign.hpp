#pragma once

#include <span>
#include <string_view>

#include "core/base/error.hpp"
#include "core/transport/diagnosis.hpp"

namespace elsewhere::transport {

// Words that a command which leads somewhere (or the system there) prints, and what they mean.
// HOST in a text stands for the place.
struct Sign {
    const char *words;
    Stage stage;
    ErrorKind kind;
    const char *what;
    const char *hint;
};

// Of the commands behind `sudo=`, `docker=`, … The first that is found counts. Empty for the
// others.
[[nodiscard]] std::span<const Sign> signs_of(std::string_view way);

} // namespace elsewhere::transport
