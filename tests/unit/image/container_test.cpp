// Imports of container images: docker save, OCI layouts, layers and whiteouts, and what must be refused.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/image/support.hpp"
#include "vmm/base/sha256.hpp"
#include "vmm/image/import.hpp"

namespace astra::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using vmm::image::import_image;

std::string sha256(std::string_view data) {
    vmm::Sha256 digest;
    digest.update({reinterpret_cast<const u8*>(data.data()), data.size()});
    return *digest.finish();
}

class Container : public testing::Test {
  protected:
    vmm::Result<vmm::image::ImportedImage> import(const std::vector<RawMember>& members) {
        write_file(dir_ / "in.tar", raw_tar(members));
        vmm::image::ImportOptions options;
        options.store = dir_ / "store";
        return import_image(dir_ / "in.tar", options);
    }
    /// What docker save wrote before version 25, of these layers.
    vmm::Result<vmm::image::ImportedImage> docker(const std::vector<std::string>& layers) {
        std::vector<RawMember> members{
            {.name = "abc.json", .data = R"({"architecture":"amd64","os":"linux"})"}};
        std::string list;
        for (usize i = 0; i < layers.size(); i++) {
            members.push_back({.name = fmt::format("{}/layer.tar", i), .data = layers[i]});
            list += fmt::format("{}\"{}/layer.tar\"", i ? "," : "", i);
        }
        members.push_back(
            {.name = "manifest.json",
             .data = R"([{"Config":"abc.json","RepoTags":["x:latest"],"Layers":[)" + list + "]}]"});
        return import(members);
    }
    /// Adds a blob and returns its descriptor.
    std::string blob(std::vector<RawMember>& members, std::string data, const std::string& more = "") {
        std::string digest = sha256(data), size = std::to_string(data.size());
        members.push_back({.name = "blobs/sha256/" + digest, .data = std::move(data)});
        return R"({"mediaType":"x","digest":"sha256:)" + digest + R"(","size":)" + size + more + "}";
    }
    std::string gzip(const std::string& data) {
        write_file(dir_ / "layer", data);
        shell("gzip -nkf " + dir_ / "layer");
        return read_file(dir_ / "layer.gz");
    }
    TempDir dir_;
};

const std::string kBase = raw_tar({{.name = "etc/", .type = '5', .mode = 0755},
                                   {.name = "etc/a", .data = "base a"},
                                   {.name = "etc/b", .data = "base b"},
                                   {.name = "opt/x/deep/file", .data = "x"},
                                   {.name = "opt/y", .data = "y"},
                                   {.name = "var/lib/", .type = '5', .mode = 0755},
                                   {.name = "var/run", .type = '2', .link = "../run"},
                                   {.name = "big", .data = std::string(10000, 'b')},
                                   {.name = "bin/real", .data = "#!"},
                                   {.name = "bin/link", .type = '1', .link = "bin/real"}});

TEST_F(Container, LayersLieOnEachOther) {
    auto image = docker({kBase,
                         raw_tar({{.name = "etc/a", .data = "upper a"},
                                  {.name = "etc/.wh.b"},
                                  {.name = "opt/z", .data = "z"},
                                  {.name = "opt/.wh..wh..opq"},
                                  {.name = ".wh..wh.plnk/", .type = '5'},
                                  {.name = "var/lib", .data = "a file over a directory"},
                                  {.name = "bin/real", .data = "new"}}),
                         raw_tar({{.name = "var/.wh.run"},
                                  {.name = "var/run/", .type = '5', .mode = 0700},
                                  {.name = ".wh.missing"}})});
    ASSERT_TRUE(image) << image.error().message;
    Indexed index(image->path);
    EXPECT_THAT(index.list("/"), ElementsAre("big", "bin", "etc", "opt", "var"));
    EXPECT_THAT(index.list("/etc"), ElementsAre("a"));
    EXPECT_EQ(index.content(*index.find("/etc/a")), "upper a");
    EXPECT_THAT(index.list("/opt"), ElementsAre("z"));
    EXPECT_EQ(index.content(*index.find("/var/lib")), "a file over a directory");
    EXPECT_EQ(index.find("/var/run")->mode & 07777, 0700u);
    EXPECT_EQ(index.content(*index.find("/bin/real")), "new");
    EXPECT_EQ(index.content(*index.find("/bin/link")), "#!");
    EXPECT_EQ(index.content(*index.find("/big")), std::string(10000, 'b'));
}

