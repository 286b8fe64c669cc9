#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace elsewhere::cli {

// The Python package `elsewhere` that belongs to this binary: the boot file and one engine per
// Python, `_elsewhere.<tag>.so`.
class Package {
  public:
    // $ELSEWHERE_PACKAGE, else the package in the environment that this binary is installed in.
    // Throws Error{internal}.
    static Package locate();

    // A program for `python -c` that runs main() of one of its modules.
    [[nodiscard]] std::string call(const std::string &module) const;
    [[nodiscard]] std::string boot_file() const { return directory_ / "_boot.py"; }
    [[nodiscard]] bool has_engine(const std::string &tag) const;
    // "3.11, 3.12, 3.13"
    [[nodiscard]] std::string versions() const;

  private:
    explicit Package(std::filesystem::path directory);

    std::filesystem::path directory_;
    std::vector<std::string> tags_; // "cpython-311-x86_64-linux-gnu", sorted by version
};

// The Python version in a tag: "3.12" of "cpython-312-x86_64-linux-gnu"; the tag if there is none.
[[nodiscard]] std::string version_of(const std::string &tag);

// Directory of this binary, links followed.
[[nodiscard]] std::filesystem::path binary_directory();

} // namespace elsewhere::cli
