// The TAR image: plain archives, the index, and damaged ones of both kinds.
#include <gtest/gtest.h>

#include "guest_kernel/fs/tar/members.hpp"
#include "tests/unit/kernel/memory.hpp"
#include "tests/unit/kernel/tar_builder.hpp"

namespace astra::test {

namespace {

using fs::tar::Image;

std::string text_of(std::span<const u8> bytes) { return {bytes.begin(), bytes.end()}; }

/// Walks `path` down from the root, not through links.
u32 find(const Image& image, std::string_view path) {
    u32 at = Image::kRoot;
    while (!path.empty() && at != Image::kNone) {
        std::string_view name = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(name.size() + 1, path.size()));
        at = image.lookup(at, name);
    }
    return at;
}

std::vector<std::string> names(const Image& image, u32 directory) {
    std::vector<std::string> out;
    for (u32 i = 0; i < image.entry_count(directory); i++)
        if (auto entry = image.entry(directory, i)) out.emplace_back(entry->name);
    return out;
}

TarBuilder sample() {
    TarBuilder tar;
    tar.directory("./").directory("bin/", 0711).file("bin/tool", "#!tool", 0755).file("empty", "");
    tar.symlink("link", "bin/tool").hard_link("bin/same", "bin/tool").file("deep/er/file", "x");
    tar.raw("null", "", {.type = '3', .mode = 0666, .major = 1, .minor = 3});
    tar.raw("fifo", "", {.type = '6', .mode = 0600});
    return tar;
}

class TarFs : public testing::Test {
  protected:
    void SetUp() override { start_memory(); }
    /// Opens an archive; the image points into it.
    const Image& open(const std::string& bytes) {
        archive_ = std::make_unique<Archive>(bytes);
        auto image = Image::open(archive_->bytes());
        EXPECT_TRUE(image.has_value());
        image_ = std::move(*image);
        return *image_;
    }
    static Errno error(const std::string& bytes) {
        Archive archive(bytes);
        auto image = Image::open(archive.bytes());
        return image ? Errno(0) : image.error();
    }
    std::unique_ptr<Archive> archive_;
    Own<Image> image_;
};

TEST_F(TarFs, PlainArchiveBecomesATree) {
    const Image& image = open(sample().finish());
    EXPECT_EQ(names(image, Image::kRoot),
              (std::vector<std::string>{"bin", "deep", "empty", "fifo", "link", "null"}));
    EXPECT_EQ(names(image, find(image, "bin")), (std::vector<std::string>{"same", "tool"}));
    EXPECT_EQ(image.inode(find(image, "bin"))->mode, 0040711u);
    u32 tool = find(image, "bin/tool");
    EXPECT_EQ(tool, find(image, "bin/same"));
    EXPECT_EQ(image.inode(tool)->links, 2u);
    EXPECT_EQ(image.inode(tool)->mode, 0100755u);
    EXPECT_EQ(image.inode(tool)->mtime_sec, 1'000'000'000);
    EXPECT_EQ(text_of(image.contents(*image.inode(tool))), "#!tool");
    EXPECT_EQ(image.target(*image.inode(find(image, "link"))), "bin/tool");
    EXPECT_EQ(text_of(image.contents(*image.inode(find(image, "deep/er/file")))), "x");
    EXPECT_EQ(image.inode(find(image, "deep"))->mode, 0040755u);
    EXPECT_EQ(image.inode(find(image, "null"))->rdev, (1u << 20) | 3);
    EXPECT_EQ(image.inode(find(image, "fifo"))->mode, 0010600u);
    EXPECT_EQ(image.inode(Image::kRoot)->links, 4u);
    EXPECT_EQ(find(image, "absent"), Image::kNone);
    EXPECT_EQ(find(image, "bin/tool/x"), Image::kNone);
}

TEST_F(TarFs, LaterMembersReplaceEarlierOnes) {
    TarBuilder tar;
    tar.file("a", "old").file("a", "new").directory("d", 0700).file("d/x", "1").directory("d", 0755);
    const Image& image = open(tar.finish());
    EXPECT_EQ(text_of(image.contents(*image.inode(find(image, "a")))), "new");
    EXPECT_EQ(image.inode(find(image, "d"))->mode, 0040755u);
    EXPECT_NE(find(image, "d/x"), Image::kNone);
    EXPECT_EQ(image.inode(Image::kRoot)->links, 3u);
}

TEST_F(TarFs, MembersBelowALinkGoWhereItLeads) {
    TarBuilder tar;
    tar.directory("usr/lib").symlink("lib", "usr/lib").file("lib/libc.so", "elf");
    tar.symlink("usr/up", "../lib/..").file("usr/up/top", "t");
    const Image& image = open(tar.finish());
    EXPECT_NE(find(image, "usr/lib/libc.so"), Image::kNone);
    EXPECT_NE(find(image, "usr/top"), Image::kNone);
}

TEST_F(TarFs, PaxAndGnuExtensions) {
    std::string long_name = std::string(150, 'n') + "/" + std::string(120, 'm');
    TarBuilder tar;
    tar.pax({{"path", long_name}, {"mtime", "1234567890.25"}, {"uid", "70000"}}).file("short", "pax");
    tar.raw("././@LongLink", std::string(200, 'g') + '\0', {.type = 'L'}).file("cut", "gnu");
    tar.raw("name", "u", {.prefix = "pre/fix"});
    const Image& image = open(tar.finish());
    const auto* pax = image.inode(find(image, long_name));
    ASSERT_NE(pax, nullptr);
    EXPECT_EQ(pax->mtime_sec, 1234567890);
    EXPECT_EQ(pax->mtime_nsec, 250'000'000u);
    EXPECT_EQ(pax->uid, 70000u);
    EXPECT_NE(find(image, std::string(200, 'g')), Image::kNone);
    EXPECT_NE(find(image, "pre/fix/name"), Image::kNone);
}

TEST_F(TarFs, IndexIsUsedInPlace) {
    std::string members = sample().bytes();
    Archive plain(members);
    auto tables = fs::tar::scan(plain.bytes());
    ASSERT_TRUE(tables.has_value());
    const Image& image = open(with_index(*tables, members));
    EXPECT_EQ(names(image, Image::kRoot),
              (std::vector<std::string>{"bin", "deep", "empty", "fifo", "link", "null"}));
    EXPECT_EQ(text_of(image.contents(*image.inode(find(image, "bin/same")))), "#!tool");
    EXPECT_EQ(image.target(*image.inode(find(image, "link"))), "bin/tool");
}

TEST_F(TarFs, DamagedArchivesAreRefused) {
    EXPECT_EQ(error(TarBuilder().file("../up", "x").finish()), Errno::kEINVAL);
    EXPECT_EQ(error(TarBuilder().file("a/../../b", "x").finish()), Errno::kEINVAL);
    EXPECT_EQ(error(TarBuilder().hard_link("a", "nothing").finish()), Errno::kEINVAL);
    EXPECT_EQ(error(TarBuilder().directory("d").hard_link("a", "d").finish()), Errno::kEINVAL);
    EXPECT_EQ(error(TarBuilder().file("a", "x").file("a/b", "x").finish()), Errno::kEINVAL);
    EXPECT_EQ(error(TarBuilder().symlink("l", "l").file("l/x", "x").finish()), Errno::kEINVAL);
    EXPECT_EQ(error(TarBuilder().raw("s", "", {.type = 'S'}).finish()), Errno::kEINVAL);
    EXPECT_EQ(error(TarBuilder().pax({{"GNU.sparse.major", "1"}}).file("s", "").finish()), Errno::kEINVAL);
    EXPECT_EQ(error(TarBuilder().raw("x", "12 path=a", {.type = 'x'}).finish()), Errno::kEINVAL);
    std::string cut = TarBuilder().file("a", std::string(2000, 'x')).bytes();
    EXPECT_EQ(error(cut.substr(0, 1500)), Errno::kEINVAL);
    std::string flipped = sample().finish();
    flipped[3] ^= 1;
    EXPECT_EQ(error(flipped), Errno::kEINVAL);
    EXPECT_EQ(error("no tar at all" + std::string(600, 'x')), Errno::kEINVAL);
}

// Every byte of the index set to every one of a few values: whatever it then says, nothing outside is read.
TEST_F(TarFs, ForgedIndexNeverReadsOutside) {
    std::string members = sample().bytes();
    Archive plain(members);
    auto tables = fs::tar::scan(plain.bytes());
    ASSERT_TRUE(tables.has_value());
    while (tables->hash.size() > 32) tables->hash.pop_back();
    for (auto& slot : tables->hash) slot.entry_plus_1 = 3;
    Archive archive(with_index(*tables, members));
    std::span<u8> bytes = archive.bytes();
    usize index_bytes = 2048;
    for (usize at = 512; at < 512 + index_bytes; at++) {
        u8 saved = bytes[at];
        for (u8 value : {u8{0}, u8{1}, u8{0x7f}, u8{0x80}, u8{0xff}}) {
            bytes[at] = value;
            auto image = Image::open(bytes);
            if (!image) continue;
            const Image& i = **image;
            u64 sum = 0;
            for (u32 n = 0; n < i.inode_count() && n < 64; n++) {
                for (u8 byte : i.contents(*i.inode(n))) sum += byte;
                for (char c : i.target(*i.inode(n))) sum += static_cast<u8>(c);
                for (u32 e = 0; e < i.entry_count(n) && e < 64; e++)
                    if (auto entry = i.entry(n, e)) sum += i.lookup(n, entry->name);
            }
            EXPECT_NE(sum, 1u);
        }
        bytes[at] = saved;
    }
}

}  // namespace

}  // namespace astra::test
