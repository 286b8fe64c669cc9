#include "engine/snapshot/file.hpp"

#define XXH_INLINE_ALL
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <set>

#include "core/base/fd.hpp"
#include "engine/snapshot/durable_file.hpp"
#include "engine/snapshot/header.hpp"

//   preamble  64 bytes: magic, version, sizes
//   table     32 bytes for each section: kind, offset, size
//   sections  each at a multiple of `alignment`, zeros between
//   checksum  16 bytes: XXH3-128 of everything before
namespace elsewhere::snapshot {
namespace {

// Not text, so that no tool takes it for text; CR LF and ^Z show a transfer that "corrected" it.
constexpr std::array<std::uint8_t, 8> magic = {0x89, 'E', 'L', 'S', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t preamble_size = 64;
constexpr std::size_t entry_size = 32;
constexpr std::size_t checksum_size = 16;
constexpr std::uint32_t written_alignment = 8;
constexpr std::uint32_t largest_alignment = 1u << 21; // a huge page
constexpr std::uint32_t header_kind = 0;
// So much is hashed, then written, while it is in the processor's cache.
constexpr std::size_t step = 1 << 18;

using Checksum = std::array<std::uint8_t, checksum_size>;

class Hasher {
  public:
    Hasher() { XXH3_128bits_reset(&state_); }
    void add(const void *data, std::size_t size) { XXH3_128bits_update(&state_, data, size); }
    [[nodiscard]] Checksum digest() const {
        XXH128_canonical_t canonical;
        XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state_));
        return std::bit_cast<Checksum>(canonical);
    }

  private:
    XXH3_state_t state_ = {};
};

struct Entry {
    std::uint32_t kind = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};

std::uint64_t aligned(std::uint64_t offset, std::uint64_t alignment) {
    return (offset + alignment - 1) / alignment * alignment;
}

Bytes preamble(std::uint64_t file_size, std::size_t sections) {
    Writer out;
    out.raw(magic.data(), magic.size());
    out.u32(format_version);
    out.u32(0); // flags
    out.u64(file_size);
    out.u32(static_cast<std::uint32_t>(sections));
    out.u32(written_alignment);
    out.bytes().resize(preamble_size, 0); // signature offset and size, reserved
    return std::move(out.bytes());
}

void put(Writer &out, const Entry &entry) {
    out.u32(entry.kind);
    out.u32(0); // flags
    out.u64(entry.offset);
    out.u64(entry.size);
    out.u64(0); // size when unpacked
}

// Hands out a snapshot file from front to back and hashes what passes, so that nothing is in
// memory twice and a hostile length is held against the file's true size before it is believed.
class Source {
  public:
    explicit Source(std::string path, bool mapped = false) : path_(std::move(path)) {
        fd_ = Fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
        if (!fd_) fail_open(errno);
        struct stat state = {};
        if (::fstat(fd_.get(), &state) != 0) fail_open(errno);
        if (!S_ISREG(state.st_mode)) throw foreign();
        size_ = static_cast<std::uint64_t>(state.st_size);
        if (!mapped || size_ == 0) return;
        void *memory = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd_.get(), 0);
        if (memory == MAP_FAILED) fail_open(errno);
        map_ = {static_cast<const std::uint8_t *>(memory), size_};
    }

    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    [[nodiscard]] Span map() const noexcept { return map_; } // whoever asked for it unmaps it

    Bytes take(std::uint64_t size) {
        if (size > size_ - at_) throw damaged("it is truncated");
        Bytes bytes(size);
        fill(bytes.data(), bytes.size());
        return bytes;
    }

    // Of a mapped file.
    Span view(std::uint64_t size) {
        if (size > size_ - at_) throw damaged("it is truncated");
        const Span bytes = map_.subspan(at_, size);
        hasher_.add(bytes.data(), bytes.size());
        at_ += size;
        return bytes;
    }

    void pass(std::uint64_t offset) {
        if (!map_.empty()) {
            (void)view(offset - at_);
            return;
        }
        Bytes buffer(std::min<std::uint64_t>(offset - at_, 1u << 20));
        while (at_ < offset)
            fill(buffer.data(), std::min<std::uint64_t>(offset - at_, buffer.size()));
    }

    // Everything but the checksum has passed, or passes now.
    void check() {
        pass(size_ - checksum_size);
        const Checksum expected = hasher_.digest();
        if (!std::ranges::equal(take(checksum_size), expected))
            throw damaged("its checksum does not match");
    }

    [[nodiscard]] Error damaged(const std::string &what) const {
        return {ErrorKind::damaged, path_ + " is damaged: " + what, "use another snapshot"};
    }
    [[nodiscard]] Error foreign() const {
        return {ErrorKind::damaged, path_ + " is not a snapshot",
                "name a file that `elsewhere run` or `elsewhere suspend` wrote"};
    }
    [[nodiscard]] Error newer(std::uint32_t version) const {
        return {ErrorKind::unsupported,
                path_ + " has format " + std::to_string(version) + ", this elsewhere reads up to " +
                    std::to_string(format_version),
                "use a newer elsewhere"};
    }

