#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.hpp"
#include "core/base/error.hpp"

namespace elsewhere::cli {

// One flag: its spelling, its line in --help and what it does, in one place.
struct Option {
    std::string name = {};  // behind "--"; empty: it has a letter only
    char letter = 0;        // behind "-"; 0: it has a name only
    std::string value = {}; // what its value is called; empty: it takes none
    std::string help = {};
    std::function<void(const std::string &)> apply = {};
    bool last = false; // all that follows belongs to somebody else (-c, -m)
};

// The flags of one command, read up to the first word that is none. Throws Error{usage}.
class Options {
  public:
    Options(std::string command, std::string usage, std::string about, std::vector<Option> options)
        : command_(std::move(command)), usage_(std::move(usage)), about_(std::move(about)),
          options_(std::move(options)) {}

    // The words behind the flags, or nothing if --help was asked for and printed.
    [[nodiscard]] std::optional<Words> parse(const Words &words) const;

    // The only word, called `what` in messages; flags may stand before and behind it.
    [[nodiscard]] std::optional<std::string> parse_one(const Words &words, const char *what) const;

    [[nodiscard]] Error wrong(const std::string &what) const {
        return {ErrorKind::usage, what, "see `elsewhere " + command_ + " --help`"};
    }

  private:
    void print_help() const;

    std::string command_;
    std::string usage_;
    std::string about_;
    std::vector<Option> options_;
};

// A flag that more than one command has.
Option python_option(std::string &python);

} // namespace elsewhere::cli
