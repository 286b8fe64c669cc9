#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "core/base/fd.hpp"

namespace elsewhere::transport {

// What a controller sends to a zygote for each worker, and the zygote's answer (spec/zygote.md).
struct ForkRequest {
    Fd input, output, errors; // the worker's 0, 1 and 2
    Fd folder;                // its working directory
    mode_t mask = 0;
    std::string environment; // each `NAME=value` with a zero byte behind it
};

// The request, whose descriptors stay the caller's; false: the zygote does not take it.
[[nodiscard]] bool send_request(int socket, const ForkRequest &request);
// Waits; nothing once the controller has closed its end, or has sent something else.
[[nodiscard]] std::optional<ForkRequest> receive_request(int socket);

// The answer: the worker's pid, or minus the errno with which there is none.
[[nodiscard]] bool send_answer(int socket, pid_t pid);
[[nodiscard]] std::optional<pid_t> receive_answer(int socket);

} // namespace elsewhere::transport
