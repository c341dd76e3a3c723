// Imports of archives that must be refused: one clear line each, and nothing left behind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/unit/image/support.hpp"
#include "vmm/image/import.hpp"

namespace astra::test {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;
using vmm::Code;
using vmm::Error;
using vmm::image::import_image;
using vmm::image::ImportOptions;

class Refuse : public testing::Test {
  protected:
    Refuse() { options_.store = dir_ / "store"; }

    Error refused(std::string_view archive) {
        write_file(dir_ / "in.tar", archive);
        return refused_file(dir_ / "in.tar");
    }
    Error refused_file(const std::string& path) {
        auto image = import_image(path, options_);
        if (image) {
            ADD_FAILURE() << "was accepted";
            return {};
        }
        const Error& error = image.error();
        EXPECT_TRUE(error.message.starts_with(path + ": ")) << error.message;
        EXPECT_EQ(error.message.find('\n'), std::string::npos) << error.message;
        EXPECT_EQ(files_in_store(), 0) << error.message;
        return error;
    }
    [[nodiscard]] int files_in_store() const {
        int files = 0;
        if (std::filesystem::exists(options_.store))
            for (const auto& entry : std::filesystem::recursive_directory_iterator(options_.store))
                files += entry.is_regular_file() ? 1 : 0;
        return files;
    }
    TempDir dir_;
    ImportOptions options_;
};

struct BadMember {
    const char* name;
    std::vector<RawMember> members;
    Code code;
    const char* message;
};

class RefuseMember : public Refuse, public testing::WithParamInterface<BadMember> {};

TEST_P(RefuseMember, WithItsReason) {
    Error error = refused(raw_tar(GetParam().members));
    EXPECT_EQ(error.code, GetParam().code) << error.message;
    EXPECT_THAT(error.message, HasSubstr(GetParam().message));
}

const BadMember kBadMembers[] = {
    {"DotDot",
     {{.name = "ok"}, {.name = "a/../b"}},
     Code::InvalidArgument,
     "member 2: a/../b: path contains '..'"},
    {"DotDotLast", {{.name = "a/.."}}, Code::InvalidArgument, "path contains '..'"},
    {"Absolute", {{.name = "/etc/passwd"}}, Code::InvalidArgument, "member 1: /etc/passwd: path is absolute"},
    {"ControlCharacters",
     {{.name = "/a\n\x1b[31m"}},
     Code::InvalidArgument,
     "/a\\x0a\\x1b[31m: path is absolute"},
    {"RootAsFile", {{.name = "./", .type = '2', .link = "x"}}, Code::InvalidArgument, "must be a directory"},
    {"LinkAbsolute",
     {{.name = "l", .type = '1', .link = "/etc/shadow"}},
     Code::InvalidArgument,
     "l: hard link to /etc/shadow: path is absolute"},
    {"LinkDotDot",
     {{.name = "l", .type = '1', .link = "../x"}},
     Code::InvalidArgument,
     "hard link to ../x: path contains"},
    {"LinkToNothing",
     {{.name = "l", .type = '1', .link = "x"}, {.name = "x"}},
     Code::InvalidArgument,
     "l: hard link to x, which is not in the archive before it"},
    {"LinkIntoNothing",
     {{.name = "l", .type = '1', .link = "d/x"}},
     Code::InvalidArgument,
     "directory that does not exist"},
    {"LinkToDirectory",
     {{.name = "d/", .type = '5'}, {.name = "l", .type = '1', .link = "d"}},
     Code::InvalidArgument,
     "which is a directory"},
    {"LinkToForgedIndex",
     {{.name = ".astra-index"}, {.name = "l", .type = '1', .link = ".astra-index"}},
     Code::InvalidArgument,
     "not in the archive"},
    {"FileAsParent",
     {{.name = "f"}, {.name = "f/g"}},
     Code::InvalidArgument,
     "member 2: f/g: a parent is not a directory"},
    {"LoopAsParent",
     {{.name = "a", .type = '2', .link = "b"}, {.name = "b", .type = '2', .link = "a"}, {.name = "a/f"}},
     Code::InvalidArgument,
     "too many symbolic links"},
    {"DanglingParent",
     {{.name = "a", .type = '2', .link = "nowhere"}, {.name = "a/f"}},
     Code::InvalidArgument,
     "directory that does not exist"},
    {"EmptySymlink", {{.name = "a", .type = '2'}}, Code::InvalidArgument, "symbolic link's target"},
    {"FileOverFullDirectory",
     {{.name = "d/f"}, {.name = "d"}},
     Code::InvalidArgument,
     "directory that is not empty"},
    {"ReservedDirectory", {{.name = ".astra-index/x"}}, Code::InvalidArgument, "reserved"},
    {"LongName",
     {{.name = "L", .type = 'L', .data = std::string(300, 'n')}, {.name = "n"}},
     Code::InvalidArgument,
     "longer than 255"},
    {"LongPath",
     {{.name = "L",
       .type = 'L',
       .data =
           [] {
               std::string p;
               for (int i = 0; i < 2100; i++) p += "d/";
               return p;
           }()},
      {.name = "n"}},
     Code::InvalidArgument,
     "longer than 4095"},
    {"CutInData",
     {{.name = "f", .data = "x", .claimed_size = 1 << 20}},
     Code::Corrupt,
     "member 2: Truncated"},
    {"HugeSize",
     {{.name = "f", .data = "x", .claimed_size = 077777777777}},
     Code::ResourceExhausted,
     "exceed"},
};
INSTANTIATE_TEST_SUITE_P(Bad, RefuseMember, testing::ValuesIn(kBadMembers),
                         [](const auto& bad) { return bad.param.name; });

TEST_F(Refuse, WhatIsNoTar) {
    EXPECT_THAT(refused("hello, world\n").message, HasSubstr("not a tar archive"));
    EXPECT_THAT(refused(std::string(100'000, 'x')).message, HasSubstr("not a tar archive"));
    EXPECT_THAT(refused("").message, HasSubstr("is empty"));
    shell("echo hello | gzip > " + dir_ / "hello.gz" + "; : | gzip > " + dir_ / "empty.gz");
    EXPECT_THAT(refused_file(dir_ / "hello.gz").message, HasSubstr("not a tar archive"));
    EXPECT_THAT(refused_file(dir_ / "empty.gz").message, HasSubstr("not a tar archive"));
    // Formats of libarchive's that are not ours.
    shell("cd " + dir_.path() +
          " && echo x > f && echo f | cpio -o --quiet -H newc > f.cpio 2>&1 || cp f f.cpio");
    EXPECT_THAT(refused_file(dir_ / "f.cpio").message, HasSubstr("not a tar archive"));
}

TEST_F(Refuse, WhatIsNoFile) {
    Error error = refused_file(dir_.path());
    EXPECT_THAT(error.message, HasSubstr("is a directory"));
    EXPECT_THAT(error.hint, HasSubstr("tar -C"));
    EXPECT_EQ(refused_file(dir_ / "missing.tar").code, Code::NotFound);
}

TEST_F(Refuse, EveryTruncation) {
    std::string tar = raw_tar({{.name = "a", .data = "one"}, {.name = "b", .data = std::string(1000, 'b')}});
    for (usize length = 1; length <= tar.size() - 1024; length += 128)
        EXPECT_NE(refused(tar.substr(0, length)).message, "");
    shell("cd " + dir_.path() +
          " && head -c 300000 /dev/urandom > f && tar -cf whole.tar f && for c in gzip xz zstd;"
          " do $c -c < whole.tar | head -c 150000 > cut.$c; done");
    for (const char* filter : {"gzip", "xz", "zstd"})
        EXPECT_EQ(refused_file(dir_ / ("cut."s + filter)).code, Code::Corrupt) << filter;
}

TEST_F(Refuse, DamagedHeader) {
    std::string tar = raw_tar({{.name = "a", .data = "one"}, {.name = "b", .data = "two"}});
    tar[1024 + 3] ^= 1;  // b's name, so its checksum is wrong
    EXPECT_EQ(refused(tar).code, Code::Corrupt);
}

TEST_F(Refuse, Bombs) {
    shell("truncate -s 400M " + dir_ / "zeros" + " && cd " + dir_.path() +
          " && tar -cf - zeros | zstd -q > zeros.tar.zst"
          " && tar -Scf sparse.tar zeros");
    EXPECT_EQ(refused_file(dir_ / "zeros.tar.zst").code, Code::ResourceExhausted);
    EXPECT_EQ(refused_file(dir_ / "sparse.tar").code, Code::ResourceExhausted);
    options_.limits.entries = 4;
    EXPECT_EQ(refused(raw_tar({{.name = "a/b/c/d/e"}})).code, Code::ResourceExhausted);
    options_.limits = {};
    options_.limits.bytes = 10'000;
    EXPECT_EQ(refused(raw_tar({{.name = "a", .data = std::string(10'001, 'x')}})).code,
              Code::ResourceExhausted);
}

TEST_F(Refuse, AFailedImportLeavesTheOthersAlone) {
    write_file(dir_ / "good.tar", raw_tar({{.name = "f"}}));
    ASSERT_TRUE(import_image(dir_ / "good.tar", options_));
    int before = files_in_store();
    write_file(dir_ / "in.tar", raw_tar({{.name = "../f"}}));
    EXPECT_FALSE(import_image(dir_ / "in.tar", options_));
    EXPECT_EQ(files_in_store(), before);
    // What a killed importer left is removed by the next.
    write_file(options_.store + "/tmp/new.dead", "half an image");
    ASSERT_TRUE(import_image(dir_ / "good.tar", options_));
    EXPECT_FALSE(std::filesystem::exists(options_.store + "/tmp/new.dead"));
}

}  // namespace
}  // namespace astra::test
