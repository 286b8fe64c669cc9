#include "engine/snapshot/describe.hpp"

#include <gtest/gtest.h>

#include <random>

namespace elsewhere::snapshot {
namespace {

// Writes a stream as the engine does, and knows the ids.
class Stream {
  public:
    Stream() { out_.varint(object_stream_version); }
    Writer &op(Op op) {
        out_.u8(static_cast<std::uint8_t>(op));
        return out_;
    }
    Reference made() { return to_reference(next_++); }
    Reference string(const char *text) {
        op(Op::string).text(text);
        return made();
    }
    void references(const std::vector<Reference> &list) {
        out_.varint(list.size());
        for (const Reference reference : list) out_.varint(reference);
    }
    Bytes finish() {
        op(Op::end);
        return out_.bytes();
    }

  private:
    Writer out_;
    std::uint64_t next_ = id_first;
};

TEST(Describe, shows_values_as_repr_does) {
    Stream stream;
    const Reference text = stream.string("it's");
    stream.op(Op::real).f64(2);
    const Reference real = stream.made();
    stream.op(Op::tuple);
    stream.references({text, real, small_int_reference(-7), to_reference(id_none)});
    const Reference tuple = stream.made();
    stream.op(Op::list_shell);
    const Reference list = stream.made();
    stream.op(Op::list_fill).varint(list);
    stream.references({tuple, list, small_int_reference(3), small_int_reference(4),
                       small_int_reference(5), small_int_reference(6)});
    stream.op(Op::module_named).text("collections");
    const Reference module = stream.made();
    Writer &out = stream.op(Op::named);
    out.varint(module);
    out.text("deque");
    out.varint(0);
    const Reference deque = stream.made();
    stream.op(Op::call).varint(deque);
    stream.references({list});
    const Reference call = stream.made();
    const Bytes bytes = stream.finish();
    const ObjectIndex objects(bytes);
    EXPECT_EQ(describe(text, objects), "'it\\'s'");
    EXPECT_EQ(describe(tuple, objects), "('it\\'s', 2.0, -7, None)");
    EXPECT_EQ(describe(list, objects, 200),
              "[('it\\'s', 2.0, -7, None), [(…), […], 3, 4, … 6 in all], 3, 4, … 6 in all]");
    EXPECT_EQ(describe(deque, objects), "collections.deque");
    EXPECT_EQ(describe(call, objects, 200), "collections.deque([(…), […], 3, 4, … 6 in all])");
    EXPECT_EQ(objects.tallies()[static_cast<std::uint8_t>(Op::tuple)].count, 1u);
}

TEST(Describe, does_not_go_in_circles) {
    Stream stream;
    stream.op(Op::cell);
    const Reference cell = stream.made();
    Writer &out = stream.op(Op::cell_fill);
    out.varint(cell);
    out.varint(cell);
    const Reference itself = to_reference(id_first + 1);
    stream.op(Op::code_of).varint(itself);
    out.u64(0);
    const Bytes bytes = stream.finish();
    const ObjectIndex objects(bytes);
    EXPECT_EQ(describe(cell, objects), "…");
    EXPECT_EQ(describe(itself, objects), "<code_of ?>");
}

TEST(Describe, refuses_streams_of_another_version_by_name) {
    for (const std::uint64_t version : {object_stream_version - 1, object_stream_version + 1}) {
        Writer out;
        out.varint(version);
        const Bytes bytes = out.bytes();
        auto message = [](auto &&read) -> std::string {
            try {
                read();
            } catch (const Error &error) {
                EXPECT_EQ(error.kind(), ErrorKind::unsupported);
                EXPECT_EQ(error.hint(), "use the elsewhere that wrote them");
                return error.what();
            }
            return "read";
        };
        EXPECT_EQ(message([&] { const ObjectIndex objects(bytes); }),
                  "the objects are in a format of another version");
        EXPECT_EQ(message([&] { (void)describe_frames(bytes, ObjectIndex(Stream().finish())); }),
                  "the frames are in a format of another version");
    }
}

TEST(Describe, survives_any_bytes) {
    std::mt19937 random(1);
    for (int round = 0; round < 20000; ++round) {
        Bytes bytes(1 + random() % 60);
        for (auto &byte : bytes) byte = static_cast<std::uint8_t>(random() % 80);
        bytes[0] = object_stream_version;
        Bytes frames = bytes;
        bytes.push_back(0);
        try {
            const ObjectIndex objects(bytes);
            for (std::uint64_t id = 0; id < objects.size() + 20; ++id)
                (void)describe(to_reference(id), objects);
            (void)describe_frames(frames, objects);
        } catch (const Error &error) {
            ASSERT_EQ(error.kind(), ErrorKind::damaged);
        }
    }
}

} // namespace
} // namespace elsewhere::snapshot
