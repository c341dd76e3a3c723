// The runtime's samples through the client library's fixture, as its users would test programs of their own.
#include <gmock/gmock.h>
#include <unistd.h>

#include "control_proto/testing/guest.hpp"
#include "tests/integration/daemon/daemon_process.hpp"

namespace astra::tests {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class Samples : public ::testing::Test {
  protected:
    void SetUp() override {
        if (engine() == "kvm" && ::access("/dev/kvm", W_OK) != 0) GTEST_SKIP() << "no /dev/kvm here";
    }
    static std::string engine() { return setting("ASTRA_TEST_ENGINE", "qemu-tcg"); }
    testing::GuestOptions options(std::vector<std::string> arguments) {
        return {.rootfs = ASTRA_SAMPLES,
                .arguments = std::move(arguments),
                .engine = engine(),
                .address = daemon_.socket()};
    }

  private:
    DaemonProcess daemon_;
};

TEST_F(Samples, CounterCountsTo400WithFourThreads) {
    testing::Guest guest(options({"/bin/counter"}));
    EXPECT_EQ(guest.wait(), 0);
    EXPECT_EQ(guest.output(), "Result: 400\n");
    EXPECT_EQ(guest.calls("clone"), 4u);
}

TEST_F(Samples, ReadFileReadsTheArchive) {
    testing::Guest guest(options({"/bin/read_file", "/index.html"}));
    EXPECT_EQ(guest.wait(), 0);
    EXPECT_EQ(guest.output(), "Read 20 bytes\nContent: <p>from a guest</p>\n\n");
}

TEST_F(Samples, ReadFileSaysWhatIsMissing) {
    testing::Guest guest(options({"/bin/read_file", "/missing"}));
    EXPECT_EQ(guest.wait(), 1);
    EXPECT_THAT(guest.output(v1::CONSOLE_STREAM_ERROR), HasSubstr("No such file or directory"));
}

TEST_F(Samples, MeasureTimeSleepsATenthOfASecond) {
    testing::Guest guest(options({"/bin/measure_time"}));
    EXPECT_EQ(guest.wait(), 0);
    EXPECT_THAT(guest.output(), MatchesRegex("Took [0-9.]+[nµm]+s\nSlept 1[0-9][0-9]ms\n"));
}

TEST_F(Samples, ServesAndFetchesOverHttp) {
    testing::Guest guest(options({"/bin/http_server", "127.0.0.1:8000", "/"}));
    ASSERT_TRUE(guest.wait_for_output("\n"));
    std::string page;
    EXPECT_EQ(guest.run({"/bin/http_get", "http://127.0.0.1:8000/index.html"}, &page), 0);
    EXPECT_EQ(page, "<p>from a guest</p>\n");
}

TEST_F(Samples, ShellRunsAScript) {
    testing::Guest guest(options({"/bin/http_server", "127.0.0.1:8000", "/"}));
    ASSERT_TRUE(guest.wait_for_output("\n"));
    std::string output;
    EXPECT_EQ(
        guest.run({"/bin/shell"}, &output, "/bin/hello > /tmp/said\n/bin/read_file /tmp/said\nexit 3\n"), 3);
    EXPECT_THAT(output, HasSubstr("Content: hello, world"));
}

TEST_F(Samples, ParityPrintsTheTable) {
    testing::Guest guest(options({"/bin/parity"}));
    EXPECT_EQ(guest.wait(), 0);
    EXPECT_THAT(guest.output(), HasSubstr("proved by tests/guest/runtime/samples.cpp: measure_time"));
    EXPECT_THAT(guest.output(), ContainsRegex("[0-9]+ rows\n$"));
}

}  // namespace
}  // namespace astra::tests
