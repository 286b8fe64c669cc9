#include "cli/launch.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "core/transport/spec.hpp"

namespace elsewhere::cli {

using snapshot::Target;

int exec(const Words &words) {
    std::string python;
    Instructions asked;
    asked.mode = Mode::exec;
    const Options options("exec", "[--python PY] SPEC -c CODE | SPEC SCRIPT [ARGS…]",
                          "Runs a Python program where SPEC says, e.g. ssh=user@host. SCRIPT is "
                          "read here.\nIts stdio, signals and exit code are those of this command.",
                          {python_option(python)});
    auto rest = options.parse(words);
    if (!rest) return 0;
    if (rest->empty()) throw options.wrong("no spec given");
    asked.spec = rest->front();
    transport::validate(transport::XSpec(asked.spec));
    rest->erase(rest->begin());
    if (rest->empty()) throw options.wrong("no program given");
    if (rest->front() == "-c") {
        rest->erase(rest->begin());
        if (rest->empty()) throw options.wrong("-c needs a value: CODE");
        asked.target = Target::command;
    }
    asked.program = rest->front();
    rest->erase(rest->begin());
    asked.arguments = std::move(*rest);
    const Package package = Package::locate();
    launch(find_interpreter(python, package), package, asked);
}

} // namespace elsewhere::cli
