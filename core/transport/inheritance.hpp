#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace elsewhere::transport {

// What a new process inherits from the thread that starts it, beside what a fork request brings.
struct Inheritance {
    mode_t mask = 0;
    // User and groups, capabilities, limits, session, priority, processors, namespaces, root,
    // control group: two that are equal give equal processes.
    std::string rest;
};

// Nothing where this system does not tell.
[[nodiscard]] std::optional<Inheritance> inheritance();

// The variables of an environment (each with a zero byte behind it) that an interpreter or its C
// library looks at when it starts; a zygote has looked at them already.
[[nodiscard]] std::string read_at_start(const std::string &environment);

} // namespace elsewhere::transport
