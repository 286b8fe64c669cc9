#include "engine/snapshot/operands.hpp"

#include <array>

namespace elsewhere::snapshot {
namespace {

// Without a name: there is no such operation.
constexpr std::array<Layout, 256> rows = [] {
    std::array<Layout, 256> table = {};
#define ELSEWHERE_OP(name, number, made, operands) table[number] = {#name, made, operands};
#include "engine/snapshot/object_ops.def"
#undef ELSEWHERE_OP
    return table;
}();

} // namespace

const Layout &layout_of(Op op) {
    const Layout &layout = rows[static_cast<std::uint8_t>(op)];
    if (layout.name == nullptr)
        throw Error(ErrorKind::damaged, "the objects are damaged: an unknown operation",
                    "use another snapshot");
    return layout;
}

const char *name_of(Op op) {
    const char *name = rows[static_cast<std::uint8_t>(op)].name;
    return name != nullptr ? name : "unknown";
}

} // namespace elsewhere::snapshot
