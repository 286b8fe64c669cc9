#pragma once

#include <vector>

#include "core/base/bytes.hpp"
#include "engine/cpython/ref.hpp"

namespace elsewhere::object {

// An object stream; large bytes objects stay where they are, because a copy costs more than all
// else.
struct Stream {
    struct Outside {
        std::size_t at; // before which byte of `own` the contents belong
        Ref bytes;
    };
    Bytes own;
    std::vector<Outside> outside;
    // All of it, in order; good as long as this object is.
    [[nodiscard]] std::vector<Span> pieces() const;
};

} // namespace elsewhere::object
