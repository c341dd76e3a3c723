// astra-vmm's command line.
#include "vmm/machine/options.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace astra::vmm {
namespace {

Result<Options> parse(std::vector<const char*> arguments) { return parse_options(arguments); }
std::string refusal(std::vector<const char*> arguments) {
    auto options = parse(std::move(arguments));
    return options ? "" : options.error().message;
}

TEST(Options, ReadsBothForms) {
    auto options = parse({"--kernel", "k", "--memory-mib=64", "--cpus", "2", "--image=i", "--image-policy",
                          "map", "--cmdline", "a=b c", "--detach"});
    ASSERT_TRUE(options) << options.error().message;
    EXPECT_EQ(options->machine.kernel, "k");
    EXPECT_EQ(options->machine.memory_bytes, 64u << 20);
    EXPECT_EQ(options->machine.cpus, 2u);
    EXPECT_EQ(options->machine.image, "i");
    EXPECT_EQ(options->machine.image_policy, ImagePolicy::Map);
    EXPECT_EQ(options->machine.command_line, "a=b c");
    EXPECT_TRUE(options->detach);
    EXPECT_FALSE(options->machine.trace_exits);
}

TEST(Options, TakesOverDescriptors) {
    int fd = ::open("/dev/null", O_RDWR);
    std::string text = std::to_string(fd);
    {
        auto options = parse({"--kernel", "k", "--memory-mib", "64", "--control-fd", text.c_str()});
        ASSERT_TRUE(options);
        EXPECT_EQ(options->machine.ends.control.get(), fd);
        EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
    }
    EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
    EXPECT_THAT(refusal({"--log-fd", text.c_str()}), testing::HasSubstr("not an open descriptor"));
}

TEST(Options, RefusesWhatItDoesNotKnow) {
    EXPECT_THAT(refusal({}), testing::HasSubstr("--kernel is missing"));
    EXPECT_THAT(refusal({"--kernel", "k"}), testing::HasSubstr("--memory-mib is missing"));
    EXPECT_THAT(refusal({"file"}), testing::HasSubstr("unexpected argument 'file'"));
    EXPECT_THAT(refusal({"--karnel"}), testing::HasSubstr("unknown option --karnel"));
    EXPECT_THAT(refusal({"--kernel"}), testing::HasSubstr("needs a value"));
    EXPECT_THAT(refusal({"--detach=yes"}), testing::HasSubstr("takes no value"));
    EXPECT_THAT(refusal({"--cpus", "9"}), testing::HasSubstr("--cpus 9: must be a number from 1 to 8"));
    EXPECT_THAT(refusal({"--cpus", "2x"}), testing::HasSubstr("must be a number"));
    EXPECT_THAT(refusal({"--memory-mib", "-1"}), testing::HasSubstr("must be a number"));
    EXPECT_THAT(refusal({"--memory-mib", "1"}), testing::HasSubstr("must be a number from 8"));
    EXPECT_THAT(refusal({"--image-policy", "share"}), testing::HasSubstr("copy or map"));
}

TEST(Options, UsageNamesEveryOption) {
    for (const char* name : {"--kernel PATH", "--counters-fd N", "--probe", "--trace-exits"})
        EXPECT_THAT(usage(), testing::HasSubstr(name));
    EXPECT_TRUE(parse({"--help"}));
    EXPECT_TRUE(parse({"--probe"}));
}

}  // namespace
}  // namespace astra::vmm
