#include "core/transport/launchers.hpp"

#include <algorithm>
#include <array>

#include "core/base/error.hpp"
#include "core/transport/named_place.hpp"
#include "core/transport/ssh_words.hpp"

namespace elsewhere::transport {
namespace {

void append(Words &words, const Words &more) {
    words.insert(words.end(), more.begin(), more.end());
}

Wish wish_of(const XSpec &spec) { return read_wish(spec.get("python").value_or("")); }

// Where another system or user begins nothing is known of its Pythons.
Words found_there(const XSpec &spec, const Boot &boot) {
    return {"sh", "-c", finder_program(wish_of(spec), spec.get("before"), boot)};
}

// On this file system, by this user: the interpreter that runs here will do.
Words found_here(const XSpec &spec, const Boot &boot, const Origin &origin) {
    Wish wish = wish_of(spec);
    const auto before = spec.get("before");
    // What `before=` sets up is wanted then, not the interpreter that runs here.
    if (wish.kind == Wish::Kind::any && !before && !origin.python.empty()) {
        wish.kind = Wish::Kind::path;
        wish.command = {origin.python};
    }
    const bool needs_shell =
        before || wish.kind != Wish::Kind::path || wish.command.front().starts_with("~/");
    if (needs_shell) return {"/bin/sh", "-c", finder_program(wish, before, boot)};
    Words argv = wish.command;
    append(argv, boot.options);
    append(argv, {"-c", boot.program});
    return argv;
}

Command popen(const XSpec &spec, const Boot &boot, const Origin &origin) {
    Command command = {.argv = found_here(spec, boot, origin)};
    // found_here's only other way is a shell.
    command.direct = command.argv.front().starts_with('/') && command.argv.front() != "/bin/sh";
    return command;
}

Command ssh(const XSpec &spec, const Boot &boot, const Origin &origin) {
    // The user's configuration decides, but for what would take the byte stream away.
    Words argv = {"ssh", "-T", "-o", "RemoteCommand=none"};
    if (const auto file = spec.get("ssh_config")) append(argv, {"-F", *file});
    if (!origin.has_terminal) append(argv, {"-o", "BatchMode=yes"});
    append(argv, read_ssh(spec.get("ssh").value_or("")).words);
    // Behind the user's words, which so come first: a link that is silently lost is found out.
    append(argv, {"-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3"});
    Boot announced = boot; // ssh says 255 for whatever it meets
    announced.announced = true;
    const Wish wish = wish_of(spec);
    const auto before = spec.get("before");
    argv.push_back(for_any_shell(finder_program(wish, before, announced),
                                 finder_shortcut(wish, before, announced)));
    return {.argv = argv, .keyboard = Keyboard::prompts};
}

// A jail that sees this file system but cannot change it, with a /tmp of its own and no network.
// /run is hidden, because a read-only socket (of a container engine, of a session's bus) can still
// be talked to.
Command bwrap(const XSpec &spec, const Boot &boot, const Origin &origin) {
    Words argv = {"bwrap",
                  "--ro-bind",
                  "/",
                  "/",
                  "--dev",
                  "/dev",
                  "--proc",
                  "/proc",
                  "--tmpfs",
                  "/tmp",
                  "--tmpfs",
                  "/var/tmp",
                  "--tmpfs",
                  "/run",
                  "--unshare-all",
                  "--new-session",
                  "--die-with-parent",
                  "--cap-drop",
                  "ALL"};
    append(argv, split_words(spec.get("bwrap").value_or("")));
    argv.emplace_back("--");
    append(argv, found_here(spec, boot, origin));
    return {.argv = argv};
}

Command sudo(const XSpec &spec, const Boot &boot, const Origin &origin) {
    const NamedPlace user = read_named("sudo", spec.get("sudo").value_or(""), "user");
    Words argv = {"sudo", "-H", "-u", user.name};
    if (!origin.has_terminal) argv.emplace_back("-n");
    append(argv, user.options);
    argv.emplace_back("--");
    append(argv, found_there(spec, boot));
    return {.argv = argv, .keyboard = Keyboard::prompts};
}

Command nsenter(const XSpec &spec, const Boot &boot, const Origin &) {
    const NamedPlace process = read_process(spec.get("nsenter").value_or(""));
    Words argv = {"nsenter", "--target", process.name};
    if (process.options.empty()) argv.emplace_back("--all");
    append(argv, process.options);
    argv.emplace_back("--");
    append(argv, found_there(spec, boot));
    return {.argv = argv};
}

template <const char *engine>
Command container(const XSpec &spec, const Boot &boot, const Origin &) {
    const NamedPlace box = read_named(engine, spec.get(engine).value_or(""), "container");
    Words argv = {engine, "exec", "-i"};
    append(argv, box.options);
    argv.push_back(box.name);
    append(argv, found_there(spec, boot));
    return {.argv = argv};
}

constexpr char docker[] = "docker";
constexpr char podman[] = "podman";

Command kubectl(const XSpec &spec, const Boot &boot, const Origin &) {
    const NamedPlace pod = read_named("kubectl", spec.get("kubectl").value_or(""), "pod");
    Words argv = {"kubectl", "exec", "-i"};
    append(argv, pod.options);
    append(argv, {pod.name, "--"});
    append(argv, found_there(spec, boot));
    return {.argv = argv};
}

// `lxc` is the client of LXD, `incus` that of its successor; LXC itself comes with `lxc-attach`.
Command lxc(const XSpec &spec, const Boot &boot, const Origin &) {
    const NamedPlace box = read_named("lxc", spec.get("lxc").value_or(""), "container");
    Words argv = {"lxc", "exec"};
    if (!is_on_path("lxc") && is_on_path("incus")) argv = {"incus", "exec"};
    if (!is_on_path("lxc") && !is_on_path("incus") && is_on_path("lxc-attach"))
        argv = {"lxc-attach", "--clear-env", "-n"};
    const bool name_first = argv.front() == "lxc-attach";
    if (name_first) argv.push_back(box.name);
    append(argv, box.options);
    if (!name_first) argv.push_back(box.name);
    argv.emplace_back("--");
    append(argv, found_there(spec, boot));
    return {.argv = argv};
}

// Behind a shell or a Python stands its own -c, behind any other command a whole one. Where words
// are joined for a shell to take apart again, as ssh does, `{}` stands for the one to be run there.
Command cmd(const XSpec &spec, const Boot &boot, const Origin &) {
    const std::string value = spec.get("cmd").value_or("");
    Words argv = split_words(value);
    if (argv.empty() || argv.front().empty())
        throw Error(ErrorKind::usage, "`cmd=" + value + "` names no command",
                    "for example cmd=chroot /srv/box, or cmd=ssh -T host {}");
    const std::string program = finder_program(wish_of(spec), spec.get("before"), boot);
    if (const auto gap = std::ranges::find(argv, "{}"); gap != argv.end()) {
        *gap = for_any_shell(program);
        return {.argv = argv, .keyboard = Keyboard::prompts};
    }
    const std::string last = argv.back().substr(argv.back().rfind('/') + 1);
    constexpr std::array<std::string_view, 6> shells = {"sh", "bash", "dash", "ash", "ksh", "zsh"};
    if (std::ranges::find(shells, last) != shells.end()) {
        append(argv, {"-c", program});
        return {.argv = argv, .keyboard = Keyboard::prompts};
    }
    const bool is_python =
        last.starts_with("python") || last.starts_with("pypy") || last.starts_with("jython");
    if (is_python && (spec.has("python") || spec.has("before")))
        throw Error(ErrorKind::usage,
                    "`cmd=" + value + "` names its Python already, in the spec `" + spec.text() +
                        "`",
                    "leave `python=` and `before=` away, or " + last + " behind cmd=");
    if (is_python) {
        append(argv, boot.options);
        append(argv, {"-c", boot.program});
    } else {
        append(argv, found_there(spec, boot));
    }
    return {.argv = argv, .keyboard = Keyboard::prompts};
}

// By a process of our own (python/elsewhere/_socket/dialer.py), which keeps TLS out of this one.
Command socket(const XSpec &spec, const Boot &boot, const Origin &origin) {
    if (origin.dialer.empty())
        throw Error(ErrorKind::unsupported, "there is nothing here that connects to sockets",
                    "install elsewhere with its Python package");
    Words argv = origin.dialer;
    if (const auto token = spec.get("token")) append(argv, {"--token", *token});
    if (spec.has("unix"))
        append(argv, {"--unix", *spec.get("unix")});
    else
        argv.push_back(spec.get("socket").value_or(""));
    if (spec.has("python") || spec.has("before")) {
        append(argv, found_there(spec, boot));
    } else {
        argv.emplace_back(); // the server's Python
        append(argv, boot.options);
        append(argv, {"-c", boot.program});
    }
    return {.argv = argv, .keyboard = Keyboard::prompts};
}

Command thread(const XSpec &, const Boot &, const Origin &) {
    throw Error(ErrorKind::usage, "`thread` is a thread of the program that makes the gateway",
                "there is nothing to start or to reach; popen starts a process");
}

std::string container_place(const std::string &value) {
    return "the container " + last_word(value);
}

constexpr std::array<Launcher, 13> launchers = {{
    {"popen", popen, [](const std::string &) -> std::string { return "this machine"; }},
    {"ssh", ssh, [](const std::string &value) { return read_ssh(value).host; }},
    {"thread", thread, [](const std::string &) -> std::string { return "a thread here"; }},
    {"socket", socket, [](const std::string &value) { return value; }},
    {"unix", socket, [](const std::string &value) { return value; }},
    {"sudo", sudo, [](const std::string &value) { return "this machine as " + last_word(value); }},
    {"docker", container<docker>, container_place},
    {"podman", container<podman>, container_place},
    {"kubectl", kubectl, [](const std::string &value) { return "the pod " + last_word(value); }},
    {"lxc", lxc, container_place},
    {"nsenter", nsenter,
     [](const std::string &value) { return "the namespaces of process " + last_word(value); }},
    {"bwrap", bwrap, [](const std::string &) -> std::string { return "a jail here"; }},
    {"cmd", cmd, [](const std::string &value) { return "`" + value + "`"; }},
}};

} // namespace

const Launcher &launcher_of(const XSpec &spec) {
    for (const Launcher &launcher : launchers)
        if (spec.has(launcher.way)) return launcher;
    if (spec.has("via")) return launchers.front(); // a Python where the other gateway's is
    throw Error(ErrorKind::usage, "the spec `" + spec.text() + "` does not say how to get there",
                "begin it with popen or ssh=HOST");
}

} // namespace elsewhere::transport
