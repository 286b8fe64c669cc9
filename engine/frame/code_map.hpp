#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/cpython/frame_abi.h"

namespace elsewhere::frame {

// One instruction of a code object, with its inline caches and EXTENDED_ARG prefixes folded in.
struct Instruction {
    int opcode = 0;
    int oparg = 0;
    int next = 0;   // index of the instruction behind it
    int depth = -1; // value stack entries before it executes; -1: not reachable
    ElwOp op = ELW_OP_OTHER;
};

// What static analysis knows of a code object: where instructions start, how deep the value stack
// is before each, and which instruction wrote each entry. Indices are code units.
class CodeMap {
  public:
    explicit CodeMap(PyCodeObject *code);

    // The instruction that unit `index` belongs to (the unit may be a cache entry); -1 if none.
    [[nodiscard]] int start(int index) const;
    [[nodiscard]] const Instruction &at(int start) const {
        return instructions_[static_cast<std::size_t>(start)];
    }
    // Where a backward jump at `start` goes.
    [[nodiscard]] int target(int start) const;
    // Does any jump lead to `start`?
    [[nodiscard]] bool is_jump_target(int start) const;
    // The last backward jump that looks for signals and leads there, or -1.
    [[nodiscard]] int jump_back_to(int start) const;
    // Where an exception at unit `index` is handled; -1: nowhere (always, with a block stack).
    [[nodiscard]] int handler(int index) const;
    // The earliest unit from which executing `start` again has its full effect: EXTENDED_ARG
    // prefixes, and the KW_NAMES that an older CALL takes its keyword names from.
    [[nodiscard]] int reexecute_from(int start) const;
    // For every entry of the value stack before `start`: the instruction that wrote it.
    [[nodiscard]] std::vector<int> origins(int start) const;

  private:
    struct Handler {
        int start;
        int end;
        int target;
        int depth;
        bool last_instruction;
    };
    // What lies on a value stack, from its top down. Stacks share what is below, or a call with a
    // few thousand operands would take gigabytes. The first one is the bottom.
    struct Entry {
        int writer; // instruction
        int below;
        int depth;
    };
    static std::vector<Handler> exception_table(PyCodeObject *code);
    [[nodiscard]] int with_prefixes(int start) const;
    void decode(const std::uint8_t *bytes, int units);
    void trace(PyCodeObject *code);
    [[nodiscard]] bool is_reached(int at) const;
    bool arrive(int at, int depth, int top);
    [[nodiscard]] int cut(int top, int depth) const;
    int filled(int top, int depth, int writer);

    std::vector<int> start_;
    std::vector<Instruction> instructions_;
    std::vector<Entry> entries_{{-1, 0, 0}};
    std::vector<int> tops_; // of each instruction's stack, among the entries
    std::vector<Handler> handlers_;
};

// The maps of the code objects met in one capture or restore.
class CodeMaps {
  public:
    const CodeMap &of(PyCodeObject *code);

  private:
    std::unordered_map<PyCodeObject *, std::unique_ptr<CodeMap>> maps_;
};

} // namespace elsewhere::frame
