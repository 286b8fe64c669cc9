#pragma once

#include <string_view>
#include <vector>

#include "core/base/bytes.hpp"
#include "engine/snapshot/object_stream.hpp"

// The operands of the object stream's operations, for whoever steps over them. Safe on hostile
// input: throws Error{damaged}.
namespace elsewhere::snapshot {

// Of one operation; operands as in object_ops.def. Throws Error{damaged} if there is none such.
struct Layout {
    const char *name = nullptr;
    unsigned made = 0;
    std::string_view operands;
};
[[nodiscard]] const Layout &layout_of(Op op);
[[nodiscard]] const char *name_of(Op op);

// A frame record as it is in both sections, without what only a resume needs.
struct FrameEntry {
    std::uint32_t instruction = 0;
    std::uint32_t line = 0;
    Reference globals = 0;
    Reference locals = 0; // the mapping of a module or class body
    std::vector<Reference> variables;
    struct Slot {
        std::uint64_t role = 0;
        Reference value = 0;
    };
    std::vector<Slot> stack;
};

// Calls `meet` with each reference that it reads, and gives it on.
template <class Meet> FrameEntry read_frame(Reader &in, Meet &&meet) {
    const auto next = [&] {
        const Reference reference = in.varint();
        meet(reference);
        return reference;
    };
    FrameEntry frame;
    frame.instruction = static_cast<std::uint32_t>(in.varint());
    frame.line = static_cast<std::uint32_t>(in.varint());
    in.varint(); // how it goes on
    next();      // code
    frame.globals = next();
    for (int left = 4; left > 0; --left) next(); // generator, frame object, function, builtins
    frame.locals = next();
    next(); // the instance under construction
    for (std::size_t left = in.count(); left > 0; --left) frame.variables.push_back(next());
    for (std::size_t left = in.count(3); left > 0; --left) {
        FrameEntry::Slot slot;
        slot.role = in.varint();
        in.varint(); // the instruction that pushed it
        slot.value = next();
        frame.stack.push_back(slot);
    }
    for (std::size_t calls = in.count(27); calls > 0; --calls) {
        in.text();                                     // the builtin
        in.varint();                                   // where it is in its work
        for (int left = 3; left > 0; --left) in.u64(); // its numbers
        for (std::size_t left = in.count(); left > 0; --left) next();
    }
    for (std::size_t left = in.count(3); left > 0; --left) // blocks
        for (int fields = 3; fields > 0; --fields) in.varint();
    return frame;
}

inline FrameEntry read_frame(Reader &in) {
    return read_frame(in, [](Reference) {});
}

// Steps over one operand, and calls `meet` with each reference in it.
template <class Meet> void each_reference(Reader &in, char operand, Meet &&meet) {
    switch (operand) {
    case 'r': meet(in.varint()); return;
    case 'v': in.varint(); return;
    case 't': in.text(); return;
    case 'd': in.u64(); return;
    case 'R':
        for (std::size_t left = in.count(); left > 0; --left) meet(in.varint());
        return;
    case 'P':
        for (std::size_t left = in.count(2); left > 0; --left) {
            meet(in.varint());
            meet(in.varint());
        }
        return;
    case 'E':
        for (std::size_t left = in.count(10); left > 0; --left) {
            meet(in.varint());
            in.varint();
            in.u64();
        }
        return;
    case 'F': (void)read_frame(in, meet); return;
    default: throw Error(ErrorKind::internal, "an operand of unknown kind");
    }
}

inline void skip(Reader &in, std::string_view operands) {
    for (const char operand : operands) each_reference(in, operand, [](Reference) {});
}

} // namespace elsewhere::snapshot
