#include "core/transport/spec.hpp"

#include <gtest/gtest.h>

#include "core/base/error.hpp"

namespace elsewhere::transport {
namespace {

std::optional<Error> refusal(const std::string &text) {
    try {
        validate(XSpec(text));
    } catch (const Error &error) {
        return error;
    }
    return std::nullopt;
}

TEST(Spec, is_keys_and_values_between_double_slashes) {
    const XSpec spec("ssh=-p 2222 me@host//python=/opt/my python/bin/py -X dev//env:A=1=2//"
                     "env:B//nice=5//dont_write_bytecode//own=thing//before=");
    EXPECT_EQ(spec.get("ssh"), "-p 2222 me@host");
    EXPECT_EQ(spec.get("python"), "/opt/my python/bin/py -X dev");
    EXPECT_EQ(spec.environment(), (std::vector<Attribute>{{"A", "1=2"}, {"B", "", true}}));
    EXPECT_TRUE(spec.find("dont_write_bytecode")->flag);
    EXPECT_FALSE(spec.find("before")->flag);
    EXPECT_EQ(spec.get("own"), "thing");
    EXPECT_EQ(spec.get("chdir"), std::nullopt);
    EXPECT_EQ(spec.attributes().size(), 6u);
}

TEST(Spec, keeps_the_text_it_was_made_from) {
    XSpec spec("popen//own");
    spec.set("id", "gw0");
    spec.set("own", "x");
    EXPECT_EQ(spec.text(), "popen//own");
    EXPECT_EQ(spec.get("id"), "gw0");
    EXPECT_EQ(spec.get("own"), "x");
    EXPECT_EQ(spec, XSpec("popen//own"));
}

TEST(Spec, refuses_keys_that_are_none_or_are_given_twice) {
    for (const char *text : {"", "popen//", "popen//_x=1", "popen//=1", "popen//env:=1"})
        EXPECT_EQ(refusal(text).value().kind(), ErrorKind::usage) << text;
    EXPECT_NE(refusal("popen//id=1//id=1").value().message().find("duplicate key: `id`"),
              std::string::npos);
    EXPECT_NE(refusal("popen//env:A=1//env:A=1").value().message().find("duplicate key: `env:A`"),
              std::string::npos);
}

TEST(Spec, passes_when_this_version_can_do_it) {
    for (const char *text :
         {"popen", "ssh=host", "popen//python=3.12//id=a//chdir=/tmp//nice=-5//env:A=1",
          "id=a//popen", "ssh=host//ssh_config=/f//before=module load x//platform=linux",
          "popen//execmodel=main_thread_only//trust=values//dont_write_bytecode=1",
          "popen//imports=controller", "popen//imports=no"})
        EXPECT_FALSE(refusal(text)) << text << ": " << refusal(text)->message();
}

TEST(Spec, names_the_key_that_is_wrong_and_the_nearest_that_is_right) {
    const auto unknown = refusal("popen//pyhton=3.12").value();
    EXPECT_EQ(unknown.message(), "unknown key `pyhton` in the spec `popen//pyhton=3.12`");
    EXPECT_EQ(unknown.hint(), "did you mean `python`?");
    EXPECT_EQ(refusal("ssh=h//sshconfig=f").value().hint(), "did you mean `ssh_config`?");
    EXPECT_TRUE(refusal("popen//colour=red").value().hint().starts_with("known keys: popen, ssh,"));
}

TEST(Spec, says_one_way_to_get_there) {
    EXPECT_EQ(refusal("popen//ssh=host").value().message(),
              "both `popen` and `ssh` in the spec `popen//ssh=host`");
    EXPECT_EQ(refusal("python=3.12").value().hint(), "begin it with popen or ssh=HOST");
    EXPECT_EQ(refusal("popen//ssh_config=f").value().kind(), ErrorKind::usage);
}

TEST(Spec, knows_the_ways_that_are_not_there_yet) {
    for (const char *text : {"net=house", "slurm"})
        EXPECT_EQ(refusal(text).value().kind(), ErrorKind::unsupported) << text;
}

TEST(Spec, refuses_values_of_the_wrong_form) {
    for (const char *text :
         {"ssh", "ssh=", "popen=x", "popen//nice=low", "popen//nice=1x", "popen//execmodel=gevent",
          "popen//trust=all", "popen//python", "popen//imports=all"})
        EXPECT_EQ(refusal(text).value().kind(), ErrorKind::usage) << text;
}

} // namespace
} // namespace elsewhere::transport
