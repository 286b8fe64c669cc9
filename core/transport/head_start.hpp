#pragma once

#include <optional>

#include "core/transport/launch.hpp"

namespace elsewhere::transport {

// A way over ssh that is begun before the rest is there that makes a gateway of it: its start takes
// longer than all else. The launch() of the same command that this thread does while this lives
// takes it; what nobody takes is ended.
class HeadStart {
  public:
    HeadStart();
    ~HeadStart();
    HeadStart(const HeadStart &) = delete;
    HeadStart &operator=(const HeadStart &) = delete;

    // Nothing, if the spec goes another way or makes no sense: launch() will say so.
    void begin(const XSpec &spec, const Boot &boot, const Origin &origin) noexcept;
    // Of this thread, for this command.
    [[nodiscard]] static std::optional<Stream> take(const Command &command);

  private:
    Words argv_;
    std::optional<Stream> stream_;
    HeadStart *outer_;
};

} // namespace elsewhere::transport
