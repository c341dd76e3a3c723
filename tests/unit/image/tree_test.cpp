// Duplicates, links and parents: what is left is what extraction would have left. GNU tar is the oracle where
// it runs.
#include "vmm/image/tree.hpp"

#include <gtest/gtest.h>

#include "tests/unit/image/support.hpp"

namespace astra::test {
namespace {

class Extraction : public testing::TestWithParam<std::vector<RawMember>> {};

/// Lists a tree as lines "path type links content".
std::string listing(const std::string& directory) {
    return shell("cd " + directory +
                 " && find . -mindepth 1 ! -name .astra-index -printf '%P %y %n %m ' "
                 "\\( -type l -printf '%l\\n' -o -type f -exec cat {} \\; -printf '\\n' -o -printf '\\n' \\) "
                 "| LC_ALL=C sort");
}

// The image, extracted, equals the archive, extracted.
TEST_P(Extraction, EqualsTar) {
    TempDir dir;
    write_file(dir / "in.tar", raw_tar(GetParam()));
    vmm::image::ImportOptions options;
    options.store = dir / "store";
    auto image = vmm::image::import_image(dir / "in.tar", options);
    ASSERT_TRUE(image) << image.error().message;
    shell("cd " + dir.path() +
          " && umask 022 && mkdir want got && tar -C want -xf in.tar && tar -C got -xf " + image->path);
    std::string want = listing(dir / "want");
    EXPECT_EQ(listing(dir / "got"), want);
    EXPECT_NE(want, "");
}

INSTANTIATE_TEST_SUITE_P(Cases, Extraction,
                         testing::Values(
                             // A later file wins; its mode too.
                             std::vector<RawMember>{{.name = "f", .data = "old"},
                                                    {.name = "./f", .data = "new", .mode = 0600}},
                             // A name linked to the old file keeps it.
                             std::vector<RawMember>{{.name = "f", .data = "old"},
                                                    {.name = "l", .type = '1', .link = "./f"},
                                                    {.name = "f", .data = "new"}},
                             // The first name vanishes, later links carry the data.
                             std::vector<RawMember>{{.name = "f", .data = "data"},
                                                    {.name = "m", .type = '1', .link = "f"},
                                                    {.name = "n", .type = '1', .link = "m"},
                                                    {.name = "f", .type = '2', .link = "n"}},
                             // A link over another file, and onto itself.
                             std::vector<RawMember>{{.name = "f", .data = "1"},
                                                    {.name = "g", .data = "2"},
                                                    {.name = "g", .type = '1', .link = "f"},
                                                    {.name = "g", .type = '1', .link = "f"}},
                             // A hard link to a symbolic link.
                             std::vector<RawMember>{{.name = "s", .type = '2', .link = "nowhere"},
                                                    {.name = "t", .type = '1', .link = "s"}},
                             // Directories: metadata of the last, contents of all; implied parents.
                             std::vector<RawMember>{{.name = "d/e/f", .data = "1"},
                                                    {.name = "d/", .type = '5', .mode = 0700},
                                                    {.name = "d/g", .data = "2"},
                                                    {.name = "d/", .type = '5', .mode = 0711}},
                             // A file over an empty directory, a directory over a file and over a link.
                             std::vector<RawMember>{{.name = "a/", .type = '5', .mode = 0755},
                                                    {.name = "a", .data = "file"},
                                                    {.name = "b"},
                                                    {.name = "b/", .type = '5', .mode = 0755},
                                                    {.name = "b/c", .data = "x"}},
                             std::vector<RawMember>{{.name = "real/", .type = '5', .mode = 0755},
                                                    {.name = "l", .type = '2', .link = "real"},
                                                    {.name = "l/", .type = '5', .mode = 0755},
                                                    {.name = "l/f", .data = "in l"}},
                             // Names under a link to a directory land behind it.
                             std::vector<RawMember>{{.name = "usr/lib/", .type = '5', .mode = 0755},
                                                    {.name = "lib", .type = '2', .link = "usr/lib"},
                                                    {.name = "lib/libc.so", .data = "elf"},
                                                    {.name = "k", .type = '1', .link = "lib/libc.so"}},
                             // Slashes and dots.
                             std::vector<RawMember>{{.name = "./", .type = '5', .mode = 0755},
                                                    {.name = ".//a/./b//c", .data = "x"}}));

vmm::image::Member link_to(std::string path, std::string target) {
    vmm::image::Member member;
    member.path = std::move(path);
    member.kind = vmm::image::Kind::Symlink;
    member.target = std::move(target);
    return member;
}

TEST(Tree, LinksOutOfTheRootStayInIt) {
    vmm::image::Tree tree(100);
    vmm::image::Member directory, file;
    directory.path = "real";
    directory.kind = vmm::image::Kind::Directory;
    file.path = "out/f";
    ASSERT_TRUE(tree.add(directory, 0));
    ASSERT_TRUE(tree.add(link_to("out", "../../../real/../../real"), 1));
    ASSERT_TRUE(tree.add(file, 2));
    file.path = "abs/g";
    ASSERT_TRUE(tree.add(link_to("abs", "/real"), 3));
    ASSERT_TRUE(tree.add(file, 4));
    const auto& real = tree.node(tree.node(vmm::image::kRoot).children.at("real"));
    EXPECT_EQ(real.children.size(), 2u);
}

TEST(Tree, LinksCannotMakePathsWithoutEnd) {
    vmm::image::Tree tree(1'000'000);
    vmm::image::Member file;
    std::string deep;
    for (int i = 0; i < 20; i++) deep += std::string(100, 'd') + "/";
    file.path = deep + "f";
    ASSERT_TRUE(tree.add(file, 0));
    ASSERT_TRUE(tree.add(link_to("s", deep), 1));
    file.path = "s/" + deep + "f";
    ASSERT_TRUE(tree.add(file, 2));
    ASSERT_TRUE(tree.add(link_to("t", "s/" + deep), 3));
    file.path = "t/" + deep + "f";
    auto result = tree.add(file, 4);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("longer than 4095"), std::string::npos);
}

}  // namespace
}  // namespace astra::test
