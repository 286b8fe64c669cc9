#include <cstdio>
#include <ctime>

#include <array>

#include "cli/json_writer.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "cli/utf8.hpp"
#include "engine/snapshot/file.hpp"

namespace elsewhere::cli {
namespace {

using snapshot::Header;
using snapshot::Purpose;
using snapshot::Section;
using snapshot::Snapshot;
using snapshot::Target;

std::string time_of(const Header &header) {
    const auto seconds = static_cast<std::time_t>(header.created / 1'000'000'000);
    std::tm utc = {};
    std::array<char, 32> text = {};
    if (::gmtime_r(&seconds, &utc) == nullptr) return "unknown";
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text.data();
}

std::string name_of(Section section) {
    switch (section) {
    case Section::frames: return "frames";
    case Section::objects: return "objects";
    }
    return "section " + std::to_string(static_cast<std::uint32_t>(section));
}

const char *name_of(Target target) {
    switch (target) {
    case Target::script: return "script";
    case Target::module: return "module";
    case Target::command: return "command";
    case Target::none: break;
    }
    return "none";
}

const char *name_of(Purpose purpose) {
    return purpose == Purpose::suspend ? "suspend" : "checkpoint";
}

std::string size_text(std::size_t bytes) {
    constexpr std::array<const char *, 5> units = {"B", "kB", "MB", "GB", "TB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1000 && unit + 1 < units.size(); ++unit) value /= 1000;
    std::array<char, 32> text = {};
    std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text.data();
}

std::string hexadecimal(const std::array<std::uint8_t, 16> &id) {
    std::string text;
    for (const std::uint8_t byte : id) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

void print_line(const char *name, const std::string &value) {
    std::printf("%-10s %s\n", name, printable(value).c_str());
}

void print_text(const Snapshot &snapshot) {
    const Header &header = snapshot.header;
    std::string program = header.target == Target::module    ? "-m "
                          : header.target == Target::command ? "-c "
                                                             : "";
    program += header.program;
    for (const std::string &argument : header.arguments) program += " " + argument;
    std::string python =
        header.python_version + " (" + header.python_tag + ") " + header.executable;
    for (const std::string &argument : header.interpreter_arguments) python += " " + argument;
    print_line("program", program);
    print_line("directory", header.directory);
    print_line("python", python);
    print_line("written", time_of(header) + " by " + header.creator + ", " +
                              name_of(header.purpose) + " " + std::to_string(header.generation) +
                              " of " + hexadecimal(header.id));
    for (const auto &[section, bytes] : snapshot.sections)
        print_line(name_of(section).c_str(), size_text(bytes.size()));
}

void print_json(const Snapshot &snapshot) {
    const Header &header = snapshot.header;
    JsonWriter json;
    json.begin_object().key("format").number(std::uint64_t{snapshot::format_version});
    json.key("target").text(name_of(header.target));
    json.key("program").text(header.program);
    json.key("arguments").texts(header.arguments);
    json.key("directory").text(header.directory);
    json.key("python_version").text(header.python_version);
    json.key("python_tag").text(header.python_tag);
    json.key("executable").text(header.executable);
    json.key("interpreter_arguments").texts(header.interpreter_arguments);
    json.key("hash_seed");
    if (header.hash_seed)
        json.number(std::uint64_t{*header.hash_seed});
    else
        json.null();
    json.key("created").text(time_of(header));
    json.key("creator").text(header.creator);
    json.key("id").text(hexadecimal(header.id));
    json.key("generation").number(std::uint64_t{header.generation});
    json.key("purpose").text(name_of(header.purpose));
    json.key("sections").begin_object();
    for (const auto &[section, bytes] : snapshot.sections)
        json.key(name_of(section)).number(std::uint64_t{bytes.size()});
    json.end_object().end_object();
    std::puts(json.str().c_str());
}

} // namespace

int inspect(const Words &words) {
    release_signals();
    bool as_json = false;
    const Options options("inspect", "[--json] FILE",
                          "Shows what is in a snapshot. Imports nothing, executes nothing.",
                          {{.name = "json",
                            .help = "for programs to read",
                            .apply = [&](const std::string &) { as_json = true; }}});
    const auto file = options.parse_one(words, "snapshot");
    if (!file) return 0;
    const Snapshot snapshot = snapshot::read(*file);
    if (as_json)
        print_json(snapshot);
    else
        print_text(snapshot);
    return 0;
}

} // namespace elsewhere::cli
