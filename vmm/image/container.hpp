// Container images: which members of an archive are the layers of the one image in it.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "vmm/image/tree.hpp"

namespace astra::vmm::image {

/// A layer of a container image: a tar, plain or compressed, stored as a file of the archive.
struct Layer {
    NodeId file = kRoot;
    std::string sha256;  // of the file as it is stored; empty when the archive does not say
};

/// Reads a small file of the archive.
using ReadFile = std::function<Result<std::string>(NodeId)>;

/// The layers of the image in `archive`, the lowest first: of what `docker save` writes (manifest.json;
/// Docker Image Specification 1.2) or of an OCI image layout (oci-layout and index.json; OCI Image
/// Format 1.1), where linux/amd64 is chosen among platforms. Nothing when the archive is neither, but a root
/// file system itself. Errors: InvalidArgument (several images, another platform), Corrupt (a broken
/// manifest, a missing file).
[[nodiscard]] Result<std::optional<std::vector<Layer>>> find_layers(const Tree& archive,
                                                                    const ReadFile& read);

/// What a layer's member means by its name (OCI Image Format 1.1, "Representing Changes").
enum class Whiteout {
    None,    // an ordinary member
    Remove,  // what lower layers have under `path` goes
    Opaque,  // all that lower layers have in directory `path` goes
    Ignore,  // a storage driver's own affair
};
struct LayerName {
    Whiteout kind;
    std::string path;
};
[[nodiscard]] LayerName layer_name(const std::string& member_path);

}  // namespace astra::vmm::image
