#pragma once

#include <string>
#include <string_view>

#include "core/transport/words.hpp"

namespace elsewhere::transport {

// The value of a key like `docker=`: options of that command and, last, the one place.
struct NamedPlace {
    Words options;
    std::string name;
};

// `what` says what is named, for messages. Throws Error{usage}: nothing named, or an option that
// puts a terminal into the byte stream or goes on without it.
[[nodiscard]] NamedPlace read_named(std::string_view key, const std::string &value,
                                    std::string_view what);
// The same for `nsenter=`, which names a process.
[[nodiscard]] NamedPlace read_process(const std::string &value);

// Of a value like these, for messages.
[[nodiscard]] std::string last_word(const std::string &value);

[[nodiscard]] bool is_on_path(const std::string &command);

} // namespace elsewhere::transport
