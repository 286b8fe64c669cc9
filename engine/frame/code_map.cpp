#include "engine/frame/code_map.hpp"

#include <algorithm>

#include "engine/cpython/ref.hpp"

namespace elsewhere::frame {

// The exception table: groups of four varints of 6 bits a byte (CPython:
// Objects/exception_handling_notes.txt).
std::vector<CodeMap::Handler> CodeMap::exception_table(PyCodeObject *code) {
    std::vector<Handler> handlers;
    PyObject *table = elw_exception_table(code);
    if (table == nullptr) return handlers; // SETUP_FINALLY and the like jump to their handlers
    const auto *at = reinterpret_cast<const std::uint8_t *>(PyBytes_AS_STRING(table));
    const auto *end = at + PyBytes_GET_SIZE(table);
    auto number = [&] {
        int value = at < end ? *at & 63 : 0;
        while (at < end && (*at++ & 64) != 0 && at < end) value = (value << 6) | (*at & 63);
        return value;
    };
    while (at < end) {
        Handler handler{};
        handler.start = number();
        handler.end = handler.start + number();
        handler.target = number();
        const int depth_and_last = number();
        handler.depth = depth_and_last >> 1;
        handler.last_instruction = (depth_and_last & 1) != 0;
        handlers.push_back(handler);
    }
    return handlers;
}

CodeMap::CodeMap(PyCodeObject *code) : handlers_(exception_table(code)) {
    Ref bytes = Ref::checked(elw_bytecode(code));
    const int units = static_cast<int>(PyBytes_GET_SIZE(bytes.get()) / 2);
    decode(reinterpret_cast<const std::uint8_t *>(PyBytes_AS_STRING(bytes.get())), units);
    tops_.resize(instructions_.size());
    trace(code);
}

int CodeMap::start(int index) const {
    if (index < 0 || index >= static_cast<int>(start_.size())) return -1;
    return start_[static_cast<std::size_t>(index)];
}

int CodeMap::target(int start) const {
    const Instruction &instruction = at(start);
    return elw_jump_target(instruction.opcode, instruction.oparg, instruction.next);
}

bool CodeMap::is_jump_target(int start) const {
    const int units = static_cast<int>(instructions_.size());
    for (int i = 0; i < units; ++i)
        if (start_[static_cast<std::size_t>(i)] == i && target(i) == start) return true;
    return false;
}

int CodeMap::jump_back_to(int start) const {
    for (int i = static_cast<int>(instructions_.size()) - 1; i > start; --i)
        if (start_[static_cast<std::size_t>(i)] == i && at(i).op == ELW_OP_JUMP_BACKWARD &&
            target(i) == start)
            return i;
    return -1;
}

int CodeMap::handler(int index) const {
    for (const Handler &handler : handlers_)
        if (index >= handler.start && index < handler.end) return handler.target;
    return -1;
}

int CodeMap::with_prefixes(int start) const {
    while (start > 0 && at(this->start(start - 1)).opcode == elw_opcode_extended_arg())
        start = this->start(start - 1);
    return start;
}

int CodeMap::reexecute_from(int start) const {
    const int first = with_prefixes(start);
    if (at(start).op != ELW_OP_CALL || first == 0) return first;
    int before = this->start(first - 1);
    if (at(before).op == ELW_OP_PRECALL) {
        before = with_prefixes(before);
        before = before > 0 ? this->start(before - 1) : before;
    }
    return at(before).op == ELW_OP_KEYWORD_NAMES ? with_prefixes(before) : first;
}

void CodeMap::decode(const std::uint8_t *bytes, int units) {
    start_.assign(static_cast<std::size_t>(units), -1);
    instructions_.resize(static_cast<std::size_t>(units));
    int oparg = 0;
    for (int i = 0; i < units;) {
        const int opcode = bytes[2 * i];
        oparg |= bytes[2 * i + 1];
        if (opcode == elw_opcode_extended_arg()) {
            // An instruction of its own, so that a jump to it has a place.
            start_[static_cast<std::size_t>(i)] = i;
            instructions_[static_cast<std::size_t>(i)] = {opcode, 0, i + 1, -1, ELW_OP_OTHER};
            oparg <<= 8;
            ++i;
            continue;
        }
        const int next = std::min(i + 1 + elw_caches(opcode), units);
        instructions_[static_cast<std::size_t>(i)] = {opcode, oparg, next, -1,
                                                      elw_op(opcode, oparg)};
        std::fill(start_.begin() + i, start_.begin() + next, i);
        oparg = 0;
        i = next;
    }
}

std::vector<int> CodeMap::origins(int start) const {
    int at = tops_[static_cast<std::size_t>(start)];
    std::vector<int> found(static_cast<std::size_t>(entries_[static_cast<std::size_t>(at)].depth));
    for (auto writer = found.rbegin(); writer != found.rend(); ++writer) {
        const Entry &entry = entries_[static_cast<std::size_t>(at)];
        *writer = entry.writer;
        at = entry.below;
    }
    return found;
}

// That stack without what is above `depth`.
int CodeMap::cut(int top, int depth) const {
    while (entries_[static_cast<std::size_t>(top)].depth > depth)
        top = entries_[static_cast<std::size_t>(top)].below;
    return top;
}

// That stack with as many entries of `writer` on top as it lacks.
int CodeMap::filled(int top, int depth, int writer) {
    while (entries_[static_cast<std::size_t>(top)].depth < depth) {
        entries_.push_back({writer, top, entries_[static_cast<std::size_t>(top)].depth + 1});
        top = static_cast<int>(entries_.size()) - 1;
    }
    return top;
}

bool CodeMap::is_reached(int at) const {
    return at < static_cast<int>(instructions_.size()) && this->at(at).depth >= 0;
}

// Notes that `at` is reached with this stack. True if that was news.
bool CodeMap::arrive(int at, int depth, int top) {
    if (at < 0 || at >= static_cast<int>(instructions_.size()) || depth < 0) return false;
    if (is_reached(at)) return false;
    instructions_[static_cast<std::size_t>(at)].depth = depth;
    tops_[static_cast<std::size_t>(at)] = filled(cut(top, depth), depth, at);
    return true;
}

void CodeMap::trace(PyCodeObject *code) {
    std::vector<int> todo;
    auto reach = [&](int at, int depth, int top) {
        if (arrive(at, depth, top)) todo.push_back(at);
    };
    reach(0, elw_first_depth(code), 0);
    while (!todo.empty()) {
        const int i = todo.back();
        todo.pop_back();
        const Instruction instruction = at(i);
        const int before = tops_[static_cast<std::size_t>(i)];
        auto leave = [&](int to, int jump) {
            const int effect = elw_stack_effect(instruction.opcode, instruction.oparg, jump);
            if (effect == PY_INVALID_STACK_EFFECT) return;
            const int depth = instruction.depth + effect;
            int after = before;
            // Whatever changes the depth wrote the new top of the stack, and so does an attribute.
            if ((effect != 0 || instruction.op == ELW_OP_LOAD_ATTRIBUTE) && depth > 0)
                after = filled(cut(before, std::min(instruction.depth, depth - 1)), depth, i);
            reach(to, depth, after);
        };
        const int target = elw_jump_target(instruction.opcode, instruction.oparg, instruction.next);
        if (target >= 0) leave(target, 1);
        if (!elw_ends_block(instruction.opcode)) leave(instruction.next, 0);
        for (const Handler &handler : handlers_) {
            if (i < handler.start || i >= handler.end || instruction.depth < handler.depth)
                continue;
            if (is_reached(handler.target)) continue;
            reach(handler.target, handler.depth + (handler.last_instruction ? 1 : 0) + 1,
                  cut(before, handler.depth));
        }
    }
}

const CodeMap &CodeMaps::of(PyCodeObject *code) {
    std::unique_ptr<CodeMap> &map = maps_[code];
    if (!map) map = std::make_unique<CodeMap>(code);
    return *map;
}

} // namespace elsewhere::frame
