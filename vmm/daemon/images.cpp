// Names beside the image store.
#include "vmm/daemon/images.hpp"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "vmm/base/durable_file.hpp"
#include "vmm/image/store.hpp"

namespace astra::vmm::daemon {
namespace {

constexpr usize kIdLength = 64;
constexpr usize kMinPrefix = 12;
constexpr usize kMaxName = 63;

}  // namespace

Result<void> check_name(const std::string& name) {
    auto alphanumeric = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    bool good = !name.empty() && name.size() <= kMaxName && alphanumeric(name[0]) &&
                std::ranges::all_of(
                    name, [&](char c) { return alphanumeric(c) || c == '.' || c == '_' || c == '-'; });
    if (good) return {};
    return fail(Code::InvalidArgument, "'" + name + "' is not a name",
                "letters, digits, '.', '_' and '-', at most 63, the first a letter or digit", "BAD_NAME");
}

Result<std::unique_ptr<ImageCatalog>> ImageCatalog::open(std::string folder) {
    TRY(image::Store::open(folder));
    std::unique_ptr<ImageCatalog> catalog(new ImageCatalog(std::move(folder)));
    auto text = read_file(catalog->folder_ + "/names.json");
    if (!text && text.error().code == Code::NotFound) return catalog;
    if (!text) return std::unexpected(text.error());
    try {
        nlohmann::json::parse(*text).get_to(catalog->names_);
    } catch (const std::exception& error) {
        return fail(Code::Corrupt, catalog->folder_ + "/names.json: " + error.what(),
                    "move the file away: images are then known by their ids alone");
    }
    return catalog;
}

Result<void> ImageCatalog::save() const {
    return write_durably(folder_ + "/names.json", nlohmann::json(names_).dump(2) + "\n");
}

Result<ImageInfo> ImageCatalog::import(int fd, const std::string& name,
                                       std::function<void(const image::ImportProgress&)> progress) {
    if (!name.empty()) TRY(check_name(name));
    image::ImportOptions options;
    options.progress = std::move(progress);
    options.store = folder_;
    options.use_cache = false;
    auto imported = image::import_image("/proc/self/fd/" + std::to_string(fd), options);
    if (!imported) {
        // The descriptor's number means nothing to whoever sent the archive.
        auto& message = imported.error().message;
        if (usize colon = message.find(": "); message.starts_with("/proc/") && colon != message.npos)
            message = "the archive: " + message.substr(colon + 2);
        return std::unexpected(imported.error());
    }
    std::lock_guard lock(mutex_);
    if (!name.empty()) {
        names_[name] = imported->sha256;
        TRY(save());
    }
    return info(imported->sha256);
}

Result<ImageInfo> ImageCatalog::info(const std::string& id) const {
    auto store = TRY(image::Store::open(folder_));
    ImageInfo info{.image = TRY(store.find(id)), .names = {}};
    for (const auto& [name, named] : names_)
        if (named == id) info.names.push_back(name);
    return info;
}

std::vector<std::string> ImageCatalog::ids() const {
    std::vector<std::string> ids;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder_, error))
        if (entry.path().extension() == ".tar" && entry.path().stem().string().size() == kIdLength)
            ids.push_back(entry.path().stem());
    std::ranges::sort(ids);
    return ids;
}

Result<ImageInfo> ImageCatalog::find(const std::string& reference) const {
    std::lock_guard lock(mutex_);
    if (auto named = names_.find(reference); named != names_.end()) return info(named->second);
    std::vector<std::string> matches;
    if (reference.size() >= kMinPrefix)
        for (std::string& id : ids())
            if (id.starts_with(reference)) matches.push_back(std::move(id));
    if (matches.size() == 1) return info(matches.front());
    return fail(Code::NotFound,
                matches.empty() ? "there is no image '" + reference + "'"
                                : "'" + reference + "' begins the ids of several images",
                "astra image list shows what there is", "IMAGE_NOT_FOUND");
}

Result<std::vector<ImageInfo>> ImageCatalog::list() const {
    std::lock_guard lock(mutex_);
    std::vector<ImageInfo> images;
    for (const std::string& id : ids()) images.push_back(TRY(info(id)));
    return images;
}

Result<void> ImageCatalog::remove(const std::string& id) {
    std::lock_guard lock(mutex_);
    std::erase_if(names_, [&](const auto& entry) { return entry.second == id; });
    TRY(save());
    std::string path = folder_ + "/" + id + ".tar";
    if (::unlink(path.c_str()) < 0) return fail_errno(path);
    return {};
}

}  // namespace astra::vmm::daemon
