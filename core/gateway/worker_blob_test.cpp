#include "core/gateway/worker_blob.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string_view>

namespace elsewhere {
namespace {

TEST(WorkerBlob, StageZeroPassesAnyShellBetweenSingleQuotes) {
    const std::string_view line = worker_stage0();
    EXPECT_TRUE(line.starts_with("exec(\""));
    EXPECT_EQ(line.find_first_of("'\\!`$\n"), std::string_view::npos);
}

TEST(WorkerBlob, TheSourceIsCompressedAndSmall) {
    const auto source = worker_source();
    ASSERT_GT(source.size(), 1000u);
    EXPECT_EQ(source[0], 'x');
    EXPECT_LE(source.size(), 14u * 1024) << "has the Python that packs it no zopfli?";
}

TEST(WorkerBlob, ThereIsNoCodeForAnUnknownMagicNumber) {
    const std::array<std::uint8_t, 4> magic = {0, 0, 0, 0};
    EXPECT_FALSE(worker_code(magic).has_value());
}

} // namespace
} // namespace elsewhere
