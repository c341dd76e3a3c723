// /proc and /sys without processes: the tables behind them, the formats programs parse, and text in the
// making.
#include "guest_kernel/fs/procfs/text.hpp"
#include "tests/unit/kernel/fs_fixture.hpp"

namespace astra::test {

namespace {

using testing::Test;

class ProcFs : public FsTest {
  protected:
    void SetUp() override {
        FsTest::SetUp();
        mount_root();
    }
};

TEST_F(ProcFs, ListsItsFiles) {
    Names names = sorted(list("/proc"));
    for (const char* name : {"cpuinfo", "meminfo", "mounts", "self", "stat", "sys", "uptime", "version"})
        EXPECT_TRUE(std::binary_search(names.begin(), names.end(), name)) << name;
    EXPECT_EQ(list("/proc", 1), list("/proc"));
    EXPECT_EQ(stat("/proc").mode, fs::kTypeDirectory | 0555u);
    EXPECT_EQ(stat("/proc/self", 0).mode & fs::kTypeMask, fs::kTypeSymlink);
    EXPECT_EQ(stat("/proc/version").ino, stat("/proc/version").ino);
    EXPECT_NE(stat("/proc/version").ino, stat("/proc/uptime").ino);
    EXPECT_EQ(resolve_error("/proc/12345"), Errno::kENOENT);
    EXPECT_EQ(resolve_error("/proc/00"), Errno::kENOENT);
    EXPECT_EQ(resolve_error("/proc/nothing"), Errno::kENOENT);
    EXPECT_EQ(put("/proc/new", ""), Errno::kENOENT);
    EXPECT_EQ(unlink("/proc/version"), Errno::kEPERM);
}

TEST_F(ProcFs, FormatsAreLinuxs) {
    unsigned total = 0, free = 0;
    EXPECT_EQ(std::sscanf(cat("/proc/meminfo").c_str(), "MemTotal: %u kB\nMemFree: %u kB", &total, &free), 2);
    EXPECT_EQ(total, mm::frame_stats().total * 4);
    double up = -1, idle = -1;
    EXPECT_EQ(std::sscanf(cat("/proc/uptime").c_str(), "%lf %lf\n", &up, &idle), 2);
    EXPECT_EQ(cat("/proc/version").substr(0, 14), "Linux version ");
    EXPECT_NE(cat("/proc/filesystems").find("nodev\ttmpfs\n"), std::string::npos);
    EXPECT_EQ(cat("/proc/cpuinfo").substr(0, 14), "processor\t: 0\n");
    EXPECT_EQ(cat("/proc/sys/kernel/ostype"), "Linux\n");
    EXPECT_EQ(cat("/sys/devices/system/cpu/online"), "0\n");
    std::string id = cat("/proc/sys/kernel/random/uuid");
    EXPECT_EQ(id.size(), 37u);
    EXPECT_EQ(id[14], '4');
    EXPECT_NE(cat("/proc/sys/kernel/random/uuid"), id);
    EXPECT_EQ(cat("/proc/sys/kernel/random/boot_id"), cat("/proc/sys/kernel/random/boot_id"));
}

TEST_F(ProcFs, ReadingOnContinuesTheSameText) {
    auto file = open("/proc/sys/kernel/random/uuid");
    std::string whole = read(**file), rest = read(**file, 10);
    EXPECT_EQ(rest, whole.substr(10));
    EXPECT_EQ(read(**file, static_cast<i64>(whole.size())), "");
    EXPECT_NE(read(**file), whole);
}

TEST(TextTest, GrowsAndEscapes) {
    fs::Text text;
    text.add("%d %s|", 5, std::string(400, 'x').c_str());
    text.append_escaped("a b\tc\\d\n");
    EXPECT_EQ(text.take()->view(), "5 " + std::string(400, 'x') + "|a\\040b\\011c\\134d\\012");
}

}  // namespace

}  // namespace astra::test
