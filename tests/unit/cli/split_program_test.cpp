// Where astra's options end and the program's words begin.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/command.hpp"

namespace astra::cli {
namespace {

using Words = std::vector<std::string>;

class SplitProgramTest : public testing::Test {
  protected:
    SplitProgramTest() {
        app.add_option("--rootfs", text);
        app.add_option("-e,--env", list)->type_size(1)->allow_extra_args(false);
        app.add_flag("-v,--verbose", flag);
        app.add_flag("--stats{table}", text);
    }
    void expect(Words words, const Words& options, const Words& program) {
        Words all = words;
        EXPECT_EQ(split_program(app, words), program) << testing::PrintToString(all);
        EXPECT_EQ(words, options) << testing::PrintToString(all);
    }
    CLI::App app;
    std::string text;
    std::vector<std::string> list;
    bool flag = false;
};

TEST_F(SplitProgramTest, SplitsAtTheFirstWordThatIsNoOption) {
    expect({}, {}, {});
    expect({"ls"}, {}, {"ls"});
    expect({"ls", "-l", "--verbose"}, {}, {"ls", "-l", "--verbose"});
    expect({"--rootfs", "x.tar", "ls", "-l"}, {"--rootfs", "x.tar"}, {"ls", "-l"});
    expect({"--rootfs=x.tar", "ls"}, {"--rootfs=x.tar"}, {"ls"});
    expect({"-v", "ls"}, {"-v"}, {"ls"});
    expect({"-e", "A=1", "-eB=2", "ls", "-e"}, {"-e", "A=1", "-eB=2"}, {"ls", "-e"});
    expect({"--stats", "json"}, {"--stats"}, {"json"});
    expect({"--stats=json", "ls"}, {"--stats=json"}, {"ls"});
}

TEST_F(SplitProgramTest, SplitsAtDoubleDash) {
    expect({"--", "ls"}, {}, {"ls"});
    expect({"-v", "--", "--rootfs"}, {"-v"}, {"--rootfs"});
    expect({"--rootfs", "--", "ls"}, {"--rootfs", "--"}, {"ls"});
    expect({"ls", "--", "-x"}, {}, {"ls", "--", "-x"});
    expect({"--", "--", "x"}, {}, {"--", "x"});
    expect({"-v", "--"}, {"-v"}, {});
}

TEST_F(SplitProgramTest, LeavesMistakesToTheParser) {
    expect({"--bogus", "ls"}, {"--bogus"}, {"ls"});
    expect({"--rootfs"}, {"--rootfs"}, {});
    expect({"-"}, {}, {"-"});
}

}  // namespace
}  // namespace astra::cli
