#include "core/transport/head_start.hpp"

#include <exception>

namespace elsewhere::transport {
namespace {

thread_local HeadStart *innermost = nullptr;

} // namespace

HeadStart::HeadStart() : outer_(innermost) { innermost = this; }

HeadStart::~HeadStart() { innermost = outer_; }

void HeadStart::begin(const XSpec &spec, const Boot &boot, const Origin &origin) noexcept {
    if (!spec.has("ssh") || spec.has("via") || spec.has("installvia")) return;
    try {
        validate(spec);
        const Command command = command_for(spec, boot, origin);
        stream_.emplace(spawn(command.argv, command.keyboard), command.keyboard);
        argv_ = command.argv;
    } catch (const std::exception &) {
        stream_.reset();
    }
}

std::optional<Stream> HeadStart::take(const Command &command) {
    for (HeadStart *one = innermost; one != nullptr; one = one->outer_)
        if (one->stream_ && one->argv_ == command.argv) {
            std::optional<Stream> taken(std::move(one->stream_));
            one->stream_.reset();
            return taken;
        }
    return std::nullopt;
}

} // namespace elsewhere::transport
