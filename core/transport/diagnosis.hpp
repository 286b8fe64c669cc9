#pragma once

#include <optional>
#include <string_view>

#include "core/base/error.hpp"
#include "core/transport/spec.hpp"
#include "core/transport/stream.hpp"

namespace elsewhere::transport {

// How far a launch came, in the order in which it goes.
enum class Stage { reach, login, shell, before, python, boot };

[[nodiscard]] std::string_view name(Stage stage) noexcept;

struct Failure {
    Stage stage;
    Error error; // names the host
};

// Why no worker said hello. `exit`: how the child ended, nothing if it still runs and time is up;
// `errors`: its stderr; `junk`: what came from its stdout instead of a hello, with `finder_found`.
[[nodiscard]] Failure why_it_failed(const XSpec &spec, std::optional<Exit> exit,
                                    std::string_view errors, std::string_view junk);
// What a login shell has printed.
[[nodiscard]] std::string without_announcement(std::string_view junk);

} // namespace elsewhere::transport
