#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/bytes.hpp"

// The snapshot file (spec/snapshot.md): written whole or not at all, checked whole before use.
// Knows nothing of Python.
namespace elsewhere::snapshot {

inline constexpr std::uint32_t format_version = 1;

// How the program was started, so that the same command line is recognised.
enum class Target : std::uint8_t { script = 0, module = 1, command = 2, none = 3, input = 4 };

enum class Purpose : std::uint8_t {
    suspend = 0,   // the program left: this file is its only life
    checkpoint = 1 // the program went on after writing it
};

struct Header {
    std::string python_tag;     // EXT_SUFFIX-like: "cpython-311-x86_64-linux-gnu"
    std::string python_version; // "3.11.7"
    std::string executable;     // absolute path of the interpreter
    std::vector<std::string> interpreter_arguments; // options of the interpreter: -O, -X dev, …
    std::string creator;                            // "elsewhere 0.1.0"
    Target target = Target::none;
    std::string program;                    // absolute script path | module name | source
    std::vector<std::string> arguments;     // sys.argv[1:] as started; of an input sys.argv
    std::string directory;                  // working directory at start
    std::optional<std::uint32_t> hash_seed; // PYTHONHASHSEED pinned by `run`
    std::uint64_t created = 0;              // Unix time in nanoseconds
    std::array<std::uint8_t, 16> id{};      // of the program's life, kept across snapshots
    std::uint32_t generation = 0;           // how often it was snapshot before
    Purpose purpose = Purpose::suspend;
};

enum class Section : std::uint32_t { frames = 1, objects = 2 };

struct Snapshot {
    Header header;
    std::vector<std::pair<Section, Bytes>> sections;
    [[nodiscard]] const Bytes &section(Section kind) const; // throws Error{damaged} if absent
};

// A section that is to be written, in pieces.
struct Part {
    Section kind;
    std::vector<Span> pieces;
};

// Writes to a temporary name beside `path`, mode 0600, fsync, rename, fsync of the directory.
// Whatever fails, an earlier file at `path` is untouched. Throws Error{unwritable}.
void write(const std::string &path, const Header &header, const std::vector<Part> &parts);
void write(const std::string &path, const Snapshot &snapshot);

// The same bytes into an open file, which need not be on a disk. Throws Error{unwritable}.
void write(int descriptor, const Header &header, const std::vector<Part> &parts);

// The same bytes given to `sink` as they are known, a quarter of a MiB at most at a time.
using Sink = std::function<void(Span)>;
void write(const Sink &sink, const Header &header, const std::vector<Part> &parts);

// The whole of an open file, as it is, to `path` in the same way. Throws Error{unwritable}.
void write_copy(const std::string &path, int descriptor);

// Throws Error{missing | damaged | unsupported}: every byte has been checked when it returns.
Snapshot read(const std::string &path);

// The same of a file that nobody shortens while it is in use, such as one in memory: mapped, so
// that nothing is copied.
class Mapped {
  public:
    explicit Mapped(const std::string &path);
    ~Mapped();
    Mapped(const Mapped &) = delete;
    Mapped &operator=(const Mapped &) = delete;
    [[nodiscard]] const Header &header() const noexcept { return header_; }
    [[nodiscard]] Span section(Section kind) const; // throws Error{damaged} if absent

  private:
    Header header_;
    std::vector<std::pair<Section, Span>> sections_;
    Span whole_;
};

// The header alone, after the same check of every byte.
Header read_header(const std::string &path);

} // namespace elsewhere::snapshot
