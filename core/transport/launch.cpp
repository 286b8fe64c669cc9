#include "core/transport/launch.hpp"

#include <fcntl.h>

#include <array>
#include <cstdlib>

#include "core/base/error.hpp"
#include "core/transport/ssh_words.hpp"

namespace elsewhere::transport {
namespace {

struct Launcher {
    std::string_view way;
    Command (*command)(const XSpec &, const Boot &, const Origin &);
    std::string (*place)(const std::string &);
};

void append(Words &words, const Words &more) {
    words.insert(words.end(), more.begin(), more.end());
}

Command popen(const XSpec &spec, const Boot &boot, const Origin &origin) {
    Wish wish = read_wish(spec.get("python").value_or(""));
    const auto before = spec.get("before");
    // What `before=` sets up is wanted then, not the interpreter that runs here.
    if (wish.kind == Wish::Kind::any && !before) {
        wish.kind = Wish::Kind::path;
        wish.command = {origin.python};
    }
    const bool needs_shell =
        before || wish.kind != Wish::Kind::path || wish.command.front().starts_with("~/");
    if (needs_shell)
        return {.argv = {"/bin/sh", "-c", finder_program(wish, before, boot)},
                .keyboard = Keyboard::none};
    Words argv = wish.command;
    append(argv, boot.options);
    append(argv, {"-c", boot.program});
    return {.argv = argv, .keyboard = Keyboard::none};
}

Command ssh(const XSpec &spec, const Boot &boot, const Origin &origin) {
    const Wish wish = read_wish(spec.get("python").value_or(""));
    // The user's configuration decides, but for what would take the byte stream away.
    Words argv = {"ssh", "-T", "-o", "RemoteCommand=none"};
    if (const auto file = spec.get("ssh_config")) append(argv, {"-F", *file});
    if (!origin.has_terminal) append(argv, {"-o", "BatchMode=yes"});
    append(argv, read_ssh(spec.get("ssh").value_or("")).words);
    argv.push_back(for_any_shell(finder_program(wish, spec.get("before"), boot)));
    return {.argv = argv, .keyboard = Keyboard::prompts};
}

constexpr std::array<Launcher, 2> launchers = {{
    {"popen", popen, [](const std::string &) -> std::string { return "this machine"; }},
    {"ssh", ssh, [](const std::string &value) { return read_ssh(value).host; }},
}};

const Launcher &launcher_of(const XSpec &spec) {
    for (const Launcher &launcher : launchers)
        if (spec.has(launcher.way)) return launcher;
    throw Error(ErrorKind::usage, "the spec `" + spec.text() + "` does not say how to get there",
                "begin it with popen or ssh=HOST");
}

} // namespace

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
