// Counts words in a Python somewhere else: word_count SPEC < text
#include <csignal>
#include <iostream>

#include <elsewhere/gateway.hpp>

namespace {

constexpr auto counter = R"(
import collections
counts = collections.Counter()
for line in channel:
    if line is None:
        break
    counts.update(line.split())
for word, count in counts.most_common(3):
    channel.send((word, count))
)";

} // namespace

int main(int argc, char **argv) {
    std::signal(SIGPIPE, SIG_IGN);
    try {
        const auto gateway = elsewhere::make_gateway(argc > 1 ? argv[1] : "popen");
        std::cerr << "Python at pid " << show(*gateway.facts().find("pid")) << '\n';
        const auto channel = gateway.remote_exec(counter);
        for (std::string line; std::getline(std::cin, line);) channel.send(line);
        channel.send(elsewhere::Value());
        while (const auto found = channel.next()) {
            const auto &pair = found->get<elsewhere::Value::Items>().items;
            std::cout << pair[1].get<std::int64_t>() << ' ' << pair[0].get<std::string>() << '\n';
        }
    } catch (const elsewhere::Error &error) {
        std::cerr << "error: " << error.what() << '\n';
        if (!error.hint().empty()) std::cerr << "hint: " << error.hint() << '\n';
        return elsewhere::exit_code(error.kind());
    }
}
