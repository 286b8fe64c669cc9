#include "engine/snapshot/file.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>

namespace elsewhere::snapshot {
namespace {

namespace fs = std::filesystem;

Snapshot example(std::uint8_t fill = 7, std::size_t size = 21) {
    Snapshot snapshot;
    Header &header = snapshot.header;
    header.python_tag = "cpython-312-x86_64-linux-gnu";
    header.python_version = "3.12.1";
    header.executable = "/usr/bin/python3.12";
    header.interpreter_arguments = {"-X", "dev"};
    header.creator = "elsewhere test";
    header.target = Target::script;
    header.program = "/home/me/job.py";
    header.arguments = {"--fast", "", "na\xefve"};
    header.directory = "/home/me";
    header.hash_seed = 123456789;
    header.created = 1700000000123456789;
    header.id = {1, 2, 3};
    header.generation = 4;
    header.purpose = Purpose::checkpoint;
    snapshot.sections = {{Section::frames, Bytes(5, 1)}, {Section::objects, Bytes(size, fill)}};
    return snapshot;
}

std::string contents(const fs::path &path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void put(const fs::path &path, const std::string &bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

std::optional<Error> error_of(const std::function<void()> &call) {
    try {
        call();
    } catch (const Error &error) {
        return error;
    }
    return std::nullopt;
}

std::optional<ErrorKind> kind_of(const std::function<void()> &call) {
    const auto error = error_of(call);
    return error ? std::optional(error->kind()) : std::nullopt;
}

// Runs `body` in a child process: its exit code, or 1000 + the signal that ended it.
int in_child(const std::function<int()> &body) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(body());
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

class SnapshotFile : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string name = (fs::temp_directory_path() / "snapshot-test-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        folder_ = name;
        file_ = folder_ / "a.snap";
    }
    void TearDown() override { fs::remove_all(folder_); }
    [[nodiscard]] std::ptrdiff_t entries() const {
        return std::distance(fs::directory_iterator(folder_), {});
    }

    fs::path folder_;
    fs::path file_;
};

TEST_F(SnapshotFile, is_read_back_as_written) {
    const Snapshot written = example();
    write(file_, written);
    const Snapshot back = read(file_);
    EXPECT_EQ(back.sections, written.sections);
    EXPECT_EQ(back.section(Section::objects), Bytes(21, 7));
    for (const Header &header : {back.header, read_header(file_)}) {
        EXPECT_EQ(header.python_tag, written.header.python_tag);
        EXPECT_EQ(header.python_version, written.header.python_version);
        EXPECT_EQ(header.executable, written.header.executable);
        EXPECT_EQ(header.interpreter_arguments, written.header.interpreter_arguments);
        EXPECT_EQ(header.creator, written.header.creator);
        EXPECT_EQ(header.target, written.header.target);
        EXPECT_EQ(header.program, written.header.program);
        EXPECT_EQ(header.arguments, written.header.arguments);
        EXPECT_EQ(header.directory, written.header.directory);
        EXPECT_EQ(header.hash_seed, written.header.hash_seed);
        EXPECT_EQ(header.created, written.header.created);
        EXPECT_EQ(header.id, written.header.id);
        EXPECT_EQ(header.generation, written.header.generation);
        EXPECT_EQ(header.purpose, written.header.purpose);
    }
    EXPECT_EQ(entries(), 1);
}

TEST_F(SnapshotFile, may_be_without_hash_seed_and_sections) {
    Snapshot bare;
    write(file_, bare);
    const Snapshot back = read(file_);
    EXPECT_EQ(back.header.hash_seed, std::nullopt);
    EXPECT_EQ(kind_of([&] { (void)back.section(Section::frames); }), ErrorKind::damaged);
}

TEST_F(SnapshotFile, shows_every_flipped_bit) {
    write(file_, example());
    const std::string good = contents(file_);
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        std::string bad = good;
        bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
        put(file_, bad);
        ASSERT_EQ(kind_of([&] { read(file_); }), ErrorKind::damaged) << "bit " << bit;
        ASSERT_EQ(kind_of([&] { read_header(file_); }), ErrorKind::damaged) << "bit " << bit;
    }
}

TEST_F(SnapshotFile, shows_every_truncation_and_whatever_is_appended) {
    write(file_, example());
    const std::string good = contents(file_);
    for (std::size_t size = 0; size < good.size(); ++size) {
        put(file_, good.substr(0, size));
        ASSERT_EQ(kind_of([&] { read(file_); }), ErrorKind::damaged) << "size " << size;
    }
    put(file_, good + '\0');
    EXPECT_EQ(kind_of([&] { read(file_); }), ErrorKind::damaged);
}

TEST_F(SnapshotFile, survives_random_bytes_behind_a_good_magic) {
    write(file_, example());
    const std::string good = contents(file_);
    std::mt19937 random(1);
    for (int round = 0; round < 2000; ++round) {
        std::string bad = good;
        const std::size_t from = 8 + random() % (good.size() - 8);
        for (std::size_t at = from; at < std::min(from + 1 + random() % 40, bad.size()); ++at)
            bad[at] = static_cast<char>(random());
        if (bad == good) continue;
        put(file_, bad);
        ASSERT_EQ(kind_of([&] { read(file_); }), ErrorKind::damaged) << "round " << round;
    }
}

TEST_F(SnapshotFile, says_what_is_no_snapshot) {
    put(file_, "import os\n");
    const auto error = error_of([&] { read(file_); });
    ASSERT_TRUE(error);
    EXPECT_NE(error->message().find("not a snapshot"), std::string::npos);
    EXPECT_EQ(kind_of([&] { read(folder_); }), ErrorKind::damaged);
    EXPECT_EQ(kind_of([&] { read(folder_ / "none"); }), ErrorKind::missing);
    EXPECT_EQ(kind_of([&] { read(file_ / "none"); }), ErrorKind::missing);
}

TEST_F(SnapshotFile, is_private_under_any_umask) {
    for (const mode_t mask : {0000, 0022, 0777}) {
        const mode_t before = ::umask(mask);
        write(file_, example());
        ::umask(before);
        struct stat state = {};
        ASSERT_EQ(::stat(file_.c_str(), &state), 0);
        EXPECT_EQ(state.st_mode & 07777, 0600u) << std::oct << mask;
    }
}

TEST_F(SnapshotFile, keeps_a_link_and_replaces_nothing_but_plain_files) {
    const fs::path link = folder_ / "link";
    fs::create_symlink("a.snap", link);
    write(link, example());
    EXPECT_TRUE(fs::is_symlink(link));
    EXPECT_TRUE(fs::is_regular_file(file_));
    const fs::path pipe = folder_ / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_EQ(kind_of([&] { write(pipe, example()); }), ErrorKind::unwritable);
    EXPECT_TRUE(fs::is_fifo(pipe));
    EXPECT_EQ(kind_of([&] { write(folder_, example()); }), ErrorKind::unwritable);
    EXPECT_EQ(kind_of([&] { write(folder_ / "none" / "b", example()); }), ErrorKind::unwritable);
}

TEST_F(SnapshotFile, has_room_for_the_longest_name) {
    const fs::path longest = folder_ / std::string(255, 'x');
    write(longest, example());
    EXPECT_EQ(read(longest).sections, example().sections);
}

TEST_F(SnapshotFile, over_the_size_limit_leaves_the_previous_one) {
    write(file_, example());
    const int code = in_child([&] {
        const rlimit limit = {8192, 8192};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        std::signal(SIGXFSZ, SIG_IGN);
        return kind_of([&] { write(file_, example(9, 100000)); }) == ErrorKind::unwritable ? 0 : 1;
    });
    EXPECT_EQ(code, 0);
    EXPECT_EQ(read(file_).sections, example().sections);
    EXPECT_EQ(entries(), 1);
}

TEST_F(SnapshotFile, on_a_full_disk_leaves_the_previous_one) {
    constexpr int no_namespace = 77;
    const int code = in_child([&] {
        if (::unshare(CLONE_NEWNS) != 0 ||
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
            ::mount("none", folder_.c_str(), "tmpfs", 0, "size=64k") != 0)
            return no_namespace;
        write(file_, example());
        const auto error = error_of([&] { write(file_, example(9, 1000000)); });
        if (!error || error->kind() != ErrorKind::unwritable) return 1;
        if (error->message().find(file_.string()) == std::string::npos) return 2;
        if (error->message().find("No space left") == std::string::npos) return 3;
        if (read(file_).sections != example().sections) return 4;
        return entries() == 1 ? 0 : 5;
    });
    if (code == no_namespace) GTEST_SKIP() << "needs the right to mount";
    EXPECT_EQ(code, 0);
}

TEST_F(SnapshotFile, survives_kill_9_at_any_moment_of_writing) {
    std::mt19937 random(2);
    write(file_, example(0, 200000));
    for (int round = 0; round < 100; ++round) {
        const pid_t child = ::fork();
        if (child == 0) {
            for (std::uint8_t fill = 0;; ++fill) write(file_, example(fill, 200000));
        }
        ::usleep(random() % 5000);
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        const Bytes objects = read(file_).section(Section::objects);
        ASSERT_EQ(objects, Bytes(200000, objects[0])) << "round " << round;
        ASSERT_LE(entries(), 2) << "abandoned temporaries pile up, round " << round;
    }
    write(file_, example());
    EXPECT_EQ(entries(), 1);
}

TEST_F(SnapshotFile, has_as_many_writers_as_you_like) {
    std::vector<pid_t> children;
    for (std::uint8_t writer = 1; writer <= 4; ++writer) {
        const pid_t child = ::fork();
        if (child == 0) {
            const auto error = error_of([&] {
                for (int round = 0; round < 50; ++round) write(file_, example(writer, 5000));
            });
            ::_exit(error ? 1 : 0);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = -1;
        ::waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(read(file_).section(Section::frames), Bytes(5, 1));
    EXPECT_EQ(entries(), 1);
}

TEST_F(SnapshotFile, mapped_is_what_read_says_and_is_checked_as_well) {
    const Snapshot written = example();
    write(file_, written);
    {
        const Mapped mapped(file_);
        EXPECT_EQ(mapped.header().program, written.header.program);
        const Span objects = mapped.section(Section::objects);
        EXPECT_EQ(Bytes(objects.begin(), objects.end()), written.section(Section::objects));
    }
    std::fstream stream(file_, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(-20, std::ios::end);
    stream.put('!');
    stream.close();
    EXPECT_EQ(kind_of([&] { const Mapped damaged(file_); }), ErrorKind::damaged);
}

TEST_F(SnapshotFile, is_given_away_in_small_pieces_of_the_same_bytes) {
    const Snapshot snapshot = example(3, 1'000'000);
    write(file_, snapshot);
    std::vector<Part> parts;
    for (const auto &[kind, bytes] : snapshot.sections) parts.push_back({kind, {Span(bytes)}});
    std::string given;
    std::size_t longest = 0;
    write(
        [&](Span piece) {
            given.append(reinterpret_cast<const char *>(piece.data()), piece.size());
            longest = std::max(longest, piece.size());
        },
        snapshot.header, parts);
    EXPECT_EQ(given, contents(file_));
    EXPECT_EQ(longest, 1u << 18);
}

TEST_F(SnapshotFile, a_section_in_pieces_is_written_as_one) {
    const Bytes first(3, 1), second(5, 2);
    write(file_, example().header,
          std::vector<Part>{{Section::objects, {Span(first), Span(second)}}});
    EXPECT_EQ(read(file_).section(Section::objects), (Bytes{1, 1, 1, 2, 2, 2, 2, 2}));
}

} // namespace
} // namespace elsewhere::snapshot
