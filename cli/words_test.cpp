#include "cli/words.hpp"

#include <gtest/gtest.h>

#include "cli/json_writer.hpp"
#include "cli/utf8.hpp"
#include "core/base/error.hpp"

namespace elsewhere::cli {
namespace {

TEST(Words, are_split_as_a_shell_splits) {
    EXPECT_EQ(split_words("  python3  -X dev\t-O "), (Words{"python3", "-X", "dev", "-O"}));
    EXPECT_EQ(split_words("'/my python/bin/py' a\\ b \"c 'd' \\\" \\x\""),
              (Words{"/my python/bin/py", "a b", "c 'd' \" \\x"}));
    EXPECT_EQ(split_words("a'b'\"c\" '' 'back\\slash' end\\"),
              (Words{"abc", "", "back\\slash", "end\\"}));
    EXPECT_EQ(split_words(""), Words{});
    EXPECT_THROW(split_words("'open"), Error);
}

TEST(Json, keeps_every_byte_for_fsencode) {
    JsonWriter json;
    json.begin_object().key("a").texts(Words{"x\"\\\n", "\xc3\xa4\xff"}).key("b").begin_list();
    json.end_list().key("c").number(0.5).key("d").number(std::uint64_t{7}).key("e").null();
    json.key("f").boolean(true).end_object();
    EXPECT_EQ(json.str(), "{\"a\": [\"x\\\"\\\\\\u000a\", \"\xc3\xa4\\udcff\"], \"b\": [], "
                          "\"c\": 0.5, \"d\": 7, \"e\": null, \"f\": true}");
}

TEST(Utf8, tells_code_points_from_bytes_that_are_none) {
    EXPECT_EQ(decode("\xf0\x9f\x98\x80").value, U'\U0001F600');
    for (const std::string bad : {"\x80", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                  "\xe2\x82", "\xf5\x80\x80\x80", "\xe0\x80\x80"})
        EXPECT_FALSE(decode(bad).valid()) << bad;
}

TEST(Utf8, keeps_control_characters_off_the_terminal) {
    EXPECT_EQ(printable("a\x1b[31m\n\xc2\x9b\xff\xe2\x80\xae\xc3\xa9"),
              "a\\x1b[31m\\n\\x9b\\xff\\u202e\xc3\xa9");
}

} // namespace
} // namespace elsewhere::cli
