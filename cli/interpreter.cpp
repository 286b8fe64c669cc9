#include "cli/interpreter.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>

#include "cli/probe.hpp"
#include "core/base/error.hpp"
#include "core/transport/words.hpp"

namespace elsewhere::cli {
namespace {

namespace fs = std::filesystem;

bool executable(const fs::path &file) {
    std::error_code none;
    return fs::is_regular_file(file, none) && ::access(file.c_str(), X_OK) == 0;
}

std::optional<std::string> on_path(const std::string &name) {
    const char *path = std::getenv("PATH");
    std::istringstream directories(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
    for (std::string directory; std::getline(directories, directory, ':');) {
        const fs::path file = fs::absolute(fs::path(directory.empty() ? "." : directory) / name);
        if (executable(file)) return file.string();
    }
    return std::nullopt;
}

std::vector<std::string> under_pyenv(const std::string &version) {
    const char *root = std::getenv("PYENV_ROOT");
    const char *home = std::getenv("HOME");
    if (root == nullptr && home == nullptr) return {};
    const fs::path versions =
        (root != nullptr ? fs::path(root) : fs::path(home) / ".pyenv") / "versions";
    std::vector<std::string> found;
    std::error_code none;
    for (const auto &entry : fs::directory_iterator(versions, none)) {
        const std::string name = entry.path().filename();
        const fs::path python = entry.path() / "bin" / "python3";
        if ((name == version || name.starts_with(version + ".")) && executable(python))
            found.push_back(python);
    }
    std::ranges::sort(found, [](const std::string &a, const std::string &b) {
        return ::strverscmp(a.c_str(), b.c_str()) > 0; // the newest first
    });
    return found;
}

bool is_version(const std::string &text) {
    return !text.empty() && text.front() == '3' && text.back() != '.' &&
           text.find_first_not_of("0123456789.") == std::string::npos;
}

// Everything that may be Python `version` ("3", "3.12", "3.12.1"), the likeliest first.
std::vector<std::string> places_of(const std::string &version) {
    std::vector<std::string> places;
    const fs::path beside = binary_directory() / ("python" + version);
    if (executable(beside)) places.push_back(beside);
    if (auto found = on_path("python" + version)) places.push_back(*found);
    for (auto &found : under_pyenv(version)) places.push_back(std::move(found));
    return places;
}

Error none_at(const std::string &what, const Package &package) {
    return {ErrorKind::unsupported, what,
            "name one with --python: a path, or a version of " + package.versions()};
}

Interpreter with_engine(Words command, const Package &package) {
    const auto tag = python_tag(command);
    if (!tag) throw none_at(command.front() + " is not a Python 3 that runs here", package);
    if (!package.has_engine(*tag))
        throw none_at("there is no engine for Python " + version_of(*tag) + " (" + command.front() +
                          ")",
                      package);
    return {std::move(command), *tag};
}

Interpreter by_version(const std::string &version, const Package &package) {
    std::string without_engine;
    for (const std::string &place : places_of(version)) {
        const auto tag = python_tag({place});
        if (tag && package.has_engine(*tag)) return {{place}, *tag};
        if (tag) without_engine = place;
    }
    if (!without_engine.empty()) return with_engine({without_engine}, package);
    throw none_at("there is no Python " + version + " here", package);
}

Interpreter by_default(const Package &package) {
    for (const char *name : {"python", "python3"})
        if (const fs::path beside = binary_directory() / name; executable(beside))
            return with_engine({beside}, package);
    for (const char *name : {"python3", "python"})
        if (const auto found = on_path(name)) return with_engine({*found}, package);
    throw none_at("there is no Python here", package);
}

} // namespace

Interpreter find_interpreter(const std::string &wish, const Package &package) {
    if (wish.empty()) return by_default(package);
    if (is_version(wish)) return by_version(wish, package);
    // A path with a blank in it need not be quoted once more.
    Words command = executable(wish) ? Words{wish} : transport::split_words(wish);
    if (command.empty()) throw Error(ErrorKind::usage, "--python is empty", "name an interpreter");
    std::string &program = command.front();
    if (program.find('/') != std::string::npos) {
        if (!executable(program)) throw none_at("there is no Python at " + program, package);
        program = fs::absolute(program);
    } else if (auto found = on_path(program)) {
        program = *found;
    } else {
        throw none_at("there is no `" + program + "` on PATH", package);
    }
    return with_engine(std::move(command), package);
}

Interpreter find_interpreter_by_tag(const std::string &executable_path, const std::string &tag,
                                    const Package &package) {
    const std::string version = version_of(tag);
    if (!package.has_engine(tag))
        throw Error(ErrorKind::unsupported, "the snapshot needs an engine for " + tag,
                    "this elsewhere has engines for Python " + package.versions());
    std::vector<std::string> places = places_of(version);
    for (const char *name : {"python", "python3"}) places.push_back(binary_directory() / name);
    places.insert(places.begin(), executable_path);
    for (const std::string &place : places)
        if (executable(place) && python_tag({place}) == tag) return {{place}, tag};
    throw Error(ErrorKind::unsupported,
                "the snapshot needs Python " + version + ", and there is none here",
                "install Python " + version + ", or name one with --python");
}

} // namespace elsewhere::cli
