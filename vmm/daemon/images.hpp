// The daemon's images: the store by content, and names for what is in it.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "vmm/image/import.hpp"

namespace astra::vmm::daemon {

struct ImageInfo {
    image::ImportedImage image;
    std::vector<std::string> names;
};

/// Thread-safe.
class ImageCatalog {
  public:
    /// Opens (or makes) the store in `folder`. Errors: those of the file system; Corrupt names.
    [[nodiscard]] static Result<std::unique_ptr<ImageCatalog>> open(std::string folder);

    /// Imports the archive that `fd` yields; `name` (unless empty) then means it. `progress` as in
    /// ImportOptions. Errors: import_image()'s; InvalidArgument for an unusable name.
    [[nodiscard]] Result<ImageInfo> import(int fd, const std::string& name,
                                           std::function<void(const image::ImportProgress&)> progress);
    /// By id, a prefix of one that is unique (12 digits or more), or name. Errors: NotFound.
    [[nodiscard]] Result<ImageInfo> find(const std::string& reference) const;
    [[nodiscard]] Result<std::vector<ImageInfo>> list() const;
    /// Removes an image and its names. Errors: find()'s; those of unlink(2).
    [[nodiscard]] Result<void> remove(const std::string& id);
    [[nodiscard]] const std::string& folder() const { return folder_; }

  private:
    explicit ImageCatalog(std::string folder) : folder_(std::move(folder)) {}
    [[nodiscard]] Result<ImageInfo> info(const std::string& id) const;
    [[nodiscard]] std::vector<std::string> ids() const;
    [[nodiscard]] Result<void> save() const;
    const std::string folder_;
    mutable std::mutex mutex_;
    std::map<std::string, std::string> names_;  // name → id
};

/// Whether `name` may name a guest or an image: letters, digits, '.', '_' and '-', beginning with a letter or
/// digit, at most 63 in all. Errors: InvalidArgument.
[[nodiscard]] Result<void> check_name(const std::string& name);

}  // namespace astra::vmm::daemon
