#pragma once

#include <string>

#include "core/transport/words.hpp"

namespace elsewhere::transport {

// The value of `ssh=`: options of the OpenSSH client and one destination, as shell words.
struct SshWords {
    Words words;
    std::string host; // user@host as written, for messages
};

// Throws Error{usage}: no destination, a command behind it, options that take the byte stream away.
[[nodiscard]] SshWords read_ssh(const std::string &value);

} // namespace elsewhere::transport
