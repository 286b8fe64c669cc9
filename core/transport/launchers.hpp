#pragma once

#include "core/transport/launch.hpp"

namespace elsewhere::transport {

// One way to get there: a row of the table in launchers.cpp.
struct Launcher {
    std::string_view way; // the key of the spec
    // What is started here, to end in a Python that runs `boot`. Throws Error{usage}.
    Command (*command)(const XSpec &, const Boot &, const Origin &);
    // How messages call the place; `value` is the key's.
    std::string (*place)(const std::string &value);
};

// That of the spec. Throws Error{usage} where it names none.
[[nodiscard]] const Launcher &launcher_of(const XSpec &spec);

} // namespace elsewhere::transport
