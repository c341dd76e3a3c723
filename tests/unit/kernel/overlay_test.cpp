// The root over an image: what is below shows through, every change stays above, and no name, link or open
// file can tell.
#include "tests/unit/kernel/fs_fixture.hpp"

namespace astra::test {

namespace {

std::string pattern(usize size) {
    std::string text(size, '\0');
    for (usize i = 0; i < size; i++) text[i] = static_cast<char>('A' + i / 64 % 26);
    return text;
}
const std::string kBig = pattern(3 * kPageSize + 500);

class Overlay : public FsTest {
  protected:
    void SetUp() override {
        FsTest::SetUp();
        TarBuilder tar;
        tar.directory("etc").file("etc/passwd", "root").file("etc/hosts", "127.0.0.1", 0600);
        tar.hard_link("etc/group", "etc/passwd").symlink("etc/link", "passwd");
        tar.directory("lib").directory("lib/sub").file("lib/sub/deep", "deep").aligned_file("lib/big", kBig);
        mount_root(tar.finish());
        ASSERT_EQ(reinterpret_cast<u64>(image_page("/lib/big", 0)) % kPageSize, 0u);
    }
    /// Where a mapping of the file's page `index` would look.
    static u8* image_page(std::string_view path, u64 index, bool for_write = false) {
        auto file = open(path);
        auto page = (*file)->page_source().value()->page(index, for_write);
        EXPECT_TRUE(page.has_value());
        return page->data();
    }
};

TEST_F(Overlay, ShowsTheImage) {
    EXPECT_EQ(sorted(list("/")), (Names{"dev", "etc", "lib", "proc", "sys", "tmp"}));
    EXPECT_EQ(list("/etc"), (Names{"group", "hosts", "link", "passwd"}));
    EXPECT_EQ(cat("/etc/link"), "root");
    EXPECT_EQ(cat("/lib/big"), kBig);
    EXPECT_EQ(stat("/etc/hosts").mode, fs::kTypeRegular | 0600u);
    EXPECT_EQ(stat("/lib/big").size, static_cast<i64>(kBig.size()));
    EXPECT_EQ(stat("/lib/big").mtime.sec, 1'000'000'000);
    EXPECT_EQ(stat("/etc/group").ino, stat("/etc/passwd").ino);
    EXPECT_EQ(stat("/etc/group").nlink, 2u);
}

TEST_F(Overlay, WritesCopyPagesOnce) {
    u64 before = mm::frame_stats().free;
    auto reader = open("/lib/big");
    auto writer = open("/lib/big", kOReadWrite);
    EXPECT_TRUE(write(**writer, "changed", kPageSize + 10).has_value());
    EXPECT_LE(before - mm::frame_stats().free, 2u);
    std::string expected = kBig;
    expected.replace(kPageSize + 10, 7, "changed");
    EXPECT_EQ(read(**reader), expected);
    EXPECT_EQ(cat("/lib/big"), expected);
    EXPECT_EQ(read(**reader, kPageSize - 3, 20), expected.substr(kPageSize - 3, 20));
    EXPECT_GT(stat("/lib/big").mtime.sec, 1'000'000'000);
}

TEST_F(Overlay, MappingsShareTheImageUntilSomeoneWrites) {
    u8* shared = image_page("/lib/big", 0);
    EXPECT_EQ(std::memcmp(shared, kBig.data(), kPageSize), 0);
    EXPECT_EQ(image_page("/lib/big", 0), shared);
    u8* own = image_page("/lib/big", 0, true);
    EXPECT_NE(own, shared);
    EXPECT_EQ(image_page("/lib/big", 0), own);
    own[0] = '!';
    EXPECT_EQ(cat("/lib/big").front(), '!');
    // The last page ends before its frame does: a copy, with zeros behind the end.
    u8* tail = image_page("/lib/big", 3);
    EXPECT_EQ(tail[499], static_cast<u8>(kBig.back()));
    EXPECT_EQ(tail[500], 0);
}

TEST_F(Overlay, TruncationHidesTheImageForEver) {
    auto file = open("/lib/big", kOReadWrite);
    EXPECT_EQ(error_of((*file)->truncate(100)), kNoError);
    EXPECT_EQ(error_of((*file)->truncate(2 * kPageSize)), kNoError);
    EXPECT_EQ(cat("/lib/big"), kBig.substr(0, 100) + std::string(2 * kPageSize - 100, '\0'));
    EXPECT_EQ(put("/lib/big", "short"), kNoError);
    EXPECT_EQ(cat("/lib/big"), "short");
}

TEST_F(Overlay, PunchedHolesHideTheImage) {
    auto file = open("/lib/big", kOReadWrite);
    EXPECT_EQ(error_of((*file)->allocate(fs::kPunchHole | fs::kKeepSize, 50, 2 * kPageSize)), kNoError);
    std::string expected = kBig;
    std::fill(expected.begin() + 50, expected.begin() + 50 + 2 * kPageSize, '\0');
    EXPECT_EQ(cat("/lib/big"), expected);
}

TEST_F(Overlay, HardLinksAndOpenFilesSeeTheSameChange) {
    auto held = open("/etc/group");
    u64 number = stat("/etc/passwd").ino;
    EXPECT_EQ(put("/etc/passwd", "+user", kOAppend), kNoError);
    EXPECT_EQ(cat("/etc/group"), "root+user");
    EXPECT_EQ(read(**held), "root+user");
    EXPECT_EQ(stat("/etc/group").ino, number);
    auto place = fs::resolve(fs::root(), "/etc/passwd", 0);
    EXPECT_TRUE(fs::change_mode(*place, 0640).has_value());
    EXPECT_EQ(stat("/etc/group").mode, fs::kTypeRegular | 0640u);
}

TEST_F(Overlay, RemovedNamesStayRemoved) {
    EXPECT_EQ(unlink("/etc/passwd"), kNoError);
    EXPECT_EQ(cat("/etc/passwd"), "ENOENT");
    EXPECT_EQ(stat("/etc/group").nlink, 1u);
    EXPECT_EQ(list("/etc"), (Names{"group", "hosts", "link"}));
    EXPECT_EQ(put("/etc/passwd", "fresh"), kNoError);
    EXPECT_EQ(cat("/etc/passwd"), "fresh");
    EXPECT_EQ(cat("/etc/group"), "root");
    EXPECT_NE(stat("/etc/passwd").ino, stat("/etc/group").ino);
    EXPECT_EQ(list("/etc"), (Names{"group", "hosts", "link", "passwd"}));
    EXPECT_EQ(unlink("/etc/passwd"), kNoError);
    EXPECT_EQ(cat("/etc/passwd"), "ENOENT");
}

TEST_F(Overlay, RemadeDirectoriesAreOpaque) {
    EXPECT_EQ(rmdir("/lib/sub"), Errno::kENOTEMPTY);
    EXPECT_EQ(unlink("/lib/sub/deep"), kNoError);
    EXPECT_EQ(stat("/lib").nlink, 3u);
    EXPECT_EQ(rmdir("/lib/sub"), kNoError);
    EXPECT_EQ(stat("/lib").nlink, 2u);
    EXPECT_EQ(mkdir("/lib/sub"), kNoError);
    EXPECT_EQ(list("/lib/sub"), Names{});
    EXPECT_EQ(put("/lib/sub/deep", "new"), kNoError);
    EXPECT_EQ(cat("/lib/sub/deep"), "new");
}

TEST_F(Overlay, RenamesCrossLayers) {
    u64 number = stat("/lib/sub").ino;
    EXPECT_EQ(rename("/lib", "/usr"), kNoError);
    EXPECT_EQ(cat("/usr/sub/deep"), "deep");
    EXPECT_EQ(cat("/usr/big"), kBig);
    EXPECT_EQ(cat("/lib/big"), "ENOENT");
    EXPECT_EQ(stat("/usr/sub").ino, number);
    EXPECT_EQ(rename("/etc/hosts", "/usr/sub/deep"), kNoError);
    EXPECT_EQ(cat("/usr/sub/deep"), "127.0.0.1");
    EXPECT_EQ(list("/usr/sub"), Names{"deep"});
    EXPECT_EQ(list("/etc"), (Names{"group", "link", "passwd"}));
    EXPECT_EQ(mkdir("/tmp/new"), kNoError);
    EXPECT_EQ(rename("/tmp/new", "/etc", fs::kRenameExchange), kNoError);
    EXPECT_EQ(cat("/tmp/new/passwd"), "root");
    EXPECT_EQ(list("/etc"), Names{});
    EXPECT_EQ(rename("/tmp/new/passwd", "/etc/group"), kNoError);
    EXPECT_EQ(cat("/etc/group"), "root");
    EXPECT_EQ(rename("/etc", "/usr/sub"), Errno::kENOTEMPTY);
    EXPECT_EQ(unlink("/usr/sub/deep"), kNoError);
    EXPECT_EQ(rename("/etc", "/usr/sub"), kNoError);
    EXPECT_EQ(cat("/usr/sub/group"), "root");
}

TEST_F(Overlay, ListingsSurviveChangesBetweenCalls) {
    struct Collect final : fs::DirectorySink {
        bool entry(std::string_view name, u64, u8, i64) override {
            if (names.size() == most) return false;
            names.emplace_back(name);
            return true;
        }
        usize most = 4;
        std::vector<std::string> names;
    } sink;
    auto directory = open("/etc", fs::kODirectory);
    i64 offset = 0;
    EXPECT_TRUE((*directory)->read_directory(offset, sink).has_value());
    EXPECT_EQ(sink.names, (Names{".", "..", "group", "hosts"}));
    // Replaced and added meanwhile: what was seen does not come again, what is new may.
    EXPECT_EQ(put("/etc/x", ""), kNoError);
    EXPECT_EQ(rename("/etc/x", "/etc/group"), kNoError);
    EXPECT_EQ(unlink("/etc/link"), kNoError);
    EXPECT_EQ(put("/etc/zz", ""), kNoError);
    sink.most = 100;
    EXPECT_TRUE((*directory)->read_directory(offset, sink).has_value());
    EXPECT_EQ(sink.names, (Names{".", "..", "group", "hosts", "passwd", "zz"}));
}

TEST_F(Overlay, ForgottenNodesComeBackTheSame) {
    u64 number = stat("/lib/sub/deep").ino;
    auto place = fs::resolve(fs::root(), "/etc/hosts", 0);
    EXPECT_TRUE(fs::change_owner(*place, 7, 7).has_value());
    place = fail(Errno::kEIO);
    // Push everything out of the name cache.
    for (int i = 0; i < 20'000; i++) EXPECT_EQ(put("/tmp/" + std::to_string(i), ""), kNoError);
    EXPECT_EQ(stat("/lib/sub/deep").ino, number);
    EXPECT_EQ(stat("/etc/hosts").uid, 7u);
}

TEST_F(Overlay, DamagedIndexGivesErrorsNotCrashes) {
    std::string members = TarBuilder().directory("d").file("d/f", "x").bytes();
    Archive plain(members);
    auto tables = fs::tar::scan(plain.bytes());
    for (auto& entry : tables->entries) entry.inode = 0;  // every name is the root
    tables->inodes[0].entry_count = 1000;
    mount_root(with_index(*tables, members));
    EXPECT_EQ(resolve_error("/d/d/d/d"), kNoError);
    EXPECT_EQ(resolve_error("/d/f"), Errno::kENOENT);
    EXPECT_EQ(rename("/d/d", "/d/d/x"), Errno::kEINVAL);
    list("/");
}

}  // namespace

}  // namespace astra::test
