#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/transport/words.hpp"

namespace elsewhere::transport {

// What is given to the Python that is found: `PYTHON options… -c program`.
struct Boot {
    std::string program;
    Words options = {};
    bool announced = false; // by `finder_found` on stdout, just before it starts
};

// What `python=` asks for.
struct Wish {
    enum class Kind {
        any,     // python3 on PATH, else in a known place
        version, // `3.12`, `3.12.1`, `>=3.11`, `>=3.9,<3.13`
        name,    // `pypy3`, `python2.7`: on PATH, else in a known place
        path     // `/opt/my\ python/bin/python`, `~/bin/python`
    };
    Kind kind = Kind::any;
    std::string text;           // as written, for messages
    Words command = {};         // name or path, then arguments of its own
    std::uint64_t at_least = 0; // of a version, as 3012001 for 3.12.1
    std::uint64_t less_than = 1000000000;
    bool newest = false; // a range: PATH's python3 if it fits, else the newest that fits
};

// Reads a `python=`; throws Error{usage} for an operator or a version that is none.
[[nodiscard]] Wish read_wish(const std::string &python);

// Exit codes of the program below, each with a line on stderr that begins with `finder_says`.
inline constexpr int no_python_fits = 123;
inline constexpr int before_failed = 124;
inline constexpr const char *finder_says = "elsewhere: ";
// Tells what became of a Python from what never came so far; a control character that no greeting
// of a login shell has.
inline constexpr char finder_found = '\x1e';

// A program for a POSIX shell that runs `before` (if there is one), finds the Python and becomes
// it. Standard input and output reach Python untouched; what `before` prints goes to stderr.
// `before` runs in a login shell, so its PATH is that of a login, on this machine too.
//
// The `env:` of a spec plays no part: the worker applies it, so that it is in no argument list for
// others to see. A PATH that the finder needs is set by `before=export PATH=…`.
[[nodiscard]] std::string finder_program(const Wish &wish, const std::optional<std::string> &before,
                                         const Boot &boot);

// The same for most hosts, in a few words and no process of its own: becomes what is at the path,
// or first on PATH; goes on where nothing is, or a version manager's shim. Empty for other wishes.
[[nodiscard]] Shortcut finder_shortcut(const Wish &wish, const std::optional<std::string> &before,
                                       const Boot &boot);

} // namespace elsewhere::transport
