#include "core/transport/named_place.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "core/base/error.hpp"

namespace elsewhere::transport {
namespace {

[[noreturn]] void refuse(std::string_view key, const std::string &value, const std::string &what,
                         std::string_view placeholder) {
    throw Error(ErrorKind::usage, "`" + std::string(key) + "=" + value + "`: " + what,
                "write " + std::string(key) + "=[options ]" + std::string(placeholder));
}

bool takes_the_stream(const std::string &option) {
    constexpr std::array<std::string_view, 6> long_ones = {
        "--tty", "--tty=true", "--detach", "--detach=true", "--mode=interactive", "--background"};
    if (std::ranges::find(long_ones, option) != long_ones.end()) return true;
    const bool is_short = option.size() > 1 && option[0] == '-' && option[1] != '-';
    // -t, -d, and together with -i.
    return is_short && option.find_first_not_of("itd", 1) == std::string::npos &&
           option.find_first_of("td", 1) != std::string::npos;
}

} // namespace

NamedPlace read_named(std::string_view key, const std::string &value, std::string_view what) {
    NamedPlace place{.options = split_words(value), .name = {}};
    if (place.options.empty() || place.options.back().empty() ||
        place.options.back().starts_with('-'))
        refuse(key, value, "no " + std::string(what) + " is named", what);
    place.name = std::move(place.options.back());
    place.options.pop_back();
    if (!place.options.empty() && !place.options.front().starts_with('-'))
        refuse(key, value, "more than one " + std::string(what) + " is named", what);
    const bool is_container_engine = key != "sudo" && key != "nsenter";
    for (const std::string &option : place.options)
        if (is_container_engine && takes_the_stream(option))
            refuse(key, value, option + " leaves no stream to a Python", what);
    return place;
}

NamedPlace read_process(const std::string &value) {
    NamedPlace place = read_named("nsenter", value, "pid");
    if (!std::ranges::all_of(place.name, [](char c) { return c >= '0' && c <= '9'; }))
        refuse("nsenter", value, place.name + " is no process id", "pid");
    return place;
}

std::string last_word(const std::string &value) {
    const Words words = split_words(value);
    return words.empty() ? value : words.back();
}

bool is_on_path(const std::string &command) {
    const char *path = std::getenv("PATH");
    for (std::string rest = std::string(path == nullptr ? "/usr/bin:/bin" : path) + ":";
         !rest.empty();) {
        const std::size_t end = rest.find(':');
        const std::string file = (end == 0 ? "." : rest.substr(0, end)) + "/" + command;
        if (::access(file.c_str(), X_OK) == 0) return true;
        rest.erase(0, end + 1);
    }
    return false;
}

} // namespace elsewhere::transport
