#include "core/transport/fork_request.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace elsewhere::transport {
namespace {

constexpr std::size_t descriptors = 4;
constexpr std::uint32_t form = 0x31'67'79'7a; // "zyg1": of another build, it is refused
constexpr std::uint32_t longest_environment = 64U << 20;

struct Head {
    std::uint32_t form, mask, size;
};

union Ancillary {
    alignas(cmsghdr) char bytes[CMSG_SPACE(descriptors * sizeof(int))]; // NOLINT
};

bool send_all(int socket, const char *data, std::size_t size) {
    while (size > 0) {
        const ssize_t n = ::send(socket, data, size, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        data += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

bool receive_all(int socket, char *data, std::size_t size) {
    while (size > 0) {
        const ssize_t n = ::recv(socket, data, size, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        data += n;
        size -= static_cast<std::size_t>(n);
    }
    return true;
}

} // namespace

bool send_request(int socket, const ForkRequest &request) {
    Head head = {form, request.mask, static_cast<std::uint32_t>(request.environment.size())};
    iovec data = {&head, sizeof head};
    Ancillary space{};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = space.bytes;
    message.msg_controllen = sizeof space.bytes;
    cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors * sizeof(int));
    const std::array<int, descriptors> passed = {request.input.get(), request.output.get(),
                                                 request.errors.get(), request.folder.get()};
    std::memcpy(CMSG_DATA(rights), passed.data(), sizeof passed);
    ssize_t n = 0;
    do n = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    // So small a message goes whole into an empty socket.
    return n == sizeof head &&
           send_all(socket, request.environment.data(), request.environment.size());
}

std::optional<ForkRequest> receive_request(int socket) {
    Head head = {};
    iovec data = {&head, sizeof head};
    Ancillary space{};
    msghdr message = {};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = space.bytes;
    message.msg_controllen = sizeof space.bytes;
    ssize_t n = 0;
    do n = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    ForkRequest request;
    const cmsghdr *rights = n > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
    if (rights == nullptr || rights->cmsg_type != SCM_RIGHTS ||
        rights->cmsg_len != CMSG_LEN(descriptors * sizeof(int)))
        return std::nullopt;
    std::array<int, descriptors> passed = {};
    std::memcpy(passed.data(), CMSG_DATA(rights), sizeof passed);
    request.input = Fd(passed[0]);
    request.output = Fd(passed[1]);
    request.errors = Fd(passed[2]);
    request.folder = Fd(passed[3]);
    auto *rest = reinterpret_cast<char *>(&head) + n;
    if (!receive_all(socket, rest, sizeof head - static_cast<std::size_t>(n)) ||
        head.form != form || head.size > longest_environment)
        return std::nullopt;
    request.mask = head.mask;
    request.environment.resize(head.size);
    if (!receive_all(socket, request.environment.data(), head.size)) return std::nullopt;
    return request;
}

bool send_answer(int socket, pid_t pid) {
    const auto word = static_cast<std::int32_t>(pid);
    return send_all(socket, reinterpret_cast<const char *>(&word), sizeof word);
}

std::optional<pid_t> receive_answer(int socket) {
    std::int32_t word = 0;
    if (!receive_all(socket, reinterpret_cast<char *>(&word), sizeof word)) return std::nullopt;
    return word;
}

} // namespace elsewhere::transport