  private:
    void fill(std::uint8_t *data, std::size_t size) {
        if (!map_.empty()) {
            const Span bytes = view(size);
            std::copy(bytes.begin(), bytes.end(), data);
            return;
        }
        for (std::size_t done = 0; done < size;) {
            const ssize_t n = ::read(fd_.get(), data + done, size - done);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0)
                throw Error(ErrorKind::io, "cannot read " + path_ + ": " + std::strerror(errno));
            if (n == 0) throw damaged("it was truncated while being read");
            done += static_cast<std::size_t>(n);
        }
        hasher_.add(data, size);
        at_ += size;
    }

    [[noreturn]] void fail_open(int error) const {
        const std::string why = "cannot read " + path_ + ": " + std::strerror(error);
        if (error == ENOENT || error == ENOTDIR)
            throw Error(ErrorKind::missing, why, "check the name of the snapshot");
        if (error == EACCES || error == EPERM)
            throw Error(ErrorKind::untrusted, why, "ask its owner, or run as its owner");
        throw Error(ErrorKind::io, why);
    }

    std::string path_;
    Fd fd_;
    std::uint64_t size_ = 0;
    std::uint64_t at_ = 0;
    Span map_;
    Hasher hasher_;
};

struct Layout {
    std::uint32_t sections = 0;
    std::uint32_t alignment = 0;
};

Layout read_preamble(Source &source) {
    if (source.size() < magic.size()) throw source.foreign();
    if (!std::ranges::equal(source.take(magic.size()), magic)) throw source.foreign();
    if (source.size() < preamble_size + checksum_size) throw source.damaged("it is truncated");
    const Bytes rest = source.take(preamble_size - magic.size());
    Reader in(rest.data(), rest.size());
    const std::uint32_t version = in.u32();
    if (version != format_version) {
        source.check(); // a flipped bit is damage; every format keeps magic, version and checksum
        if (version > format_version) throw source.newer(version);
        throw source.damaged("there is no format " + std::to_string(version));
    }
    if (in.u32() != 0) throw source.damaged("unknown flags");
    const std::uint64_t size = in.u64();
    if (size > source.size()) throw source.damaged("it is truncated");
    if (size < source.size()) throw source.damaged("something was appended to it");
    Layout layout;
    layout.sections = in.u32();
    layout.alignment = in.u32();
    if (!std::has_single_bit(layout.alignment) || layout.alignment < written_alignment ||
        layout.alignment > largest_alignment)
        throw source.damaged("wrong alignment");
    while (!in.done())
        if (in.u8() != 0) throw source.damaged("unknown fields");
    return layout;
}

// Sections lie in the order of the table, each at the first aligned offset behind the one before:
// so they cannot overlap, and one snapshot has one form.
std::vector<Entry> read_table(Source &source, const Layout &layout) {
    const std::uint64_t end = source.size() - checksum_size;
    if (layout.sections > (end - preamble_size) / entry_size)
        throw source.damaged("its table is too long");
    const Bytes table = source.take(layout.sections * entry_size);
    Reader in(table.data(), table.size());
    std::vector<Entry> entries(layout.sections);
    std::set<std::uint32_t> kinds;
    std::uint64_t at = preamble_size + table.size();
    for (Entry &entry : entries) {
        entry.kind = in.u32();
        if (in.u32() != 0) throw source.damaged("unknown flags of a section");
        entry.offset = in.u64();
        entry.size = in.u64();
        if (in.u64() != 0) throw source.damaged("unknown fields of a section");
        if (entry.offset != aligned(at, layout.alignment) || entry.offset > end ||
            entry.size > end - entry.offset)
            throw source.damaged("a section is not where it should be");
        if (!kinds.insert(entry.kind).second) throw source.damaged("a section is there twice");
        at = entry.offset + entry.size;
    }
    if (aligned(at, written_alignment) != end) throw source.damaged("its sections end early");
    if (entries.empty() || entries.front().kind != header_kind)
        throw source.damaged("it has no header");
    return entries;
}

// Gives every section but the header to `keep`, which takes what it wants; the rest passes through
// the checksum only.
template <typename Keep> Header load(Source &source, Keep keep) {
    const Layout layout = read_preamble(source);
    Bytes header;
    for (const Entry &entry : read_table(source, layout)) {
        source.pass(entry.offset);
        if (entry.kind == header_kind)
            header = source.take(entry.size);
        else
            keep(Section{entry.kind}, entry.size);
        source.pass(entry.offset + entry.size);
    }
    source.check();
    return decode_header(header);
}

Error absent(Section kind) {
    return {ErrorKind::damaged,
            "the snapshot has no section " + std::to_string(static_cast<std::uint32_t>(kind)),
            "use another snapshot"};
}

} // namespace

