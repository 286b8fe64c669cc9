#include "cli/package.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "core/base/error.hpp"

namespace elsewhere::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view engine_prefix = "_elsewhere.";
constexpr std::string_view engine_suffix = ".so";

std::vector<fs::path> children(const fs::path &directory) {
    std::error_code none; // a directory that is not there has no children
    std::vector<fs::path> found;
    for (const auto &entry : fs::directory_iterator(directory, none)) found.push_back(entry.path());
    return found;
}

} // namespace

fs::path binary_directory() { return fs::read_symlink("/proc/self/exe").parent_path(); }

std::string version_of(const std::string &tag) {
    constexpr std::string_view cpython = "cpython-";
    if (!tag.starts_with(cpython)) return tag;
    const std::string digits =
        tag.substr(cpython.size(), tag.find('-', cpython.size()) - cpython.size()); // "312", "313t"
    return digits.substr(0, 1) + "." + digits.substr(1);
}

Package::Package(fs::path directory) : directory_(std::move(directory)) {
    for (const fs::path &file : children(directory_)) {
        const std::string name = file.filename();
        if (name.starts_with(engine_prefix) && name.ends_with(engine_suffix))
            tags_.push_back(name.substr(engine_prefix.size(),
                                        name.size() - engine_prefix.size() - engine_suffix.size()));
    }
    std::ranges::sort(tags_, [](const std::string &a, const std::string &b) {
        return ::strverscmp(a.c_str(), b.c_str()) < 0;
    });
}

Package Package::locate() {
    const auto is_package = [](const fs::path &directory) {
        std::error_code none;
        return fs::exists(directory / "_boot.py", none);
    };
    if (const char *given = std::getenv("ELSEWHERE_PACKAGE"); given != nullptr && *given != '\0') {
        if (is_package(given)) return Package(given);
        throw Error(ErrorKind::internal,
                    std::string("ELSEWHERE_PACKAGE is not the package: ") + given,
                    "unset it, or let it name the directory that contains _boot.py");
    }
    const fs::path prefix = binary_directory().parent_path();
    for (const char *library : {"lib", "lib64"})
        for (const fs::path &python : children(prefix / library)) {
            if (!python.filename().string().starts_with("python3")) continue;
            for (const char *packages : {"site-packages", "dist-packages"})
                if (is_package(python / packages / "elsewhere"))
                    return Package(python / packages / "elsewhere");
        }
    throw Error(ErrorKind::internal,
                "the Python package `elsewhere` is not installed beside " +
                    (prefix / "bin/elsewhere").string(),
                "install both again with pip, or let ELSEWHERE_PACKAGE name its directory");
}

std::string Package::call(const std::string &module) const {
    std::string folder = directory_.parent_path();
    for (std::size_t at = 0; (at = folder.find_first_of("\\'", at)) != std::string::npos; at += 2)
        folder.insert(at, "\\");
    return "import sys; sys.path.insert(0, '" + folder + "'); from " + module +
           " import main; sys.exit(main(sys.argv[1:]))";
}

bool Package::has_engine(const std::string &tag) const {
    return std::ranges::find(tags_, tag) != tags_.end();
}

std::string Package::versions() const {
    std::string list;
    for (const std::string &tag : tags_) list += (list.empty() ? "" : ", ") + version_of(tag);
    return list;
}

} // namespace elsewhere::cli
