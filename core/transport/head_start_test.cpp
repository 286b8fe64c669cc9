#include "core/transport/head_start.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "core/transport/launched_test.hpp"

namespace elsewhere::transport {
namespace {

const Boot boot = {.program = "pass"};

// An `ssh` that notes each of its starts and passes on what it reads.
class Begun : public testing::Test {
  protected:
    Begun() {
        const auto ssh = folder_.path() / "ssh";
        std::ofstream(ssh) << "#!/bin/sh\necho $$ >>" << (folder_.path() / "starts").string()
                           << "\nexec cat\n";
        ::chmod(ssh.c_str(), 0700);
        ::setenv("PATH", (folder_.path().string() + ":" + before_).c_str(), 1);
    }
    ~Begun() override { ::setenv("PATH", before_.c_str(), 1); }

    // The processes that it was so far, of which there are to be so many.
    std::vector<std::string> starts(std::size_t many) {
        std::vector<std::string> found;
        for (int patience = 0; patience < 500 && found.size() < many; ++patience) {
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
            found.clear();
            std::ifstream file(folder_.path() / "starts");
            for (std::string line; std::getline(file, line);) found.push_back(line);
        }
        return found;
    }

  private:
    TemporaryFolder folder_;
    std::string before_ = std::getenv("PATH");
};

TEST_F(Begun, by_a_head_start_it_is_taken_by_the_launch_of_the_same_command) {
    HeadStart ahead;
    ahead.begin(XSpec("ssh=host"), boot, {});
    ASSERT_EQ(starts(1).size(), 1u);
    EXPECT_EQ(run_to_end(launch(XSpec("ssh=host//id=x"), boot, {}), "said").output, "said");
    EXPECT_EQ(starts(1).size(), 1u);
    EXPECT_EQ(run_to_end(launch(XSpec("ssh=host"), boot, {}), "again").output, "again");
    EXPECT_EQ(starts(2).size(), 2u);
}

TEST_F(Begun, and_taken_by_nobody_it_ends) {
    std::string pid;
    {
        HeadStart ahead;
        ahead.begin(XSpec("ssh=host"), boot, {});
        ASSERT_EQ(starts(1).size(), 1u);
        pid = starts(1).front();
        (void)run_to_end(launch(XSpec("ssh=other"), boot, {}));
        EXPECT_EQ(starts(2).size(), 2u);
    }
    EXPECT_FALSE(std::filesystem::exists("/proc/" + pid));
    (void)run_to_end(launch(XSpec("ssh=host"), boot, {}));
    EXPECT_EQ(starts(3).size(), 3u);
}

TEST_F(Begun, is_nothing_but_ssh_and_no_spec_without_sense) {
    HeadStart ahead;
    for (const char *text : {"popen", "ssh=host//via=x", "ssh=-N host", "ssh=host//nonsense=1"})
        ahead.begin(XSpec(text), boot, {});
    EXPECT_EQ(run_to_end(launch(XSpec("ssh=host"), boot, {}), "said").output, "said");
    EXPECT_EQ(starts(1).size(), 1u);
}

} // namespace
} // namespace elsewhere::transport
