#include "core/transport/fork_request.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

namespace elsewhere::transport {
namespace {

constexpr std::size_t head_size = 12;
constexpr std::size_t descriptors = 4;

struct Pair {
    Pair() {
        std::array<int, 2> ends = {};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
        here = Fd(ends[0]);
        there = Fd(ends[1]);
    }
    Fd here, there;
};

ino_t inode_of(const Fd &fd) {
    struct stat status = {};
    EXPECT_EQ(::fstat(fd.get(), &status), 0);
    return status.st_ino;
}

struct Streams {
    Pair input, output, errors, folder;
    [[nodiscard]] ForkRequest request(std::string environment) const {
        const auto copy = [](const Fd &fd) { return Fd(::dup(fd.get())); };
        return {.input = copy(input.here),
                .output = copy(output.here),
                .errors = copy(errors.here),
                .folder = copy(folder.here),
                .mask = 027,
                .environment = std::move(environment)};
    }
};

// The head of a request with its descriptors, as `size` bytes that begin with `first`.
void forward(const Fd &from, const Fd &to, std::size_t size, char first) {
    std::array<char, 64> bytes = {};
    iovec data = {bytes.data(), head_size};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(descriptors * sizeof(int))> rights = {};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = rights.data();
    message.msg_controllen = rights.size();
    ASSERT_EQ(::recvmsg(from.get(), &message, MSG_CMSG_CLOEXEC), head_size);
    bytes[0] = first;
    data.iov_len = size;
    ASSERT_EQ(::sendmsg(to.get(), &message, 0), static_cast<ssize_t>(size));
    std::array<int, descriptors> passed = {};
    std::memcpy(passed.data(), CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof passed);
    for (const int fd : passed) ::close(fd);
}

TEST(ForkRequest, arrives_with_its_descriptors_in_their_places) {
    const Pair control;
    const Streams streams;
    // More than a socket holds: it comes in pieces.
    const std::string environment(3U << 20, 'e');
    std::thread sender(
        [&] { EXPECT_TRUE(send_request(control.here.get(), streams.request(environment))); });
    const auto came = receive_request(control.there.get());
    sender.join();
    ASSERT_TRUE(came);
    EXPECT_EQ(came->mask, 027U);
    EXPECT_EQ(came->environment, environment);
    EXPECT_EQ(inode_of(came->input), inode_of(streams.input.here));
    EXPECT_EQ(inode_of(came->output), inode_of(streams.output.here));
    EXPECT_EQ(inode_of(came->errors), inode_of(streams.errors.here));
    EXPECT_EQ(inode_of(came->folder), inode_of(streams.folder.here));
    for (const Fd *fd : {&came->input, &came->output, &came->errors, &came->folder})
        EXPECT_EQ(::fcntl(fd->get(), F_GETFD), FD_CLOEXEC);
}

TEST(ForkRequest, is_nothing_at_the_end_of_the_stream) {
    Pair control;
    control.here.reset();
    EXPECT_FALSE(receive_request(control.there.get()));
}

TEST(ForkRequest, without_descriptors_is_none) {
    const Pair control;
    const std::array<char, head_size> bytes = {'z', 'y', 'g', '1'};
    ASSERT_EQ(::write(control.here.get(), bytes.data(), bytes.size()), head_size);
    EXPECT_FALSE(receive_request(control.there.get()));
}

TEST(ForkRequest, cut_short_is_none) {
    Pair control, cut;
    const Streams streams;
    ASSERT_TRUE(send_request(control.here.get(), streams.request("NAME=value")));
    forward(control.there, cut.here, head_size + 2, 'z');
    cut.here.reset();
    EXPECT_FALSE(receive_request(cut.there.get()));
}

TEST(ForkRequest, of_another_build_is_refused) {
    const Pair control, changed;
    const Streams streams;
    ASSERT_TRUE(send_request(control.here.get(), streams.request("")));
    forward(control.there, changed.here, head_size, 'y');
    EXPECT_FALSE(receive_request(changed.there.get()));
}

TEST(ForkAnswer, is_the_pid_or_minus_the_error) {
    const Pair control;
    ASSERT_TRUE(send_answer(control.here.get(), 4711));
    ASSERT_TRUE(send_answer(control.here.get(), -11));
    EXPECT_EQ(receive_answer(control.there.get()), 4711);
    EXPECT_EQ(receive_answer(control.there.get()), -11);
}

} // namespace
} // namespace elsewhere::transport
