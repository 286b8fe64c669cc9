#pragma once

#include <string>

#include "core/transport/finder.hpp"
#include "core/transport/spec.hpp"
#include "core/transport/stream.hpp"

namespace elsewhere::transport {

// What a launch needs to know of this side.
struct Origin {
    std::string python = {};   // for `popen` without `python=`; empty: the finder's
    bool has_terminal = false; // somebody can be asked for a password: see terminal_is_here
    Words dialer = {};         // for `socket=` and `unix=`: what takes the part of ssh
};

// What is started here for a spec.
struct Command {
    Words argv;
    Keyboard keyboard = Keyboard::none;
    bool direct = false; // a Python with a whole path, and nothing in between
};

// The one table of ways to get there is in launchers.cpp. Throws Error{usage}.
[[nodiscard]] Command command_for(const XSpec &spec, const Boot &boot, const Origin &origin);

// Starts the Python that the spec names; `spec` has been validated. The Python, or what comes
// before it, may still fail: that shows as an end of the stream, and why_it_failed tells.
[[nodiscard]] Stream launch(const XSpec &spec, const Boot &boot, const Origin &origin);

// The place in messages: the host of `ssh=` as written, "this machine", "the container box"; with
// `via=`, as it is called there.
[[nodiscard]] std::string place(const XSpec &spec);

// Whether this process has a terminal, wherever its stdin and stdout go.
[[nodiscard]] bool terminal_is_here();

} // namespace elsewhere::transport
