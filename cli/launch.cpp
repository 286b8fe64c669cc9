#include "cli/launch.hpp"

#include <pwd.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "cli/json_writer.hpp"
#include "cli/signals.hpp"
#include "core/base/error.hpp"

namespace elsewhere::cli {
namespace {

constexpr const char *hash_seed_variable = "PYTHONHASHSEED";

std::string home_directory() {
    if (const char *home = std::getenv("HOME"); home != nullptr && *home == '/') return home;
    const passwd *user = ::getpwuid(::geteuid());
    if (user != nullptr && user->pw_dir != nullptr) return user->pw_dir;
    throw Error(ErrorKind::usage, "there is no home directory to keep snapshots in",
                "set HOME, XDG_STATE_HOME or --snapshot");
}

std::string default_snapshot_directory() {
    const char *state = std::getenv("XDG_STATE_HOME");
    // The XDG specification: a relative path is to be ignored.
    if (state != nullptr && *state == '/') return std::string(state) + "/elsewhere";
    return home_directory() + "/.local/state/elsewhere";
}

const char *name_of(snapshot::Target target) {
    switch (target) {
    case snapshot::Target::script: return "script";
    case snapshot::Target::module: return "module";
    case snapshot::Target::command: return "command";
    case snapshot::Target::none: return "none";
    case snapshot::Target::input: return "input";
    }
    return "none";
}

std::string to_json(const Instructions &told, const Interpreter &interpreter) {
    JsonWriter json;
    const auto text_or_null = [&](const char *key, const char *value) {
        json.key(key);
        if (value != nullptr)
            json.text(value);
        else
            json.null();
    };
    const auto path_or_null = [&](const char *key, const std::string &path) {
        text_or_null(key, path.empty() ? nullptr : path.c_str());
    };
    json.begin_object();
    json.key("mode").text(told.mode == Mode::run      ? "run"
                          : told.mode == Mode::resume ? "resume"
                                                      : "exec");
    json.key("target").text(name_of(told.target));
    json.key("program").text(told.program);
    json.key("arguments").texts(told.arguments);
    path_or_null("spec", told.spec);
    path_or_null("snapshot", told.snapshot);
    json.key("default_snapshot_dir").text(default_snapshot_directory());
    const char *runtime = std::getenv("XDG_RUNTIME_DIR");
    text_or_null("runtime_dir", runtime != nullptr && *runtime == '/' ? runtime : nullptr);
    path_or_null("file", told.file);
    json.key("interactive").boolean(told.interactive);
    json.key("clone").boolean(told.clone);
    json.key("grace").number(told.grace);
    if (told.check_at_end) json.key("check_at_end").boolean(true);
    json.key("hash_seed");
    if (told.hash_seed)
        json.number(std::uint64_t{*told.hash_seed});
    else
        json.null();
    text_or_null("original_hash_seed", std::getenv(hash_seed_variable));
    json.key("original_signal_mask").begin_list();
    for (const int number : original_blocked_signals())
        json.number(static_cast<std::uint64_t>(number));
    json.end_list();
    json.key("interpreter_arguments")
        .texts(Words(interpreter.command.begin() + 1, interpreter.command.end()));
    return json.end_object().str();
}

} // namespace

std::uint32_t pinned_hash_seed() {
    std::uint32_t seed = 0;
    if (const char *asked = std::getenv(hash_seed_variable); asked != nullptr) {
        const char *const end = asked + std::strlen(asked);
        const auto [behind, error] = std::from_chars(asked, end, seed);
        if (error == std::errc() && behind == end) return seed;
        seed = 0; // "random", or what Python would not have
    }
    while (seed == 0) // 0 would switch randomisation off
        if (::getrandom(&seed, sizeof seed, 0) < 0 && errno != EINTR)
            throw Error(ErrorKind::internal, std::string("no randomness: ") + std::strerror(errno));
    return seed;
}

void launch(const Interpreter &interpreter, const Package &package,
            const Instructions &instructions) {
    const std::string told = to_json(instructions, interpreter);
    ::setenv(instructions_variable, told.c_str(), 1);
    if (instructions.hash_seed)
        ::setenv(hash_seed_variable, std::to_string(*instructions.hash_seed).c_str(), 1);

    Words command = interpreter.command;
    command.push_back(package.boot_file());
    std::vector<char *> argv;
    for (std::string &word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());

    const int error = errno;
    if (error == E2BIG)
        throw Error(ErrorKind::usage,
                    "the program's text and arguments are too long: " +
                        std::to_string(told.size()) + " bytes",
                    "save them to a file; about 120 kB fit");
    throw Error(ErrorKind::unsupported,
                "cannot start " + command.front() + ": " + std::strerror(error),
                "name another interpreter with --python");
}

} // namespace elsewhere::cli
