#include "core/transport/launch.hpp"

#include <fcntl.h>

#include <cstdlib>

#include "core/transport/launchers.hpp"

namespace elsewhere::transport {

Command command_for(const XSpec &spec, const Boot &boot, const Origin &origin) {
    return launcher_of(spec).command(spec, boot, origin);
}

Stream launch(const XSpec &spec, const Boot &boot, const Origin &origin) {
    const Command command = command_for(spec, boot, origin);
    return Stream(spawn(command.argv, command.keyboard), command.keyboard);
}

std::string place(const XSpec &spec) {
    const Launcher &launcher = launcher_of(spec);
    return launcher.place(spec.get(launcher.way).value_or(""));
}

bool terminal_is_here() {
    const char *graphical = std::getenv("SSH_ASKPASS");
    if (graphical != nullptr && *graphical != '\0') return true;
    return static_cast<bool>(Fd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)));
}

} // namespace elsewhere::transport
