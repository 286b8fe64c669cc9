// Feeds broken snapshot files to the reader for a number of seconds, from a seed:
//   snapshot_fuzz SECONDS [SEED]
// A case is a good file, mutated, and half of the time sealed again with the right checksum so
// that the mutation reaches what lies behind the check. Run under the sanitizers (make fuzz);
// anything but a clean answer or an elsewhere::Error ends it, with the seed of the case.
#define XXH_INLINE_ALL
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>

#include "core/base/fd.hpp"
#include "engine/snapshot/describe.hpp"
#include "engine/snapshot/file.hpp"
#include "engine/snapshot/header.hpp"

namespace {

using namespace elsewhere;
using Random = std::mt19937_64;

constexpr std::size_t checksum_size = 16;

std::size_t below(Random &random, std::size_t bound) { return random() % bound; }

std::string text(Random &random) {
    std::string s(below(random, 40), ' ');
    for (char &c : s) c = static_cast<char>(random());
    return s;
}

snapshot::Snapshot any_snapshot(Random &random) {
    snapshot::Snapshot s;
    s.header.python_tag = "cpython-312-x86_64-linux-gnu";
    s.header.executable = text(random);
    s.header.program = text(random);
    s.header.directory = text(random);
    s.header.target = static_cast<snapshot::Target>(below(random, 4));
    if (below(random, 2)) s.header.hash_seed = static_cast<std::uint32_t>(random());
    for (std::size_t i = below(random, 4); i > 0; --i) s.header.arguments.push_back(text(random));
    for (const auto kind : {snapshot::Section::frames, snapshot::Section::objects}) {
        Bytes bytes(below(random, 300));
        // Mostly numbers of operations and ids that exist.
        std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(below(random, 80)); });
        if (!bytes.empty()) bytes[0] = snapshot::object_stream_version;
        s.sections.emplace_back(kind, std::move(bytes));
    }
    return s;
}

// A file without a name: nothing is left behind, however this ends.
class Scratch {
  public:
    Scratch() : fd_(::memfd_create("snapshot", 0)) {
        path_ = "/proc/self/fd/" + std::to_string(fd_.get());
    }
    [[nodiscard]] const std::string &path() const { return path_; }
    void fill(const Bytes &bytes) {
        if (::ftruncate(fd_.get(), 0) != 0 || ::pwrite(fd_.get(), bytes.data(), bytes.size(), 0) !=
                                                  static_cast<ssize_t>(bytes.size())) {
            std::perror("scratch file");
            std::exit(1);
        }
    }

  private:
    Fd fd_;
    std::string path_;
};

Bytes contents(const std::string &path) {
    std::FILE *file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) {
        std::perror(path.c_str());
        std::exit(1);
    }
    Bytes bytes(1 << 16);
    bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
    std::fclose(file);
    return bytes;
}

void mutate(Random &random, Bytes &bytes) {
    for (std::size_t n = 1 + below(random, 3); n > 0 && !bytes.empty(); --n) {
        const std::size_t at = below(random, bytes.size());
        const std::size_t size = std::min<std::size_t>(below(random, 16), bytes.size() - at);
        switch (below(random, 6)) {
        case 0: bytes[at] ^= static_cast<std::uint8_t>(1u << below(random, 8)); break;
        case 1: bytes[at] = static_cast<std::uint8_t>(random()); break;
        case 2: bytes[at] = 0xff; break;
        case 3: bytes.resize(at); break;
        case 4: bytes.erase(bytes.begin() + at, bytes.begin() + at + size); break;
        case 5: bytes.insert(bytes.begin() + at, 1 + size, static_cast<std::uint8_t>(random()));
        }
    }
}

void seal(Bytes &bytes) {
    if (bytes.size() < checksum_size) return;
    XXH128_canonical_t checksum;
    XXH128_canonicalFromHash(&checksum, XXH3_128bits(bytes.data(), bytes.size() - checksum_size));
    std::copy_n(checksum.digest, checksum_size, bytes.end() - checksum_size);
}

// As `elsewhere inspect` does.
void look_at(const snapshot::Snapshot &s) {
    const snapshot::ObjectIndex objects(s.section(snapshot::Section::objects));
    for (std::uint64_t id = 0; id < snapshot::id_first + objects.size() + 2; ++id)
        (void)snapshot::describe(snapshot::to_reference(id), objects);
    (void)snapshot::describe_frames(s.section(snapshot::Section::frames), objects);
}

// Whether the file was accepted; what is accepted is whole.
bool accepts(const std::string &path) {
    try {
        const snapshot::Snapshot s = snapshot::read(path);
        const Bytes header = snapshot::encode(s.header);
        if (snapshot::encode(snapshot::decode_header(header)) != header) {
            std::fputs("a header changed on its way\n", stderr);
            std::abort();
        }
        try {
            look_at(s);
        } catch (const Error &) { // whole, but nonsense
        }
        return true;
    } catch (const Error &) {
        return false;
    }
}

void one_case(std::uint64_t seed, Scratch &scratch, const std::string &written) {
    Random random(seed);
    snapshot::write(written, any_snapshot(random));
    const Bytes good = contents(written);
    for (int i = 0; i < 200; ++i) {
        Bytes bytes = good;
        mutate(random, bytes);
        const bool sealed = below(random, 2) != 0;
        if (sealed) seal(bytes);
        scratch.fill(bytes);
        if (accepts(scratch.path()) && !sealed && bytes != good) {
            std::fprintf(stderr, "a broken file was accepted; seed %llu, mutation %d\n",
                         static_cast<unsigned long long>(seed), i);
            std::abort();
        }
    }
}

} // namespace

int main(int argc, char **argv) {
    const double seconds = argc > 1 ? std::strtod(argv[1], nullptr) : 60;
    std::uint64_t seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : std::random_device{}();
    std::string folder = "/tmp/snapshot_fuzz.XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) {
        std::perror(folder.c_str());
        return 1;
    }
    const std::string written = folder + "/good.snap";
    Scratch scratch;
    std::printf("first seed %llu\n", static_cast<unsigned long long>(seed));
    std::fflush(stdout);
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    std::uint64_t cases = 0;
    for (; std::chrono::steady_clock::now() < end; ++cases, ++seed)
        one_case(seed, scratch, written);
    ::unlink(written.c_str());
    ::rmdir(folder.c_str());
    std::printf("%llu files, each broken in 200 ways\n", static_cast<unsigned long long>(cases));
    return 0;
}
