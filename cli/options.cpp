#include "cli/options.hpp"

#include <getopt.h>

#include <algorithm>
#include <cstdio>

namespace elsewhere::cli {
namespace {

constexpr int help_asked = 255;
constexpr int first_long = 256; // options by name are told from letters by their number

std::string spelling(const Option &option) {
    std::string text = option.letter != 0 ? std::string("-") + option.letter : "";
    if (!option.name.empty()) text += (text.empty() ? "--" : ", --") + option.name;
    return option.value.empty() ? text : text + " " + option.value;
}

} // namespace

void Options::print_help() const {
    std::printf("usage: elsewhere %s %s\n\n%s\n\noptions:\n", command_.c_str(), usage_.c_str(),
                about_.c_str());
    for (const Option &option : options_)
        std::printf("  %-18s %s\n", spelling(option).c_str(), option.help.c_str());
    std::printf("  %-18s %s\n", "-h, --help", "show this");
}

std::optional<Words> Options::parse(const Words &words) const {
    std::string letters = "+:h"; // + stops at the first other word, : tells a missing value apart
    std::vector<option> names = {{"help", no_argument, nullptr, help_asked}};
    for (std::size_t i = 0; i < options_.size(); ++i) {
        const Option &option = options_[i];
        const bool valued = !option.value.empty();
        if (option.letter != 0) letters += std::string(1, option.letter) + (valued ? ":" : "");
        if (!option.name.empty())
            names.push_back({option.name.c_str(), valued ? required_argument : no_argument, nullptr,
                             first_long + static_cast<int>(i)});
    }
    names.push_back({});

    Words copies = words;
    std::string command = command_;
    std::vector<char *> argv = {command.data()};
    for (std::string &word : copies) argv.push_back(word.data());
    argv.push_back(nullptr);
    const int count = static_cast<int>(argv.size()) - 1;

    optind = 0; // glibc: start anew
    opterr = 0;
    for (;;) {
        const int found = getopt_long(count, argv.data(), letters.c_str(), names.data(), nullptr);
        if (found == -1) break;
        if (found == 'h' || found == help_asked) {
            print_help();
            return std::nullopt;
        }
        const std::string word = argv[optind - 1];
        if (found == ':') throw wrong("option " + word + " needs a value");
        if (found == '?' && word.starts_with("--") && optopt != 0)
            throw wrong("option " + word.substr(0, word.find('=')) + " takes no value");
        if (found == '?')
            throw wrong("unknown option " + (word.starts_with("--")
                                                 ? word
                                                 : std::string("-") + static_cast<char>(optopt)));
        const auto option =
            found >= first_long
                ? options_.begin() + (found - first_long)
                : std::ranges::find(options_, static_cast<char>(found), &Option::letter);
        option->apply(optarg != nullptr ? optarg : "");
        if (option->last) break;
    }
    return Words(copies.begin() + (optind - 1), copies.end());
}

std::optional<std::string> Options::parse_one(const Words &words, const char *what) const {
    const auto rest = parse(words);
    if (!rest) return std::nullopt;
    if (rest->empty()) throw wrong(std::string("no ") + what + " given");
    const auto behind = parse({rest->begin() + 1, rest->end()});
    if (!behind) return std::nullopt;
    if (!behind->empty()) throw wrong(std::string("one ") + what + " at a time");
    return rest->front();
}

Option python_option(std::string &python) {
    return {.name = "python",
            .value = "PY",
            .help = "the interpreter: a path, a name or a version; arguments may follow",
            .apply = [&python](const std::string &value) { python = value; }};
}

} // namespace elsewhere::cli
