// Manifests of docker save and of OCI image layouts.
#include "vmm/image/container.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "vmm/image/path.hpp"

namespace astra::vmm::image {

namespace {

using nlohmann::json;

constexpr char kOs[] = "linux";
constexpr char kArchitecture[] = "amd64";
constexpr int kMaxIndexes = 4;  // an index of an index of …

std::unexpected<Error> broken(const std::string& what) {
    return fail(Code::Corrupt, "container image: " + what, "save or download the image again");
}

/// A member of an object as a string; empty when it is not there or no string.
std::string text_of(const json& object, const char* key) {
    auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

class Finder {
  public:
    Finder(const Tree& archive, const ReadFile& read) : archive_(archive), read_(read) {}

    Result<std::optional<std::vector<Layer>>> find() {
        if (auto file = regular("manifest.json")) {
            json manifest = json::parse(TRY(read_(*file)), nullptr, false);
            if (manifest.is_array() && !manifest.empty() && manifest[0].contains("Layers"))
                return docker(manifest);
        }
        if (!regular("oci-layout") || !regular("index.json")) return std::nullopt;
        return oci(TRY(parsed("index.json")), kMaxIndexes);
    }

  private:
    [[nodiscard]] std::optional<NodeId> regular(const std::string& path) const {
        auto node = archive_.find(path);
        return node && archive_.node(*node).meta.kind == Kind::Regular ? node : std::nullopt;
    }

    Result<json> parsed(const std::string& path) {
        auto file = regular(path);
        if (!file) return broken(printable(path) + " is not in the archive");
        json value = json::parse(TRY(read_(*file)), nullptr, false);
        if (!value.is_object()) return broken(printable(path) + " is not valid JSON");
        return value;
    }

    Result<Layer> layer_at(const std::string& path) {
        auto file = regular(path);
        if (!file) return broken("layer " + printable(path) + " is not in the archive");
        constexpr std::string_view kBlobs = "blobs/sha256/";
        return Layer{.file = *file, .sha256 = path.starts_with(kBlobs) ? path.substr(kBlobs.size()) : ""};
    }

    static Result<std::string> blob_path(const json& descriptor) {
        std::string digest = text_of(descriptor, "digest");
        constexpr std::string_view kAlgorithm = "sha256:";
        if (!digest.starts_with(kAlgorithm) || digest.size() != kAlgorithm.size() + 64 ||
            digest.find_first_not_of("0123456789abcdef", kAlgorithm.size()) != std::string::npos)
            return broken("'" + printable(digest) + "' is not a sha256 digest");
        return "blobs/sha256/" + digest.substr(kAlgorithm.size());
    }

    static Result<void> check_platform(const json& config) {
        std::string os = text_of(config, "os"), architecture = text_of(config, "architecture");
        if ((os.empty() || os == kOs) && (architecture.empty() || architecture == kArchitecture)) return {};
        return fail(Code::InvalidArgument, "container image: it is for " + printable(os + "/" + architecture),
                    "save the linux/amd64 variant of the image");
    }

    Result<std::optional<std::vector<Layer>>> docker(const json& manifest) {
        if (manifest.size() > 1)
            return fail(Code::InvalidArgument, "container image: the archive holds several images",
                        "save them one by one");
        const json& image = manifest[0];
        if (std::string config = text_of(image, "Config"); !config.empty())
            TRY(check_platform(TRY(parsed(config))));
        if (!image["Layers"].is_array()) return broken("manifest.json has no list of layers");
        std::vector<Layer> layers;
        for (const json& path : image["Layers"]) {
            if (!path.is_string()) return broken("manifest.json names no layer");
            layers.push_back(TRY(layer_at(path.get<std::string>())));
        }
        return layers;
    }

    Result<std::optional<std::vector<Layer>>> oci(const json& index, int depth) {
        auto manifests = index.find("manifests");
        if (manifests == index.end() || !manifests->is_array()) return broken("an index without manifests");
        const json* chosen = nullptr;
        for (const json& descriptor : *manifests) {
            json platform = descriptor.is_object() ? descriptor.value("platform", json::object()) : json();
            // Attestations say unknown/unknown.
            if (!check_platform(platform)) continue;
            if (chosen)
                return fail(Code::InvalidArgument, "container image: the archive holds several images",
                            "save them one by one");
            chosen = &descriptor;
        }
        if (!chosen)
            return fail(Code::InvalidArgument, "container image: the archive has none for linux/amd64",
                        "save the linux/amd64 variant of the image");
        json manifest = TRY(parsed(TRY(blob_path(*chosen))));
        if (manifest.contains("manifests")) {
            if (depth == 0) return broken("indexes are nested too deeply");
            return oci(manifest, depth - 1);
        }
        if (manifest.contains("config")) TRY(check_platform(TRY(parsed(TRY(blob_path(manifest["config"]))))));
        auto list = manifest.find("layers");
        if (list == manifest.end() || !list->is_array()) return broken("a manifest without layers");
        std::vector<Layer> layers;
        for (const json& descriptor : *list) layers.push_back(TRY(layer_at(TRY(blob_path(descriptor)))));
        return layers;
    }

    const Tree& archive_;
    const ReadFile& read_;
};

}  // namespace

Result<std::optional<std::vector<Layer>>> find_layers(const Tree& archive, const ReadFile& read) {
    return Finder(archive, read).find();
}

LayerName layer_name(const std::string& member_path) {
    constexpr std::string_view kPrefix = ".wh.", kDriver = ".wh..wh.", kOpaque = ".wh..wh..opq";
    usize end = member_path.find_last_not_of('/');
    std::string path = member_path.substr(0, end == std::string::npos ? 0 : end + 1);
    usize slash = path.rfind('/');
    std::string directory = slash == std::string::npos ? "" : path.substr(0, slash + 1);
    std::string_view name = std::string_view(path).substr(directory.size());
    if (!name.starts_with(kPrefix)) return {Whiteout::None, member_path};
    if (name == kOpaque) return {Whiteout::Opaque, directory.empty() ? "." : directory};
    if (name.starts_with(kDriver)) return {Whiteout::Ignore, ""};
    return {Whiteout::Remove, directory + std::string(name.substr(kPrefix.size()))};
}

}  // namespace astra::vmm::image
