#include "core/transport/launch.hpp"

#include <fcntl.h>

#include <cstdlib>

#include "core/base/error.hpp"
#include "core/transport/head_start.hpp"
#include "core/transport/launchers.hpp"

namespace elsewhere::transport {

Command command_for(const XSpec &spec, const Boot &boot, const Origin &origin) {
    return launcher_of(spec).command(spec, boot, origin);
}

Stream launch(const XSpec &spec, const Boot &boot, const Origin &origin) {
    if (spec.has("via"))
        throw Error(ErrorKind::usage, "`via=` goes through another gateway, and there is none here",
                    "leave it away, or make the gateway in a program that has that one");
    const Command command = command_for(spec, boot, origin);
    if (auto begun = HeadStart::take(command)) return std::move(*begun);
    return Stream(spawn(command.argv, command.keyboard), command.keyboard);
}

std::string place(const XSpec &spec) {
    const Launcher &launcher = launcher_of(spec);
    const auto via = spec.get("via");
    if (via && launcher.way == "popen") return "the machine of gateway " + *via;
    const std::string place = launcher.place(spec.get(launcher.way).value_or(""));
    return via ? place + " via gateway " + *via : place;
}

bool terminal_is_here() {
    const char *graphical = std::getenv("SSH_ASKPASS");
    if (graphical != nullptr && *graphical != '\0') return true;
    return static_cast<bool>(Fd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)));
}

} // namespace elsewhere::transport
