#include "engine/snapshot/object_index.hpp"

#include <string_view>
#include <unordered_map>

namespace elsewhere::snapshot {
namespace {

struct Row {
    const char *name = nullptr; // null: there is no such operation
    unsigned made = 0;
    std::string_view operands;
};

constexpr std::array<Row, 256> rows = [] {
    std::array<Row, 256> table = {};
#define ELSEWHERE_OP(name, number, made, operands) table[number] = {#name, made, operands};
#include "engine/snapshot/object_ops.def"
#undef ELSEWHERE_OP
    return table;
}();

[[noreturn]] void fail(const char *what) {
    throw Error(ErrorKind::damaged, std::string("the objects are damaged: ") + what,
                "use another snapshot");
}

void skip(Reader &in, char operand) {
    switch (operand) {
    case 'r':
    case 'v': in.varint(); return;
    case 't': in.text(); return;
    case 'd': in.u64(); return;
    case 'R':
        for (std::size_t left = in.count(); left > 0; --left) in.varint();
        return;
    case 'P':
        for (std::size_t left = in.count(2); left > 0; --left) {
            in.varint();
            in.varint();
        }
        return;
    case 'E':
        for (std::size_t left = in.count(10); left > 0; --left) {
            in.varint();
            in.varint();
            in.u64();
        }
        return;
    case 'F': (void)read_frame(in); return;
    default: fail("an operand of unknown kind");
    }
}

std::vector<Reference> read_references(Reader &in) {
    std::vector<Reference> references;
    for (std::size_t left = in.count(); left > 0; --left) references.push_back(in.varint());
    return references;
}

} // namespace

FrameEntry read_frame(Reader &in) {
    FrameEntry frame;
    frame.instruction = static_cast<std::uint32_t>(in.varint());
    frame.line = static_cast<std::uint32_t>(in.varint());
    in.varint(); // how it goes on
    in.varint(); // code
    frame.globals = in.varint();
    for (int left = 4; left > 0; --left) in.varint(); // generator, frame object, function, builtins
    frame.locals = in.varint();
    in.varint(); // the instance under construction
    frame.variables = read_references(in);
    for (std::size_t left = in.count(3); left > 0; --left) {
        FrameEntry::Slot slot;
        slot.role = in.varint();
        in.varint(); // the instruction that pushed it
        slot.value = in.varint();
        frame.stack.push_back(slot);
    }
    for (std::size_t calls = in.count(27); calls > 0; --calls) {
        in.text();                                     // the builtin
        in.varint();                                   // where it is in its work
        for (int left = 3; left > 0; --left) in.u64(); // its numbers
        (void)read_references(in);
    }
    for (std::size_t left = in.count(3); left > 0; --left) // blocks
        for (int fields = 3; fields > 0; --fields) in.varint();
    return frame;
}

const char *name_of(Op op) {
    const char *name = rows[static_cast<std::uint8_t>(op)].name;
    return name != nullptr ? name : "unknown";
}

ObjectIndex::ObjectIndex(const Bytes &stream) : stream_(stream) {
    Reader in(stream.data(), stream.size());
    if (in.varint() != object_stream_version)
        throw Error(ErrorKind::unsupported, "the objects are in a format of another version",
                    "use the elsewhere that wrote them");
    for (;;) {
        const std::size_t start = in.offset();
        const std::uint8_t number = in.u8();
        const Row &row = rows[number];
        const Op op{number};
        if (row.name == nullptr) fail("an unknown operation");
        if (op == Op::end) break;
        const std::size_t operands = in.offset();
        for (unsigned i = 0; i < row.made; ++i)
            objects_.push_back({op, i > 0, Op::end, operands, 0});
        std::string_view layout = row.operands;
        if (row.made == 0 && layout.starts_with('r')) {
            const Reference target = in.varint();
            const std::uint64_t index = (target >> 1) - id_first; // wraps where it is no object
            if (is_small_int(target) || index >= objects_.size()) fail("an unknown object");
            Object &object = objects_[index];
            // What comes later (a list's items, an exception's context) adds to the first.
            if (object.filled == Op::end || object.filled == Op::class_part ||
                op == Op::instance_dict) {
                object.filled = op;
                object.contents = in.offset();
            } else if (op == Op::update && object.filled == Op::module_outline) {
                more_[index].push_back(in.offset());
            }
            layout.remove_prefix(1);
        }
        for (const char operand : layout) skip(in, operand);
        ++tallies_[number].count;
        tallies_[number].bytes += in.offset() - start;
    }
    if (!in.done()) fail("there is more behind their end");
}

const ObjectIndex::Object *ObjectIndex::find(Reference reference) const {
    const std::uint64_t index = (reference >> 1) - id_first;
    return is_small_int(reference) || index >= objects_.size() ? nullptr : &objects_[index];
}

Reader ObjectIndex::at(std::size_t offset) const {
    return {stream_.data() + offset, stream_.size() - offset};
}

std::optional<std::string> ObjectIndex::text(Reference reference) const {
    const Object *object = find(reference);
    if (object == nullptr || (object->made != Op::string && object->made != Op::interned))
        return std::nullopt;
    return std::string(at(object->operands).text());
}

std::vector<Reference> ObjectIndex::items(Reference reference) const {
    const Object *object = find(reference);
    if (object == nullptr) return {};
    if (object->made == Op::tuple || object->made == Op::list || object->made == Op::code) {
        Reader in = at(object->operands);
        return read_references(in);
    }
    if (object->filled == Op::list_fill || object->filled == Op::function_fill) {
        Reader in = at(object->contents);
        return read_references(in);
    }
    return {};
}

std::vector<std::pair<Reference, Reference>> ObjectIndex::pairs(Reference reference) const {
    const Object *object = find(reference);
    if (object == nullptr) return {};
    std::size_t offset = object->contents;
    if (object->filled == Op::instance_dict) {
        const Object *dict = find(at(offset).varint());
        if (dict == nullptr || dict->filled == Op::instance_dict) return {};
        offset = dict->made == Op::dict ? dict->operands : dict->contents;
        if (dict->made != Op::dict && dict->filled != Op::dict_fill) return {};
    } else if (object->made == Op::dict) {
        offset = object->operands;
    } else if (object->made == Op::instance) {
        Reader in = at(object->operands);
        in.varint(); // its class
        offset = object->operands + in.offset();
    } else if (object->filled != Op::dict_fill && object->filled != Op::instance_fill &&
               object->filled != Op::module_outline) {
        return {};
    }
    std::vector<std::size_t> offsets = {offset};
    if (const auto more = more_.find((reference >> 1) - id_first); more != more_.end())
        offsets.insert(offsets.end(), more->second.begin(), more->second.end());
    std::vector<std::pair<Reference, Reference>> pairs;
    std::unordered_map<Reference, std::size_t> places; // what follows an outline, too
    for (const std::size_t fill : offsets) {
        Reader in = at(fill);
        for (std::size_t left = in.count(2); left > 0; --left) {
            const Reference key = in.varint();
            const auto [at, is_new] = places.emplace(key, pairs.size());
            if (is_new) pairs.emplace_back(key, Reference{});
            pairs[at->second].second = in.varint();
        }
    }
    return pairs;
}

} // namespace elsewhere::snapshot
