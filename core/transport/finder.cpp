#include "core/transport/finder.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/error.hpp"
#include "core/transport/finder_script.hpp"

namespace elsewhere::transport {
namespace {

struct Version {
    std::uint64_t number = 0; // 3012001
    std::uint64_t step = 1;   // to the next version of as many parts: 1000 for 3.12
};

[[noreturn]] void refuse(const std::string &python) {
    throw Error(ErrorKind::usage, "not a Python version: " + python,
                "for example python=3.12, python=3.12.1, python=>=3.11, or python=/path/to/python");
}

Version read_version(std::string_view text, const std::string &python) {
    constexpr std::array<std::uint64_t, 3> weights = {1000000, 1000, 1};
    Version version;
    std::size_t part = 0;
    for (const char *at = text.data(), *end = at + text.size();; ++at) {
        unsigned value = 0;
        const auto [rest, wrong] = std::from_chars(at, end, value);
        if (wrong != std::errc() || value > 999 || part == weights.size()) refuse(python);
        version.step = weights[part++];
        version.number += value * version.step;
        if (rest == end) return version;
        if (*rest != '.') refuse(python);
        at = rest;
    }
}

void narrow(Wish &wish, std::string_view condition) {
    const std::size_t digits = std::min(condition.find_first_not_of("<>=~! "), condition.size());
    std::string sign(condition.substr(0, digits));
    std::erase(sign, ' ');
    const Version version = read_version(condition.substr(digits), wish.text);
    const std::uint64_t next = version.number + version.step;
    const auto at_least = [&wish](std::uint64_t n) { wish.at_least = std::max(wish.at_least, n); };
    const auto less_than = [&wish](std::uint64_t n) {
        wish.less_than = std::min(wish.less_than, n);
    };
    if (sign.empty() || sign == "==" || sign == "=") {
        at_least(version.number);
        less_than(next);
        return;
    }
    wish.newest = true;
    if (sign == ">=")
        at_least(version.number);
    else if (sign == ">")
        at_least(next);
    else if (sign == "<")
        less_than(version.number);
    else if (sign == "<=")
        less_than(next);
    else
        refuse(wish.text);
}

bool is_version(std::string_view python) {
    const char first = python.starts_with("~/") ? '/' : python.front();
    return (first >= '0' && first <= '9' && python.find('/') == std::string_view::npos) ||
           std::string_view("<>=~!").find(first) != std::string_view::npos;
}

std::string assign(const char *name, const std::string &value) {
    return std::string(name) + "=" + shell_quoted(value) + "\n";
}

// `~/` is the home there, not here.
std::string assign_path(const std::string &path) {
    if (!path.starts_with("~/")) return assign("name", path);
    return "name=\"$HOME\"/" + shell_quoted(path.substr(2)) + "\n";
}

// "3.12" of a wish for one version, 3.12 or 3.12.1: in many places the name says it.
std::string minor_of(const Wish &wish) {
    const std::uint64_t minor = wish.at_least / 1000;
    if (wish.less_than > (minor + 1) * 1000) return {};
    return std::to_string(minor / 1000) + "." + std::to_string(minor % 1000);
}

std::string search(const Wish &wish, bool has_before) {
    switch (wish.kind) {
    case Wish::Kind::any: return has_before ? script::any_after_before : script::any;
    case Wish::Kind::version:
        return assign("low", std::to_string(wish.at_least)) +
               assign("high", std::to_string(wish.less_than)) +
               assign("newest", wish.newest ? "yes" : "") + assign("wish", wish.text) +
               assign("minor", minor_of(wish)) + script::by_version;
    case Wish::Kind::name: return assign("name", wish.command.front()) + script::by_name;
    case Wish::Kind::path: return assign_path(wish.command.front()) + script::by_path;
    }
    return {};
}

} // namespace

Wish read_wish(const std::string &python) {
    Wish wish;
    wish.text = python;
    if (python.empty()) return wish;
    if (is_version(python)) {
        wish.kind = Wish::Kind::version;
        for (std::size_t at = 0; at <= python.size();) {
            const std::size_t end = std::min(python.find(',', at), python.size());
            narrow(wish, std::string_view(python).substr(at, end - at));
            at = end + 1;
        }
        return wish;
    }
    wish.command = split_words(python);
    if (wish.command.empty() || wish.command.front().empty()) refuse(python);
    const bool has_slash = wish.command.front().find('/') != std::string::npos;
    wish.kind = has_slash ? Wish::Kind::path : Wish::Kind::name;
    return wish;
}

std::string finder_program(const Wish &wish, const std::optional<std::string> &before,
                           const Boot &boot) {
    std::string start = "start() { ";
    if (boot.announced) start += "printf '\\036'; ";
    start += "exec \"$1\"";
    for (std::size_t i = 1; i < wish.command.size(); ++i)
        start += " " + shell_quoted(wish.command[i]);
    for (const std::string &option : boot.options) start += " " + shell_quoted(option);
    start += " -c " + shell_quoted(boot.program) + "; }\n";
    const std::string find = start + script::common + search(wish, before.has_value());
    if (!before) return find;

    // A login shell defines what `before` needs (conda, module); bash, because these expect it.
    const std::string inner = assign("before", *before) + script::run_before + find;
    return "exec 3<&0 4>&1 </dev/null >&2\n"
           "if command -v bash >/dev/null; then exec bash -l -c " +
           shell_quoted(inner) +
           "; fi\n"
           "for f in /etc/profile \"$HOME\"/.profile; do if [ -r \"$f\" ]; then . \"$f\"; fi; "
           "done\n" +
           inner;
}

Shortcut finder_shortcut(const Wish &wish, const std::optional<std::string> &before,
                         const Boot &boot) {
    const bool is_path = wish.kind == Wish::Kind::path;
    const std::string named = wish.command.empty() ? "python3" : wish.command.front();
    if (before || wish.kind == Wish::Kind::version || wish.command.size() > 1 ||
        !boot.options.empty() || named.starts_with('~') || !passes_any_shell(named) ||
        !passes_any_shell(boot.program))
        return {};
    Shortcut shortcut{.script = is_path ? script::at_path : script::on_path, .words = {named}};
    if (boot.announced) shortcut.script += "printf \"\\036\"; ";
    shortcut.script += "exec \"$p\" -c \"";
    for (std::size_t at = 0; at < boot.program.size(); at += longest_word) {
        shortcut.words.push_back(boot.program.substr(at, longest_word));
        shortcut.script += "$" + std::to_string(shortcut.words.size());
    }
    shortcut.script += is_path ? "\"; fi; " : "\"; fi; done; ";
    return shortcut;
}

} // namespace elsewhere::transport
