#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "cli/json_writer.hpp"
#include "cli/options.hpp"
#include "cli/signals.hpp"
#include "cli/utf8.hpp"
#include "engine/snapshot/describe.hpp"

namespace elsewhere::cli {
namespace {

using snapshot::FrameSummary;
using snapshot::Header;
using snapshot::ObjectIndex;
using snapshot::Purpose;
using snapshot::Section;
using snapshot::Snapshot;
using snapshot::Target;
using snapshot::Variable;

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
    case Target::input: return "input";
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

// Kinds of objects with the bytes they take, the largest first.
std::vector<std::pair<std::string, ObjectIndex::Tally>> kinds_in(const ObjectIndex &objects) {
    std::vector<std::pair<std::string, ObjectIndex::Tally>> kinds;
    for (std::size_t number = 0; number < objects.tallies().size(); ++number)
        if (const auto &tally = objects.tallies()[number]; tally.count > 0)
            kinds.emplace_back(name_of(static_cast<snapshot::Op>(number)), tally);
    std::ranges::sort(kinds,
                      [](const auto &a, const auto &b) { return a.second.bytes > b.second.bytes; });
    return kinds;
}

void print_line(const char *name, const std::string &value) {
    std::printf("%-10s %s\n", name, printable(value).c_str());
}

void print_frames(const std::vector<FrameSummary> &frames) {
    for (const FrameSummary &frame : frames) {
        std::printf("\n%s  %s:%u\n", printable(frame.function).c_str(),
                    printable(frame.file).c_str(), frame.line);
        for (const Variable &variable : frame.variables)
            std::printf("    %s = %s\n", printable(variable.name).c_str(),
                        printable(variable.value).c_str());
        for (const Variable &slot : frame.stack)
            std::printf("    (%s) %s\n", slot.name.c_str(), printable(slot.value).c_str());
    }
}

void print_text(const Snapshot &snapshot, const ObjectIndex &objects,
                const std::vector<FrameSummary> &frames) {
    const Header &header = snapshot.header;
    std::string program = header.target == Target::module    ? "-m "
                          : header.target == Target::command ? "-c "
                                                             : "";
    if (header.target != Target::input) program += header.program;
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
    std::string kinds;
    for (const auto &[name, tally] : kinds_in(objects)) {
        if (tally.bytes * 20 < snapshot.section(Section::objects).size()) break;
        kinds += (kinds.empty() ? "" : ", ") + std::to_string(tally.count) + " " + name + " " +
                 size_text(tally.bytes);
    }
    print_line("of these", kinds);
    print_frames(frames);
}

void put(JsonWriter &json, const char *key, const char *name_key,
         const std::vector<Variable> &variables) {
    json.key(key).begin_list();
    for (const Variable &variable : variables) {
        json.begin_object().key(name_key).text(variable.name);
        json.key("value").text(variable.value).end_object();
    }
    json.end_list();
}

void print_json(const Snapshot &snapshot, const ObjectIndex &objects,
                const std::vector<FrameSummary> &frames) {
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
    json.end_object().key("objects").begin_object();
    for (const auto &[name, tally] : kinds_in(objects)) {
        json.key(name).begin_object().key("count").number(tally.count);
        json.key("bytes").number(tally.bytes).end_object();
    }
    json.end_object().key("frames").begin_list(); // outermost first
    for (const FrameSummary &frame : frames) {
        json.begin_object().key("function").text(frame.function).key("file").text(frame.file);
        json.key("line").number(std::uint64_t{frame.line});
        put(json, "locals", "name", frame.variables);
        put(json, "stack", "role", frame.stack);
        json.end_object();
    }
    json.end_list().end_object();
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
    const ObjectIndex objects(snapshot.section(Section::objects));
    const auto frames = describe_frames(snapshot.section(Section::frames), objects);
    if (as_json)
        print_json(snapshot, objects, frames);
    else
        print_text(snapshot, objects, frames);
    return 0;
}

} // namespace elsewhere::cli
