#include "core/transport/ssh_words.hpp"

#include "core/base/error.hpp"

namespace elsewhere::transport {
namespace {

constexpr std::string_view with_value = "BbcDEeFIiJLlmOopQRSWwP";
// No command, no stdin, a terminal in between, or an answer and no connection.
constexpr std::string_view without_stream = "fGNnOQstVW";

[[noreturn]] void refuse(const std::string &what, const std::string &value) {
    throw Error(ErrorKind::usage, what + ", in ssh=" + value,
                "ssh=[options ]user@host, for example ssh=-p 2222 user@host");
}

} // namespace

SshWords read_ssh(const std::string &value) {
    SshWords ssh{.words = split_words(value), .host = {}};
    for (std::size_t i = 0; i < ssh.words.size(); ++i) {
        const std::string &word = ssh.words[i];
        if (!word.starts_with('-') || word == "-") {
            if (!ssh.host.empty()) refuse("`" + word + "` behind the host", value);
            ssh.host = word;
            continue;
        }
        // Letters may stand together, -4Ap 2222; the value may be joined, -p2222.
        for (std::size_t at = 1; at < word.size(); ++at) {
            if (without_stream.find(word[at]) != std::string_view::npos)
                refuse(std::string("-") + word[at] + " leaves no stream to a Python", value);
            if (with_value.find(word[at]) == std::string_view::npos) continue;
            if (at + 1 == word.size() && ++i >= ssh.words.size())
                refuse(std::string("-") + word[at] + " needs a value", value);
            break;
        }
    }
    if (ssh.host.empty()) refuse("no host", value);
    return ssh;
}

} // namespace elsewhere::transport
