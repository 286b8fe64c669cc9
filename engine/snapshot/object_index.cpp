#include "engine/snapshot/object_index.hpp"

#include <unordered_map>

namespace elsewhere::snapshot {
namespace {

[[noreturn]] void fail(const char *what) {
    throw Error(ErrorKind::damaged, std::string("the objects are damaged: ") + what,
                "use another snapshot");
}

std::vector<Reference> read_references(Reader &in) {
    std::vector<Reference> references;
    for (std::size_t left = in.count(); left > 0; --left) references.push_back(in.varint());
    return references;
}

} // namespace

ObjectIndex::ObjectIndex(const Bytes &stream) : stream_(stream) {
    Reader in(stream.data(), stream.size());
    if (in.varint() != object_stream_version)
        throw Error(ErrorKind::unsupported, "the objects are in a format of another version",
                    "use the elsewhere that wrote them");
    for (;;) {
        const std::size_t start = in.offset();
        const std::uint8_t number = in.u8();
        const Op op{number};
        const Layout &row = layout_of(op);
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
        skip(in, layout);
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
