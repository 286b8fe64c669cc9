#include "engine/snapshot/header.hpp"

#include <algorithm>
#include <limits>

namespace elsewhere::snapshot {
namespace {

void put(Writer &out, const std::vector<std::string> &list) {
    out.varint(list.size());
    for (const auto &item : list) out.text(item);
}

std::vector<std::string> get_list(Reader &in) {
    std::vector<std::string> list; // grows with what is there, not with what a count promises
    for (std::size_t left = in.count(); left > 0; --left) list.emplace_back(in.text());
    return list;
}

[[noreturn]] void fail(const char *what) {
    throw Error(ErrorKind::damaged, std::string("the header of the snapshot is damaged: ") + what,
                "use another snapshot");
}

std::uint8_t get_choice(Reader &in, std::uint8_t last, const char *what) {
    const std::uint8_t value = in.u8();
    if (value > last) fail(what);
    return value;
}

std::optional<std::uint32_t> get_hash_seed(Reader &in) {
    if (get_choice(in, 1, "hash seed") == 0) return std::nullopt;
    return in.u32();
}

Header decode(Reader &in) {
    Header header;
    header.python_tag = in.text();
    header.python_version = in.text();
    header.executable = in.text();
    header.interpreter_arguments = get_list(in);
    header.creator = in.text();
    header.target =
        Target{get_choice(in, static_cast<std::uint8_t>(Target::input), "kind of program")};
    header.program = in.text();
    header.arguments = get_list(in);
    header.directory = in.text();
    header.hash_seed = get_hash_seed(in);
    header.created = in.u64();
    std::ranges::copy(in.raw(header.id.size()), header.id.begin());
    header.generation = in.u32();
    header.purpose =
        Purpose{get_choice(in, static_cast<std::uint8_t>(Purpose::checkpoint), "purpose")};
    if (!in.done()) fail("it is longer than it should be");
    return header;
}

} // namespace

Bytes encode(const Header &header) {
    Writer out;
    out.text(header.python_tag);
    out.text(header.python_version);
    out.text(header.executable);
    put(out, header.interpreter_arguments);
    out.text(header.creator);
    out.u8(static_cast<std::uint8_t>(header.target));
    out.text(header.program);
    put(out, header.arguments);
    out.text(header.directory);
    out.u8(header.hash_seed ? 1 : 0);
    if (header.hash_seed) out.u32(*header.hash_seed);
    out.u64(header.created);
    out.raw(header.id.data(), header.id.size());
    out.u32(header.generation);
    out.u8(static_cast<std::uint8_t>(header.purpose));
    return std::move(out.bytes());
}

Header decode_header(const Bytes &bytes) {
    Reader in(bytes.data(), bytes.size());
    return decode(in);
}

} // namespace elsewhere::snapshot
