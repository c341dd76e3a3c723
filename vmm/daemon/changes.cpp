// What a guest has changed: its tree beside that of the image it was started from.
#include <sys/stat.h>

#include <cstring>
#include <set>

#include "guest_kernel/abi/image.hpp"
#include "vmm/base/mapped_file.hpp"
#include "vmm/daemon/file_transfer.hpp"
#include "vmm/daemon/tar_stream.hpp"

namespace astra::vmm::daemon {
namespace {

/// The names in an image's index.
class ImageNames {
  public:
    /// `bytes` is the whole image. Errors: Corrupt.
    static Result<ImageNames> open(std::span<const u8> bytes) {
        ImageNames names(bytes);
        const auto& header = names.header_;
        if (bytes.size() < abi::image::kIndexOffset + sizeof header) return damaged();
        std::memcpy(&names.header_, bytes.data() + abi::image::kIndexOffset, sizeof header);
        names.inodes_ = abi::image::kIndexOffset + sizeof header;
        names.entries_ = names.inodes_ + u64{header.inodes} * sizeof(abi::image::Inode);
        names.strings_ = names.entries_ + u64{header.entries} * sizeof(abi::image::Entry) +
                         u64{header.hash_slots} * sizeof(abi::image::Hash);
        bool fits = names.strings_ <= bytes.size() && header.strings_bytes <= bytes.size() - names.strings_;
        if (header.magic != abi::image::kMagic || header.inodes == 0 || !fits) return damaged();
        return names;
    }
    /// A directory's names and their inodes. Errors: Corrupt.
    Result<std::map<std::string, u32>> list(u32 directory) const {
        std::map<std::string, u32> names;
        if (directory >= header_.inodes) return damaged();
        auto inode = load<abi::image::Inode>(inodes_, directory);
        if (u64{inode.first_entry} + inode.entry_count > header_.entries) return damaged();
        for (u32 i = 0; i < inode.entry_count; i++) {
            auto entry = load<abi::image::Entry>(entries_, inode.first_entry + i);
            if (u64{entry.name_offset} + entry.name_length > header_.strings_bytes) return damaged();
            auto* at = reinterpret_cast<const char*>(bytes_.data() + strings_ + entry.name_offset);
            names[std::string(at, entry.name_length)] = entry.inode;
        }
        return names;
    }

  private:
    explicit ImageNames(std::span<const u8> bytes) : bytes_(bytes) {}
    static std::unexpected<Error> damaged() { return fail(Code::Corrupt, "the guest's image is damaged"); }
    template <class T>
    T load(u64 table, u32 index) const {
        T value;
        std::memcpy(&value, bytes_.data() + table + u64{index} * sizeof value, sizeof value);
        return value;
    }
    std::span<const u8> bytes_;
    abi::image::Header header_{};
    u64 inodes_ = 0, entries_ = 0, strings_ = 0;
};

class Comparison {
  public:
    Comparison(FileChannel& files, const ImageNames& image, const image::ByteSink& sink,
               const FileChannel::Wanted& wanted)
        : files_(files), image_(image), wanted_(wanted), tar_(files, sink, wanted) {}

    Result<void> run() {
        device_ = TRY(files_.look("/", wanted_)).attributes.device;
        TRY(directory("/", "", 0));
        return tar_.finish();
    }

  private:
    /// `path` in the guest is the image's directory `inode`; `name`: the same in the archive, with a slash.
    Result<void> directory(const std::string& path, const std::string& name, u32 inode) {
        auto before = TRY(image_.list(inode));
        for (const FileChannel::Entry& entry : TRY(files_.list(path, wanted_))) {
            auto was = before.extract(entry.name);
            if (entry.attributes.device != device_) continue;  // something is mounted there
            TRY(compare(join(path, entry.name), name + entry.name, entry,
                        was ? std::optional(was.mapped()) : std::nullopt));
        }
        for (const auto& [gone, number] : before) TRY(tar_.add_marker(name + ".wh." + gone));
        return {};
    }

    Result<void> compare(const std::string& path, const std::string& name, const FileChannel::Entry& entry,
                         std::optional<u32> was) {
        // The kernel numbers the image's inodes from 1 on.
        bool same = was && u64{*was} + 1 == entry.attributes.inode;
        bool is_directory = S_ISDIR(entry.attributes.mode);
        if (!same && is_directory) {
            if (!was) return tar_.add_tree(path, name, entry.attributes);
            TRY(tar_.add(path, name, entry.attributes));
            TRY(tar_.add_marker(name + "/.wh..wh..opq"));  // nothing of the image's directory shows through
            for (const FileChannel::Entry& below : TRY(files_.list(path, wanted_)))
                TRY(tar_.add_tree(join(path, below.name), join(name, below.name), below.attributes));
            return {};
        }
        if (!same || entry.attributes.changed) TRY(tar_.add(path, name, entry.attributes));
        return is_directory ? directory(path, name + "/", *was) : Result<void>();
    }

    FileChannel& files_;
    const ImageNames& image_;
    const FileChannel::Wanted& wanted_;
    TarStream tar_;
    u64 device_ = 0;
};

}  // namespace

Result<void> export_changes(FileChannel& files, const std::string& image_path, const image::ByteSink& sink,
                            const FileChannel::Wanted& wanted) {
    auto file = TRY(MappedFile::open(image_path));
    auto names = TRY(ImageNames::open(file.bytes()));
    return Comparison(files, names, sink, wanted).run();
}

}  // namespace astra::vmm::daemon
