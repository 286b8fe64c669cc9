#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cli/interpreter.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"

namespace elsewhere::cli {

int serve(const Words &words) {
    release_signals();
    std::string python, token;
    bool openly = false;
    const Options options(
        "serve", "[--token FILE] [--no-token] ADDRESS",
        "Lets holders of its token start Pythons here, for `socket=` gateways. ADDRESS is "
        "host:port\n"
        "(port 0: a free one) or, for `unix=`, a path with a slash. Prints the spec to use, and "
        "the\n"
        "token's file on stderr. Token and key are made where there are none yet.",
        {{.name = "token",
          .value = "FILE",
          .help = "where the token is kept (~/.config/elsewhere/token)",
          .apply = [&](const std::string &value) { token = value; }},
         {.name = "no-token",
          .help = "anybody on this machine may; on a loopback address only",
          .apply = [&](const std::string &) { openly = true; }},
         python_option(python)});
    const auto address = options.parse_one(words, "address");
    if (!address) return 0;

    const Package package = Package::locate();
    Words command = find_interpreter(python, package).command;
    command.insert(command.end(), {"-c", package.call("elsewhere._socket.serving"), token,
                                   openly ? "open" : "", *address});
    std::vector<char *> argv;
    for (std::string &word : command) argv.push_back(word.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    throw Error(ErrorKind::unsupported,
                "cannot start " + command.front() + ": " + std::strerror(errno),
                "name another interpreter with --python");
}

} // namespace elsewhere::cli
