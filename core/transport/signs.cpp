#include <array>

#include "core/transport/sign.hpp"

namespace elsewhere::transport {
namespace {

using enum ErrorKind;

constexpr std::array<Sign, 7> of_sudo = {{
    {"unknown user", Stage::reach, usage, "sudo knows no such user",
     "check the spelling: sudo=USER"},
    {"password is required", Stage::login, untrusted, "sudo asks for a password",
     "run this in a terminal, run `sudo -v` first, or allow it without one (NOPASSWD in sudoers)"},
    {"terminal is required", Stage::login, untrusted, "sudo asks for a password",
     "run this in a terminal, run `sudo -v` first, or allow it without one (NOPASSWD in sudoers)"},
    {"incorrect password", Stage::login, untrusted, "sudo refuses the password", "try again"},
    {"is not in the sudoers file", Stage::login, untrusted, "sudo refuses", "see sudoers(5)"},
    {"is not allowed to", Stage::login, untrusted, "sudo refuses", "see sudoers(5)"},
    {"may not run sudo", Stage::login, untrusted, "sudo refuses", "see sudoers(5)"},
}};

constexpr std::array<Sign, 9> of_containers = {{
    {"Cannot connect to", Stage::reach, unreachable, "there is no way to HOST",
     "is the container engine running, and is its socket the right one?"},
    {"permission denied while trying to connect", Stage::login, untrusted,
     "the container engine refuses this user", "join its group, or go by sudo"},
    {"o such container", Stage::reach, unreachable, "HOST does not exist",
     "list those that run: docker ps, or podman ps"},
    {"no container with name or ID", Stage::reach, unreachable, "HOST does not exist",
     "list those that run: podman ps"},
    {"is not running", Stage::reach, unreachable, "HOST does not run", "start it"},
    {"can only create exec sessions on running", Stage::reach, unreachable, "HOST does not run",
     "start it"},
    {"is paused", Stage::reach, unreachable, "HOST is paused", "unpause it"},
    {"executable file not found", Stage::shell, unsupported, "HOST has no sh",
     "a POSIX shell is needed there"},
    {"executable file `sh` not found", Stage::shell, unsupported, "HOST has no sh",
     "a POSIX shell is needed there"},
}};

constexpr std::array<Sign, 10> of_kubectl = {{
    {"executable file not found", Stage::shell, unsupported, "HOST has no sh",
     "a POSIX shell is needed there"},
    {"container not found", Stage::reach, unreachable, "HOST does not run",
     "see `kubectl describe` of it"},
    {"NotFound", Stage::reach, unreachable, "HOST does not exist",
     "list those that run: kubectl get pods; another namespace: kubectl=-n NAMESPACE POD"},
    {"is not valid for pod", Stage::reach, usage, "HOST has no such container",
     "see `kubectl describe` of it"},
    {"current phase is", Stage::reach, unreachable, "HOST does not run",
     "see `kubectl describe` of it"},
    {"Unauthorized", Stage::login, untrusted, "the cluster refuses the login",
     "log in to the cluster again"},
    {"orbidden", Stage::login, untrusted, "the cluster does not allow `exec` in HOST",
     "the right is called pods/exec"},
    {"The connection to the server", Stage::reach, unreachable, "the cluster cannot be reached",
     "is the context right? kubectl config current-context"},
    {"Unable to connect to the server", Stage::reach, unreachable, "the cluster cannot be reached",
     "is the context right? kubectl config current-context"},
    {"error dialing backend", Stage::reach, unreachable, "the node of HOST cannot be reached",
     "see `kubectl get nodes`"},
}};

constexpr std::array<Sign, 6> of_lxc = {{
    {"not running", Stage::reach, unreachable, "HOST does not run", "start it"},
    {"not found", Stage::reach, unreachable, "HOST does not exist",
     "list those that run: lxc list"},
    {"Failed to get init pid", Stage::reach, unreachable, "HOST does not run", "start it"},
    {"permission denied", Stage::login, untrusted, "the container engine refuses this user",
     "join its group, or go by sudo"},
    {"onnection refused", Stage::reach, unreachable, "there is no way to HOST",
     "is the container engine running?"},
    {"is not executable", Stage::shell, unsupported, "HOST has no sh",
     "a POSIX shell is needed there"},
}};

constexpr std::array<Sign, 4> of_nsenter = {{
    {"failed: No such file", Stage::reach, unreachable, "HOST are not there",
     "does the process still run?"},
    {"failed: Permission denied", Stage::login, untrusted, "HOST may not be entered",
     "that takes the rights of root over them"},
    {"failed: Operation not permitted", Stage::login, untrusted, "HOST may not be entered",
     "that takes the rights of root over them"},
    {"failed to execute", Stage::shell, unsupported, "there is no sh in HOST",
     "a POSIX shell is needed there"},
}};

constexpr std::array<Sign, 6> of_bwrap = {{
    {"Unknown option", Stage::reach, usage, "bwrap does not know an option", "see `man bwrap`"},
    {"No permissions to create", Stage::login, unsupported, "this user may not make a jail",
     "allow user namespaces (sysctl kernel.unprivileged_userns_clone), or go by sudo"},
    {"Creating new namespace failed", Stage::login, unsupported, "this user may not make a jail",
     "allow user namespaces (sysctl user.max_user_namespaces), or go by sudo"},
    {"setting up uid map", Stage::login, unsupported, "this user may not make a jail",
     "allow user namespaces (AppArmor may restrict them), or go by sudo"},
    {"execvp ", Stage::python, unsupported, "the Python is not in the jail",
     "a jail has a /tmp of its own; name another Python, or show that one: bwrap=--ro-bind DIR "
     "DIR"},
    {"Can't ", Stage::reach, unsupported, "the jail could not be made", "see `man bwrap`"},
}};

constexpr std::array<Sign, 14> of_sockets = {{
    {"does not resolve", Stage::reach, unreachable, "the name in HOST does not resolve",
     "check the spelling"},
    {"Connection refused", Stage::reach, unreachable, "HOST refuses the connection",
     "does `elsewhere serve` run there, on this port?"},
    {"timed out", Stage::reach, unreachable, "HOST does not answer",
     "is it switched on, and does a firewall let you through?"},
    {"connection was lost", Stage::boot, disconnected, "the connection to HOST was lost",
     "try again"},
    {"is no host:port", Stage::reach, usage, "HOST is no address", "write socket=host:port"},
    {"not the server that the token names", Stage::login, untrusted,
     "HOST is another server than the token's",
     "compare the token's file with that of the server; if they are the same, somebody may be "
     "listening in"},
    {"the token is not the one", Stage::login, untrusted, "HOST refuses the token",
     "copy the token's file from there again"},
    {"there is no token", Stage::login, untrusted, "HOST asks for a token",
     "copy the file that `elsewhere serve` names to here, and name it: token=FILE"},
    {"can be read by others", Stage::login, untrusted, "the token for HOST is no secret",
     "chmod 600 it, and let the server make a new one"},
    {"is no token", Stage::login, untrusted, "HOST asks for a token",
     "copy the file that `elsewhere serve` names to here"},
    {"loopback only", Stage::login, untrusted, "HOST needs a token",
     "start it there without --no-token"},
    {"of another user", Stage::login, untrusted, "HOST is a socket of another user",
     "name one in a folder that only you can write to; root goes by sudo=USER"},
    {"no server of ours", Stage::login, unreachable, "HOST is no server of `elsewhere serve`",
     "is that the right port? token=none is for servers with --no-token"},
    {"elsewhere socket:", Stage::reach, unreachable, "HOST cannot be reached",
     "does `elsewhere serve` run there?"},
}};

} // namespace

std::span<const Sign> signs_of(std::string_view way) {
    if (way == "sudo") return of_sudo;
    if (way == "docker" || way == "podman") return of_containers;
    if (way == "kubectl") return of_kubectl;
    if (way == "lxc") return of_lxc;
    if (way == "nsenter") return of_nsenter;
    if (way == "bwrap") return of_bwrap;
    if (way == "socket" || way == "unix") return of_sockets;
    return {};
}

} // namespace elsewhere::transport