const Bytes &Snapshot::section(Section kind) const {
    const auto found = std::ranges::find(sections, kind, &std::pair<Section, Bytes>::first);
    if (found == sections.end()) throw absent(kind);
    return found->second;
}

namespace {

// `write` takes (data, size), piece by piece, checksum included.
template <typename Write>
void write_pieces(const Header &header, const std::vector<Part> &sections, Write write) {
    const Bytes head = encode(header);
    std::vector<Part> parts = {{Section{header_kind}, {Span(head)}}};
    parts.insert(parts.end(), sections.begin(), sections.end());

    Writer table;
    std::uint64_t end = preamble_size + parts.size() * entry_size;
    for (const Part &part : parts) {
        std::uint64_t size = 0;
        for (const Span piece : part.pieces) size += piece.size();
        const std::uint64_t offset = aligned(end, written_alignment);
        put(table, {static_cast<std::uint32_t>(part.kind), offset, size});
        end = offset + size;
    }
    const std::uint64_t file_size = aligned(end, written_alignment) + checksum_size;

    Hasher hasher;
    std::uint64_t at = 0;
    const auto put_bytes = [&](const void *data, std::size_t size) {
        const auto *from = static_cast<const std::uint8_t *>(data);
        for (std::size_t done = 0; done < size;) {
            const std::size_t part = std::min(step, size - done);
            hasher.add(from + done, part);
            write(from + done, part);
            done += part;
        }
        at += size;
    };
    const auto pad = [&] {
        constexpr std::array<std::uint8_t, written_alignment> zeros = {};
        put_bytes(zeros.data(), aligned(at, written_alignment) - at);
    };
    const Bytes front = preamble(file_size, parts.size());
    put_bytes(front.data(), front.size());
    put_bytes(table.bytes().data(), table.size());
    for (const Part &part : parts) {
        for (const Span piece : part.pieces) put_bytes(piece.data(), piece.size());
        pad();
    }
    const Checksum checksum = hasher.digest();
    write(checksum.data(), checksum.size());
}

} // namespace

void write(const std::string &path, const Header &header, const std::vector<Part> &parts) {
    DurableFile file(path);
    write_pieces(header, parts,
                 [&](const void *data, std::size_t size) { file.write(data, size); });
    file.commit();
}

void write(const std::string &path, const Snapshot &snapshot) {
    std::vector<Part> parts;
    for (const auto &[kind, bytes] : snapshot.sections) parts.push_back({kind, {Span(bytes)}});
    write(path, snapshot.header, parts);
}

void write(int descriptor, const Header &header, const std::vector<Part> &parts) {
    write_pieces(header, parts, [&](const void *data, std::size_t size) {
        const char *at = static_cast<const char *>(data);
        while (size > 0) {
            const ssize_t n = ::write(descriptor, at, size);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0)
                throw Error(ErrorKind::unwritable,
                            std::string("cannot write the snapshot: ") + std::strerror(errno),
                            "make room in memory or in the temporary directory");
            at += n;
            size -= static_cast<std::size_t>(n);
        }
    });
}

void write(const Sink &sink, const Header &header, const std::vector<Part> &parts) {
    write_pieces(header, parts, [&](const void *data, std::size_t size) {
        sink({static_cast<const std::uint8_t *>(data), size});
    });
}

void write_copy(const std::string &path, int descriptor) {
    DurableFile file(path);
    std::vector<char> piece(std::size_t{1} << 20);
    for (off_t at = 0;;) {
        const ssize_t n = ::pread(descriptor, piece.data(), piece.size(), at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            throw Error(ErrorKind::unwritable,
                        std::string("cannot read the state back: ") + std::strerror(errno));
        if (n == 0) break;
        file.write(piece.data(), static_cast<std::size_t>(n));
        at += n;
    }
    file.commit();
}

Snapshot read(const std::string &path) {
    Source source(path);
    Snapshot snapshot;
    snapshot.header = load(source, [&](Section kind, std::uint64_t size) {
        snapshot.sections.emplace_back(kind, source.take(size));
    });
    return snapshot;
}

Mapped::Mapped(const std::string &path) {
    Source source(path, true);
    whole_ = source.map();
    try {
        header_ = load(source, [&](Section kind, std::uint64_t size) {
            sections_.emplace_back(kind, source.view(size));
        });
    } catch (const Error &) {
        if (!whole_.empty()) ::munmap(const_cast<std::uint8_t *>(whole_.data()), whole_.size());
        throw;
    }
}

Mapped::~Mapped() { ::munmap(const_cast<std::uint8_t *>(whole_.data()), whole_.size()); }

Span Mapped::section(Section kind) const {
    const auto found = std::ranges::find(sections_, kind, &std::pair<Section, Span>::first);
    if (found == sections_.end()) throw absent(kind);
    return found->second;
}

Header read_header(const std::string &path) {
    Source source(path);
    return load(source, [](Section, std::uint64_t) {});
}

} // namespace elsewhere::snapshot
