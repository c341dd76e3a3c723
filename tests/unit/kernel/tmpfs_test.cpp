// tmpfs: contents of files, sparse arrays, names, links, times, limits; and memfd.
#include "guest_kernel/fs/tmpfs/tmpfs.hpp"
#include "guest_kernel/fs/memfd.hpp"
#include "guest_kernel/fs/tmpfs/regular.hpp"
#include "tests/unit/kernel/fs_fixture.hpp"

namespace astra::test {

namespace {

using fs::tmpfs::SparseArray;

TEST(SparseArrayTest, HoldsWordsAtAnyHeight) {
    SparseArray array;
    const u64 indexes[] = {0, 1, 63, 64, 4095, 4096, 1 << 20, u64{1} << 40, ~u64{0} - 1};
    EXPECT_EQ(array.next(0), SparseArray::kNone);
    for (u64 i : indexes) {
        EXPECT_EQ(array.get(i), 0u);
        ASSERT_TRUE(array.set(i, i + 1).has_value());
    }
    EXPECT_EQ(array.count(), std::size(indexes));
    u64 at = 0;
    for (u64 i : indexes) {
        EXPECT_EQ(array.next(at), i);
        EXPECT_EQ(array.get(i), i + 1);
        at = i + 1;
    }
    EXPECT_EQ(array.next(at), SparseArray::kNone);
    for (u64 i : indexes) EXPECT_EQ(array.take(i), i + 1);
    EXPECT_EQ(array.take(5), 0u);
    EXPECT_TRUE(array.empty());
    EXPECT_EQ(array.next(0), SparseArray::kNone);
}

class TmpFs : public FsTest {
  protected:
    void SetUp() override {
        FsTest::SetUp();
        mount_root();
    }
    static u64 free_frames() { return mm::frame_stats().free; }
};

TEST_F(TmpFs, WritesAndReadsAcrossPages) {
    std::string text(3 * kPageSize + 100, 'a');
    for (usize i = 0; i < text.size(); i++) text[i] = static_cast<char>('a' + i / 100 % 26);
    EXPECT_EQ(put("/f", text), kNoError);
    EXPECT_EQ(cat("/f"), text);
    auto file = open("/f", kOReadWrite);
    EXPECT_EQ(write(**file, "XYZ", kPageSize - 1).value(), 3u);
    text.replace(kPageSize - 1, 3, "XYZ");
    EXPECT_EQ(cat("/f"), text);
    EXPECT_EQ(read(**file, kPageSize - 2, 5), text.substr(kPageSize - 2, 5));
    EXPECT_EQ(read(**file, static_cast<i64>(text.size())), "");
    EXPECT_EQ(stat("/f").size, static_cast<i64>(text.size()));
    EXPECT_EQ(stat("/f").blocks, 4 * 8);
    EXPECT_EQ(put("/f", "+", kOAppend), kNoError);
    EXPECT_EQ(cat("/f"), text + "+");
}

TEST_F(TmpFs, HolesReadAsZerosAndTakeNoMemory) {
    u64 before = free_frames();
    auto file = open("/sparse", kOCreate | kOReadWrite);
    constexpr i64 kFar = i64{1} << 40;
    EXPECT_TRUE(write(**file, "end", kFar).has_value());
    EXPECT_EQ(stat("/sparse").size, kFar + 3);
    EXPECT_EQ(stat("/sparse").blocks, 8);
    EXPECT_EQ(read(**file, kFar - 5), std::string(5, '\0') + "end");
    EXPECT_EQ((*file)->seek(0, fs::kSeekData).value(), kFar);
    EXPECT_EQ((*file)->seek(0, fs::kSeekHole).value(), 0);
    EXPECT_EQ((*file)->seek(kFar, fs::kSeekHole).value(), kFar + 3);
    EXPECT_EQ(error_of((*file)->seek(kFar + 3, fs::kSeekData)), Errno::kENXIO);
    EXPECT_GE(free_frames() + 16, before);
    EXPECT_EQ(error_of((*file)->truncate(kFar + 1)), kNoError);
    EXPECT_EQ(error_of((*file)->truncate(kFar + 10)), kNoError);
    EXPECT_EQ(read(**file, kFar), "e" + std::string(9, '\0'));
    EXPECT_EQ(unlink("/sparse"), kNoError);
    file = fail(Errno::kEIO);
    EXPECT_EQ(free_frames(), before);
}

TEST_F(TmpFs, TruncateAndPunchGiveMemoryBack) {
    u64 before = free_frames();
    std::string text(8 * kPageSize, 'x');
    EXPECT_EQ(put("/f", text), kNoError);
    auto file = open("/f", kOReadWrite);
    constexpr int kPunch = fs::kPunchHole | fs::kKeepSize;
    EXPECT_EQ(error_of((*file)->allocate(kPunch, 100, 2 * kPageSize)), kNoError);
    std::fill(text.begin() + 100, text.begin() + 100 + 2 * kPageSize, '\0');
    EXPECT_EQ(cat("/f"), text);
    EXPECT_EQ(stat("/f").blocks, 7 * 8);
    EXPECT_EQ(error_of((*file)->allocate(fs::kPunchHole, 0, 1)), Errno::kENOTSUP);
    EXPECT_EQ(error_of((*file)->allocate(0, 0, 10 * kPageSize)), kNoError);
    EXPECT_EQ(stat("/f").size, static_cast<i64>(10 * kPageSize));
    EXPECT_EQ(stat("/f").blocks, 10 * 8);
    EXPECT_EQ(error_of((*file)->allocate(fs::kKeepSize, 0, 12 * kPageSize)), kNoError);
    EXPECT_EQ(stat("/f").size, static_cast<i64>(10 * kPageSize));
    EXPECT_EQ(error_of((*file)->truncate(1)), kNoError);
    EXPECT_EQ(stat("/f").blocks, 8);
    EXPECT_EQ(error_of((*file)->truncate(0)), kNoError);
    EXPECT_EQ(free_frames(), before);
}

TEST_F(TmpFs, MappingsSeeWhatFilesSee) {
    EXPECT_EQ(put("/f", "hello"), kNoError);
    auto file = open("/f", kOReadWrite);
    Ref<mm::PageSource> source = (*file)->page_source().value();
    auto page = source->page(0, false);
    ASSERT_TRUE(page.has_value());
    EXPECT_EQ(std::memcmp(page->data(), "hello\0", 6), 0);
    EXPECT_TRUE(write(**file, "J").has_value());
    EXPECT_EQ(page->data()[0], 'J');
    page->data()[1] = 'E';
    EXPECT_EQ(cat("/f"), "JEllo");
    EXPECT_EQ(error_of(source->page(1, false)), Errno::kEFAULT);
    EXPECT_EQ(error_of((*file)->truncate(2 * kPageSize)), kNoError);
    EXPECT_FALSE(source->page_if_resident(1));
    EXPECT_TRUE(source->page(1, false).has_value());
    EXPECT_TRUE(source->page_if_resident(1));
    EXPECT_EQ(source->mapping_size(), 2 * kPageSize);
    EXPECT_EQ(source->identity().inode, stat("/f").ino);
}

TEST_F(TmpFs, LinksCount) {
    EXPECT_EQ(stat("/").nlink, 2u + list("/").size());
    EXPECT_EQ(put("/f", "x"), kNoError);
    EXPECT_EQ(link("/f", "/g"), kNoError);
    EXPECT_EQ(stat("/g").nlink, 2u);
    EXPECT_EQ(stat("/g").ino, stat("/f").ino);
    EXPECT_EQ(link("/f", "/g"), Errno::kEEXIST);
    EXPECT_EQ(link("/tmp", "/t"), Errno::kEPERM);
    EXPECT_EQ(rename("/f", "/g"), kNoError);
    EXPECT_EQ(stat("/f").nlink, 2u);
    auto held = open("/g");
    EXPECT_EQ(unlink("/f"), kNoError);
    EXPECT_EQ(unlink("/g"), kNoError);
    abi::Stat gone{};
    EXPECT_TRUE((*held)->stat(gone).has_value());
    EXPECT_EQ(gone.nlink, 0u);
    EXPECT_EQ(read(**held), "x");
    EXPECT_EQ(error_of(fs::link(*(*held)->path(), fs::root(), "/back")), Errno::kENOENT);

    EXPECT_EQ(mkdir("/d"), kNoError);
    EXPECT_EQ(mkdir("/d/e"), kNoError);
    EXPECT_EQ(stat("/d").nlink, 3u);
    EXPECT_EQ(rename("/d/e", "/e"), kNoError);
    EXPECT_EQ(stat("/d").nlink, 2u);
}

TEST_F(TmpFs, DirectoriesListStably) {
    EXPECT_EQ(mkdir("/d"), kNoError);
    for (int i = 0; i < 100; i++) EXPECT_EQ(put("/d/" + std::to_string(i), ""), kNoError);
    Names whole = list("/d");
    EXPECT_EQ(whole.size(), 100u);
    EXPECT_EQ(list("/d", 7), whole);
    for (int i = 0; i < 100; i += 2) EXPECT_EQ(unlink("/d/" + std::to_string(i)), kNoError);
    EXPECT_EQ(list("/d", 3).size(), 50u);
    EXPECT_EQ(put("/d/new", ""), kNoError);
    EXPECT_EQ(sorted(list("/d")).back(), "new");
    EXPECT_EQ(stat("/d/new").mode, fs::kTypeRegular | 0644u);
}

TEST_F(TmpFs, TimesAndModes) {
    auto at = [](std::string_view path) { return fs::resolve(fs::root(), path, 0).value(); };
    EXPECT_EQ(put("/f", "x"), kNoError);
    EXPECT_GE(stat("/f").mtime.sec, 2'000'000'000);
    EXPECT_TRUE(fs::change_times(at("/f"), {5, 6}, {7, 8}).has_value());
    EXPECT_EQ(stat("/f").atime.sec, 5);
    EXPECT_EQ(stat("/f").mtime.nsec, 8);
    EXPECT_EQ(error_of(fs::change_times(at("/f"), {0, 1'000'000'000}, {0, 0})), Errno::kEINVAL);
    EXPECT_TRUE(fs::change_times(at("/f"), {0, fs::kTimeOmit}, {0, fs::kTimeNow}).has_value());
    EXPECT_EQ(stat("/f").atime.sec, 5);
    EXPECT_GE(stat("/f").mtime.sec, 2'000'000'000);
    EXPECT_EQ(cat("/f"), "x");
    EXPECT_GE(stat("/f").atime.sec, 2'000'000'000);  // relatime: it was before mtime
    EXPECT_TRUE(fs::change_mode(at("/f"), 06755).has_value());
    EXPECT_EQ(stat("/f").mode, fs::kTypeRegular | 06755u);
    EXPECT_TRUE(fs::change_owner(at("/f"), 5, ~0u).has_value());
    EXPECT_EQ(stat("/f").mode, fs::kTypeRegular | 0755u);
    EXPECT_EQ(stat("/f").uid, 5u);
}

TEST_F(TmpFs, SizeLimitIsKept) {
    ASSERT_EQ(mkdir("/m"), kNoError);
    auto place = fs::resolve(fs::root(), "/m", 0);
    ASSERT_EQ(error_of(fs::mount("none", *place, "tmpfs", 0, "size=16k,mode=700,uid=3")), kNoError);
    EXPECT_EQ(stat("/m").mode, fs::kTypeDirectory | 0700u);
    EXPECT_EQ(stat("/m").uid, 3u);
    auto file = open("/m/f", kOCreate | kOReadWrite);
    EXPECT_EQ(write(**file, std::string(5 * kPageSize, 'x')).value(), 4 * kPageSize);
    EXPECT_EQ(error_of(write(**file, "x", 4 * kPageSize)), Errno::kENOSPC);
    abi::StatFs facts{};
    EXPECT_TRUE((*file)->path()->mount->fs->statfs(facts).has_value());
    EXPECT_EQ(facts.blocks, 4u);
    EXPECT_EQ(facts.bfree, 0u);
    EXPECT_EQ(unlink("/m/f"), kNoError);
    file = fail(Errno::kEIO);
    EXPECT_EQ(put("/m/g", "again"), kNoError);
    for (std::string_view bad : {"size=x", "size=5q", "nothing=1", "mode=9", "size"})
        EXPECT_EQ(error_of(fs::create_tmpfs(bad)), Errno::kEINVAL) << bad;
}

TEST_F(TmpFs, DeepTreesGoWithoutRecursion) {
    ASSERT_EQ(mkdir("/m"), kNoError);
    auto place = fs::resolve(fs::root(), "/m", 0);
    ASSERT_EQ(error_of(fs::mount("none", *place, "tmpfs", 0, "")), kNoError);
    fs::Path at = *fs::resolve(fs::root(), "/m", 0);
    for (int i = 0; i < 50'000; i++) {
        ASSERT_EQ(error_of(fs::make_directory(at, "d", 0755)), kNoError);
        at = *fs::resolve(at, "d", 0);
    }
    at = fs::Path();
    EXPECT_EQ(error_of(fs::unmount(*fs::resolve(fs::root(), "/m", 0), 0)), kNoError);
}

TEST_F(TmpFs, DevicesAndMemfds) {
    EXPECT_EQ(cat("/dev/null"), "");
    EXPECT_EQ(read(**open("/dev/zero"), 0, 10), std::string(10, '\0'));
    EXPECT_EQ(put("/dev/full", "x", 0), Errno::kENOSPC);
    EXPECT_EQ(stat("/dev/null").rdev, fs::make_device(1, 3));
    EXPECT_EQ(error_of(fs::make_node(fs::root(), "/null", fs::kTypeCharDevice | 0666, fs::make_device(1, 3))),
              kNoError);
    EXPECT_EQ(put("/null", "swallowed"), kNoError);
    EXPECT_EQ(error_of(fs::make_node(fs::root(), "/odd", fs::kTypeCharDevice, fs::make_device(99, 1))),
              kNoError);
    EXPECT_EQ(cat("/odd"), "ENXIO");

    auto memfd = fs::make_memfd("mine", true);
    ASSERT_TRUE(memfd.has_value());
    EXPECT_EQ((*memfd)->describe()->view(), "/memfd:mine (deleted)");
    EXPECT_TRUE(write(**memfd, "abc").has_value());
    auto again = fs::open_path(*(*memfd)->path(), 0);
    EXPECT_EQ(read(**again), "abc");
    constexpr int kAddSeals = 1033, kGetSeals = 1034;
    EXPECT_EQ((*memfd)->control(kAddSeals, fs::tmpfs::kSealGrow | fs::tmpfs::kSealShrink).value(), 0);
    EXPECT_EQ(error_of((*memfd)->truncate(10)), Errno::kEPERM);
    EXPECT_EQ(error_of((*memfd)->truncate(1)), Errno::kEPERM);
    EXPECT_EQ(error_of(write(**memfd, "abcd")), Errno::kEPERM);
    EXPECT_EQ(error_of(write(**memfd, "xyz")), kNoError);
    EXPECT_EQ((*memfd)->control(kAddSeals, fs::tmpfs::kSealWrite | fs::tmpfs::kSealSeal).value(), 0);
    EXPECT_EQ(error_of(write(**memfd, "x")), Errno::kEPERM);
    EXPECT_EQ(error_of((*memfd)->control(kAddSeals, fs::tmpfs::kSealWrite)), Errno::kEPERM);
    EXPECT_EQ((*memfd)->control(kGetSeals, 0).value(), 15);
    EXPECT_EQ(error_of((*open("/tmp/f", kOCreate | kOReadWrite))->control(kGetSeals, 0)), Errno::kEINVAL);
}

}  // namespace

}  // namespace astra::test
