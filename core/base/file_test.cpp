#include "core/base/file.hpp"

#include <gtest/gtest.h>

#include <fstream>

namespace elsewhere {
namespace {

TEST(File, is_read_whole) {
    const std::string path = testing::TempDir() + "elsewhere-file-test";
    const std::string content = std::string(100'000, 'x') + '\0' + "end";
    std::ofstream(path, std::ios::binary) << content;
    EXPECT_EQ(read_file(path), content);
    std::ofstream(path, std::ios::trunc).flush();
    EXPECT_EQ(read_file(path), "");
}

TEST(File, that_cannot_be_read_is_nothing) {
    EXPECT_EQ(read_file("/nowhere/at/all"), std::nullopt);
    EXPECT_EQ(read_file("/"), std::nullopt);
}

} // namespace
} // namespace elsewhere
