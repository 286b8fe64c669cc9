#include "core/wire/values.hpp"

#include <gtest/gtest.h>

#include "core/wire/value.hpp"

namespace elsewhere::wire {
namespace {

Value list(std::vector<Value> items) { return {Value::Items{Container::list, std::move(items)}}; }

Result<Value> back(const Value &value) {
    const Payload payload = encode(value);
    return decode(payload.joined().span(), payload.extended());
}

TEST(Values, nested_as_deep_as_allowed_are_read_and_one_deeper_refused) {
    Value value = list({});
    for (unsigned depth = 1; depth < deepest; ++depth) value = list({std::move(value)});
    EXPECT_TRUE(back(value).ok());
    EXPECT_FALSE(back(list({std::move(value)})).ok());
}

TEST(Values, with_long_bytes_attach_them_where_they_are) {
    const Value value = list({{Value::Bytes(ValueWriter::long_bytes, 7)},
                              {true},
                              {std::string(100'000, 'x')},
                              {Value::Bytes{}}});
    const Payload payload = encode(value);
    ASSERT_EQ(payload.attachments().size(), 2u);
    const auto &first = *value.as<Value::Items>()->items[0].as<Value::Bytes>();
    EXPECT_EQ(payload.attachments()[0].bytes.data(), first.data());
    EXPECT_LT(payload.written().size(), 100u);
    EXPECT_EQ(payload.size(), payload.joined().size());
    EXPECT_EQ(back(value).value(), value);
}

TEST(Values, of_ints_by_their_bytes_are_the_ints) {
    for (const std::uint64_t n :
         {0ul, 1ul, 0x7ffful, 0x8000ul, 0x7fff'fffful, 0x8000'0000ul, 0x7fff'ffff'ffff'fffful}) {
        for (const bool negative : {false, true}) {
            ValueWriter by_bytes, plain;
            by_bytes.big(negative, {reinterpret_cast<const std::uint8_t *>(&n), sizeof n});
            plain.integer(negative ? -static_cast<std::int64_t>(n) : static_cast<std::int64_t>(n));
            const Buffer a = by_bytes.finish().joined(), b = plain.finish().joined();
            EXPECT_TRUE(std::ranges::equal(a.span(), b.span())) << n;
        }
    }
}

TEST(Values, that_repeat_a_long_str_without_end_are_refused) {
    ValueWriter text;
    text.bytes(Value::Bytes(30'000));
    Buffer bytes;
    const std::uint8_t head[] = {'[', 0, 1, 1, 0};
    bytes.append(head);
    bytes.append(text.finish().joined().span());
    bytes.data()[5] = 't';
    const std::uint8_t again[] = {'R', 0, 0, 0, 0};
    for (int i = 0; i < 0x100ff; ++i) bytes.append(again);
    const Result<Value> result = decode(bytes.span(), false);
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message().find("too often"), std::string::npos);
}

TEST(Values, that_are_bytes_alone_give_their_contents_without_a_copy) {
    for (const std::size_t size : {0u, 7u, 40'000u}) {
        ValueWriter writer;
        const Value::Bytes contents(size, 'a');
        writer.bytes(contents);
        const Buffer whole = writer.finish().joined();
        const auto found = bytes_alone(whole.span(), false);
        ASSERT_TRUE(found) << size;
        EXPECT_EQ(found->size(), size);
        EXPECT_EQ(found->data(), whole.data() + 5);
        EXPECT_FALSE(bytes_alone(whole.span().first(whole.size() - 1), false));
    }
    const std::uint8_t interned[] = {'t', 1, 0, 0, 0, 'Z'}; // as Python 2 writes its constants
    EXPECT_EQ(bytes_alone(interned, false)->size(), 1u);
    const std::uint8_t longer[] = {'B', 1, 0, 0, 0, 0, 0, 0, 0, 'x'};
    EXPECT_EQ(bytes_alone(longer, true)->size(), 1u);
    EXPECT_FALSE(bytes_alone(longer, false));
    EXPECT_FALSE(bytes_alone({}, true));
    ValueWriter text;
    text.text("no bytes");
    EXPECT_FALSE(bytes_alone(text.finish().joined().span(), false));
}

TEST(Values, in_a_dict_are_found_by_their_key) {
    const Value value{Value::Dict{{{{std::int64_t{1}}, {true}}, {{std::string("pid")}, {2.0}}}}};
    const auto &dict = *value.as<Value::Dict>();
    ASSERT_NE(dict.find("pid"), nullptr);
    EXPECT_EQ(*dict.find("pid"), Value{2.0});
    EXPECT_EQ(dict.find("1"), nullptr);
}

} // namespace
} // namespace elsewhere::wire
