// Imports of good archives: what the image holds, and that other programs read it as a tar.
#include "vmm/image/import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/image/support.hpp"

namespace astra::test {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using vmm::image::import_image;
using vmm::image::ImportedImage;
using vmm::image::ImportOptions;

class Import : public testing::Test {
  protected:
    /// Imports an archive with that content; the test fails if it is refused.
    ImportedImage import(std::string_view archive) {
        write_file(dir_ / "in.tar", archive);
        return import_file(dir_ / "in.tar");
    }
    ImportedImage import_file(const std::string& path) {
        auto image = import_image(path, options());
        if (!image) throw std::runtime_error(image.error().message);
        return *image;
    }
    [[nodiscard]] ImportOptions options() const {
        ImportOptions options;
        options.store = dir_ / "store";
        return options;
    }
    TempDir dir_;
};

std::string bytes(usize count, unsigned seed) {
    std::string out(count, '\0');
    for (char& c : out) c = static_cast<char>((seed = seed * 1103515245 + 12345) >> 16);
    return out;
}

TEST_F(Import, IndexFindsWhatTheArchiveHolds) {
    auto image =
        import(raw_tar({{.name = "bin/", .type = '5', .mode = 0750},
                        {.name = "bin/sh", .data = "#!", .mode = 04755},
                        {.name = "bin/ash", .type = '2', .link = "sh"},
                        {.name = "dev/null", .type = '3', .mode = 0666, .device_major = 1, .device_minor = 3},
                        {.name = "run/fifo", .type = '6'},
                        {.name = "empty"}}));
    Indexed index(image.path);
    EXPECT_EQ(image.inodes, 9u);  // root, bin, sh, ash, dev, null, run, fifo, empty
    EXPECT_EQ(index.header().inodes, 9u);
    EXPECT_THAT(index.list("/"), ElementsAre("bin", "dev", "empty", "run"));
    EXPECT_THAT(index.list("/bin"), ElementsAre("ash", "sh"));
    EXPECT_EQ(index.find("/bin")->mode, S_IFDIR | 0750u);
    EXPECT_EQ(index.find("/bin")->links, 2u);
    EXPECT_EQ(index.find("/")->links, 5u);
    EXPECT_EQ(index.find("/dev")->mode, S_IFDIR | 0755u);
    EXPECT_EQ(index.find("/bin/sh")->mode, S_IFREG | 04755u);
    EXPECT_EQ(index.content(*index.find("/bin/sh")), "#!");
    EXPECT_EQ(index.find("/bin/sh")->mtime_sec, 1'700'000'000);
    EXPECT_EQ(index.find("/bin/ash")->mode & S_IFMT, static_cast<u32>(S_IFLNK));
    EXPECT_EQ(index.content(*index.find("/bin/ash")), "sh");
    EXPECT_EQ(index.find("/dev/null")->rdev, 1u << 20 | 3);
    EXPECT_EQ(index.find("/run/fifo")->mode & S_IFMT, static_cast<u32>(S_IFIFO));
    EXPECT_EQ(index.find("/empty")->size, 0u);
    EXPECT_FALSE(index.find("/bin/bash"));
}

TEST_F(Import, LargeFilesStartOnPages) {
    std::vector<RawMember> members;
    for (usize size : {0, 1, 4095, 4096, 4097, 3584, 8192, 100'000, 3 << 20})
        for (const char* suffix : {"a", "b"})
            members.push_back({.name = std::to_string(size) + suffix,
                               .data = bytes(size, static_cast<unsigned>(size) + *suffix)});
    auto image = import(raw_tar(members));
    Indexed index(image.path);
    for (const RawMember& member : members) {
        auto inode = index.find(member.name);
        ASSERT_TRUE(inode) << member.name;
        EXPECT_EQ(index.content(*inode), member.data) << member.name;
        if (inode->size >= kPageSize) {
            EXPECT_TRUE(is_aligned(inode->data_offset, kPageSize)) << member.name;
        }
    }
    EXPECT_TRUE(is_aligned(image.bytes, kPageSize));
    EXPECT_EQ(image.bytes, read_file(image.path).size());
}

TEST_F(Import, TarBusyboxAndPythonReadTheImageSilently) {
    std::string deep =
        "usr/lib/" + std::string(80, 'd') + "/" + std::string(60, 'e');         // needs ustar's prefix
    std::string longest = std::string(120, 'n') + "/" + std::string(200, 'm');  // needs GNU's long name
    shell(
        "mkdir -p " + dir_ / "t/bin" + " && cd " + dir_ / "t" +
        " && head -c 5000 /dev/urandom > bin/big && echo small > bin/small && ln bin/big bin/big2 && ln -s " +
        longest + " link && mkdir -p " + deep + " " + longest + " && echo deep > " + deep +
        "/f && echo long > " + longest + "/f && ln " + longest +
        "/f other && echo ü > bin/ü && chmod 750 bin && touch -d '2021-02-03 04:05:06.789' bin/small");
    shell("tar -C " + dir_ / "t" + " --sort=name --format=posix -cf " + dir_ / "in.tar" + " .");
    auto image = import_file(dir_ / "in.tar");
    EXPECT_EQ(shell("tar -tf " + image.path + " | grep -c bin/big"), "2\n");
    for (std::string tar : {"tar", "busybox tar", "bsdtar"}) {
        if (shell("command -v " + tar.substr(0, tar.find(' ')) + " || true").empty()) continue;
        EXPECT_EQ(
            shell("cd " + dir_.path() + " && rm -rf x && mkdir x && " + tar + " -xf " + image.path + " -C x"),
            "")
            << tar;
        EXPECT_EQ(shell("cd " + dir_.path() +
                        " && rm x/.astra-index && diff -r t x && find x -name f | xargs cat | sort"),
                  "deep\nlong\n")
            << tar;
        EXPECT_EQ(shell("cd " + dir_.path() + " && stat -c '%a %h %Y %n' x/bin x/bin/big x/bin/small"),
                  shell("cd " + dir_.path() +
                        " && ln -sfn t u && cd u && stat -c '%a %h %Y x/%n' bin bin/big bin/small"))
            << tar;
    }
    EXPECT_EQ(shell("cd " + dir_.path() +
                    " && /usr/bin/python3 -c 'import tarfile,sys; t=tarfile.open(sys.argv[1]);"
                    "m=t.getmembers(); print(m[0].name, t.extractfile(\"other\").read(), "
                    "t.getmember(\"bin/small\").mtime)' " +
                    image.path),
              ".astra-index b'long\\n' 1612325106.789\n");
    Indexed index(image.path);
    EXPECT_EQ(index.content(*index.find("/" + longest + "/f")), "long\n");
    EXPECT_EQ(index.find("/bin/small")->mtime_nsec, 789'000'000u);
    EXPECT_EQ(index.number("/bin/big"), index.number("/bin/big2"));
    EXPECT_TRUE(index.find("/bin/ü"));
}

TEST_F(Import, ImageOfAnImageIsTheSame) {
    shell("cd " + dir_.path() +
          " && mkdir -p t/a/b && seq 3000 > t/a/f && ln t/a/f t/a/b/g && ln -s f t/a/s && touch t/z t/a/e");
    shell("tar -C " + dir_ / "t" + " -cf " + dir_ / "in.tar" + " z a");
    auto first = import_file(dir_ / "in.tar");
    auto second = import_file(first.path);
    EXPECT_EQ(first.sha256, second.sha256);
    EXPECT_EQ(shell("sha256sum < " + first.path).substr(0, 64), first.sha256);
}

TEST_F(Import, CompressedGivesTheSameImage) {
    std::string tar =
        raw_tar({{.name = "f", .data = bytes(50'000, 1)}, {.name = "g", .data = std::string(90'000, 'x')}});
    auto plain = import(tar);
    for (const char* filter : {"gzip", "xz", "zstd"}) {
        shell("cd "s + dir_.path() + " && rm -f in.tar.c && " + filter + " -c < in.tar > in.tar.c");
        auto image = import_file(dir_ / "in.tar.c");
        EXPECT_EQ(image.sha256, plain.sha256) << filter;
    }
    shell("mkfifo " + dir_ / "pipe");
    if (pid_t child = ::fork(); child == 0) {
        write_file(dir_ / "pipe", tar);
        ::_exit(0);
    }
    EXPECT_EQ(import_file(dir_ / "pipe").sha256, plain.sha256);
    ::wait(nullptr);
}

TEST_F(Import, ForgedIndexIsIgnored) {
    std::string forged(4096, 'F');
    auto image = import(raw_tar({{.name = ".astra-index", .data = forged},
                                 {.name = "./.astra-index", .type = '2', .link = "f"},
                                 {.name = "dot", .type = '2', .link = "."},
                                 {.name = "dot/.astra-index", .data = forged},
                                 {.name = "f", .data = "x"}}));
    Indexed index(image.path);
    EXPECT_THAT(index.list("/"), ElementsAre("dot", "f"));
    EXPECT_EQ(read_file(image.path).find(forged), std::string::npos);
}

TEST_F(Import, SparseFilesAreWhole) {
    shell("cd " + dir_.path() +
          " && truncate -s 1M s && printf mid | dd of=s bs=1 seek=500000 conv=notrunc status=none"
          " && touch -d @1 s && for f in gnu posix; do tar --format=$f -Scf $f.tar s; done");
    for (const char* name : {"gnu.tar", "posix.tar"}) {
        Indexed index(import_file(dir_ / name).path);
        EXPECT_EQ(index.content(*index.find("/s")), read_file(dir_ / "s")) << name;
    }
}

TEST_F(Import, SameFileAgainIsAnsweredFromTheStore) {
    write_file(dir_ / "in.tar", raw_tar({{.name = "f", .data = bytes(5000, 7)}}));
    ::usleep(50'000);  // time stamps of a file just written cannot be trusted
    auto first = import_file(dir_ / "in.tar");
    int calls = 0;
    auto options = this->options();
    options.progress = [&](const vmm::image::ImportProgress&) { calls++; };
    auto second = import_image(dir_ / "in.tar", options);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->sha256, first.sha256);
    EXPECT_EQ(second->bytes, first.bytes);
    EXPECT_EQ(second->inodes, first.inodes);
    EXPECT_EQ(calls, 0);
    // Other content of the same length under the same name is noticed, and so is a lost image.
    write_file(dir_ / "in.tar", raw_tar({{.name = "f", .data = bytes(5000, 8)}}));
    EXPECT_NE(import_file(dir_ / "in.tar").sha256, first.sha256);
    ::usleep(50'000);
    auto third = import_file(dir_ / "in.tar");
    ::unlink(third.path.c_str());
    EXPECT_EQ(import_file(dir_ / "in.tar").sha256, third.sha256);
    EXPECT_EQ(::access(third.path.c_str(), R_OK), 0);
}

TEST_F(Import, ReportsProgress) {
    std::string stages;
    auto options = this->options();
    options.progress = [&](const vmm::image::ImportProgress& p) {
        EXPECT_TRUE(p.total == 0 || p.done <= p.total) << p.stage;
        if (!stages.ends_with(p.stage + "."s)) stages += p.stage + "."s;
    };
    write_file(dir_ / "in.tar", raw_tar({{.name = "f", .data = bytes(30 << 20, 7)}}));
    shell("zstd -q " + dir_ / "in.tar");
    ASSERT_TRUE(import_image(dir_ / "in.tar.zst", options));
    EXPECT_EQ(stages, "decompressing.scanning.writing.");
}

}  // namespace
}  // namespace astra::test