TEST_F(Container, FullDirectoriesGiveWayToFiles) {
    auto image = docker({kBase, raw_tar({{.name = "opt", .type = '2', .link = "usr"}})});
    ASSERT_TRUE(image) << image.error().message;
    Indexed index(image->path);
    EXPECT_EQ(index.content(*index.find("/opt")), "usr");
    EXPECT_EQ(image->inodes, 11u);  // root, etc, a, b, opt, var, lib, run, big, bin, real
}

TEST_F(Container, OciLayout) {
    std::vector<RawMember> members{{.name = "oci-layout", .data = R"({"imageLayoutVersion":"1.0.0"})"}};
    std::string layers = blob(members, gzip(kBase)) + "," + blob(members, raw_tar({{.name = "etc/.wh.a"}}));
    std::string config = blob(members, R"({"architecture":"amd64","os":"linux"})");
    std::string manifest =
        blob(members, R"({"schemaVersion":2,"config":)" + config + R"(,"layers":[)" + layers + "]}",
             R"(,"platform":{"architecture":"amd64","os":"linux"})");
    std::string other =
        R"({"mediaType":"x","digest":"sha256:00","size":1,"platform":{"architecture":"arm64","os":"linux"}})";
    std::string inner = blob(members, R"({"schemaVersion":2,"manifests":[)" + other + "," + manifest + "]}");
    members.push_back({.name = "index.json", .data = R"({"schemaVersion":2,"manifests":[)" + inner + "]}"});
    auto image = import(members);
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_THAT(Indexed(image->path).list("/etc"), ElementsAre("b"));

    // A blob whose content is not what its name says.
    for (RawMember& member : members)
        if (member.name.starts_with("blobs/") && member.data.starts_with("\x1f\x8b")) member.data.back() ^= 1;
    image = import(members);
    ASSERT_FALSE(image);
    EXPECT_THAT(image.error().message, HasSubstr("has another content"));
}

TEST_F(Container, PlainFileSystemsMayHaveManifests) {
    auto image = import({{.name = "manifest.json", .data = R"({"name":"an app's own"})"},
                         {.name = "index.json", .data = "{}"}});
    ASSERT_TRUE(image) << image.error().message;
    EXPECT_THAT(Indexed(image->path).list("/"), ElementsAre("index.json", "manifest.json"));
}

TEST_F(Container, Refused) {
    auto message = [&](const std::vector<RawMember>& members) {
        auto image = import(members);
        return image ? "accepted" : image.error().message;
    };
    EXPECT_THAT(message({{.name = "manifest.json", .data = R"([{"Layers":["a"]},{"Layers":["b"]}])"}}),
                HasSubstr("several images"));
    EXPECT_THAT(message({{.name = "manifest.json", .data = R"([{"Layers":["a/layer.tar"]}])"}}),
                HasSubstr("layer a/layer.tar is not in the archive"));
    EXPECT_THAT(message({{.name = "manifest.json", .data = R"([{"Layers":[1]}])"}}),
                HasSubstr("names no layer"));
    EXPECT_THAT(message({{.name = "manifest.json", .data = R"([{"Layers":{}}])"}}),
                HasSubstr("no list of layers"));
    EXPECT_THAT(message({{.name = "manifest.json", .data = R"([{"Config":"c","Layers":[]}])"},
                         {.name = "c", .data = R"({"architecture":"arm64","os":"linux"})"}}),
                HasSubstr("it is for linux/arm64"));
    EXPECT_THAT(message({{.name = "manifest.json", .data = R"([{"Layers":["l"]}])"},
                         {.name = "l", .data = "no tar"}}),
                HasSubstr("layer 1: "));
    std::vector<RawMember> oci{{.name = "oci-layout", .data = "{}"},
                               {.name = "index.json", .data = R"({"manifests":[]})"}};
    EXPECT_THAT(message(oci), HasSubstr("none for linux/amd64"));
    oci[1].data = R"({"manifests":[{"digest":"sha256:../../etc/passwd"}]})";
    EXPECT_THAT(message(oci), HasSubstr("is not a sha256 digest"));
    oci[1].data = R"({"manifests":[{"digest":"sha256:)" + std::string(64, '0') + R"("}]})";
    EXPECT_THAT(message(oci), HasSubstr("is not in the archive"));
    oci[1].data = "nonsense";
    EXPECT_THAT(message(oci), HasSubstr("is not valid JSON"));
}

}  // namespace
}  // namespace astra::test
