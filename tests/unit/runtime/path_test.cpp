// Paths as Rust's std::path documents them.
#include "guest_runtime/path/path.hpp"

#include <gtest/gtest.h>

#include "guest_runtime/os/panic.hpp"

namespace astra::path {
namespace {

std::string list(std::string_view path) {
    std::string all;
    Components c(path);
    while (auto name = c.next()) all += std::string(*name) + "|";
    return all;
}
std::string text(io::Result<String> result) { return std::string(unwrap(std::move(result)).view()); }

TEST(Path, Components) {
    EXPECT_EQ(list("/tmp//foo/./bar/"), "/|tmp|foo|bar|");
    EXPECT_EQ(list("./a/../b"), ".|a|..|b|");
    EXPECT_EQ(list(""), "");
    EXPECT_EQ(list("///"), "/|");
}

TEST(Path, Parts) {
    EXPECT_EQ(file_name("/usr/bin/"), "bin");
    EXPECT_EQ(file_name("tmp/foo.txt"), "foo.txt");
    EXPECT_EQ(file_name("foo.txt/."), "foo.txt");
    EXPECT_EQ(file_name("foo.txt/.."), std::nullopt);
    EXPECT_EQ(file_name("/"), std::nullopt);
    EXPECT_EQ(parent("/foo/bar"), "/foo");
    EXPECT_EQ(parent("/foo"), "/");
    EXPECT_EQ(parent("/"), std::nullopt);
    EXPECT_EQ(parent("foo"), "");
    EXPECT_EQ(parent("a//b/"), "a");
    EXPECT_EQ(parent(""), std::nullopt);
    EXPECT_EQ(file_stem("foo.tar.gz"), "foo.tar");
    EXPECT_EQ(file_stem(".profile"), ".profile");
    EXPECT_EQ(extension("foo.tar.gz"), "gz");
    EXPECT_EQ(extension(".profile"), std::nullopt);
    EXPECT_EQ(extension("a."), "");
}

TEST(Path, Comparison) {
    EXPECT_TRUE(starts_with("/etc/passwd", "/etc/"));
    EXPECT_FALSE(starts_with("/etc/passwd", "/e"));
    EXPECT_TRUE(equal("/a//b/", "/a/b"));
    EXPECT_FALSE(equal("/a/b", "a/b"));
}

TEST(Path, PuttingTogether) {
    EXPECT_EQ(text(join("/etc", "passwd")), "/etc/passwd");
    EXPECT_EQ(text(join("/etc/", "/bin/sh")), "/bin/sh");
    EXPECT_EQ(text(join("", "x")), "x");
    EXPECT_EQ(text(with_extension("/a/foo.rs", "txt")), "/a/foo.txt");
    EXPECT_EQ(text(with_extension("foo", "")), "foo");
    EXPECT_EQ(text(with_file_name("/tmp/foo.txt", "bar")), "/tmp/bar");
    EXPECT_EQ(text(normalize("/a/./b//../c/")), "/a/c");
    EXPECT_EQ(text(normalize("/../x")), "/x");
    EXPECT_EQ(text(normalize("a/../..")), "..");
    EXPECT_EQ(text(normalize("a/..")), ".");
}

}  // namespace
}  // namespace astra::path
