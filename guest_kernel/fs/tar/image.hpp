// A TAR as a read-only tree: inodes, names and bytes where they lie in the image. The index of an aligned TAR
// is used in place, so opening one costs the same whatever its size; for any other TAR it is built in memory.
// The bytes are hostile: every access is checked against the bounds of what it reads.
#pragma once
#include <optional>
#include <string_view>

#include "guest_kernel/abi/image.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/base/vector.hpp"

namespace astra::fs::tar {

class Image {
  public:
    /// `bytes` must outlive the image. Errors: EINVAL when they are no TAR, ENOMEM.
    static Result<Own<Image>> open(std::span<const u8> bytes);

    static constexpr u32 kRoot = 0;
    static constexpr u32 kNone = ~0u;

    [[nodiscard]] u32 inode_count() const { return static_cast<u32>(inodes_.size()); }
    /// Null for a number out of range.
    [[nodiscard]] const abi::image::Inode* inode(u32 number) const {
        return number < inodes_.size() ? &inodes_[number] : nullptr;
    }
    /// The inode called `name` in `directory`, or kNone.
    [[nodiscard]] u32 lookup(u32 directory, std::string_view name) const;
    struct Entry {
        std::string_view name;
        u32 inode;
    };
    /// How many positions entry() has for `directory`.
    [[nodiscard]] u32 entry_count(u32 directory) const;
    /// Nothing where the index is damaged.
    [[nodiscard]] std::optional<Entry> entry(u32 directory, u32 position) const;
    /// A regular file's bytes; empty when they lie outside the image.
    [[nodiscard]] std::span<const u8> contents(const abi::image::Inode& inode) const;
    /// A symbolic link's target.
    [[nodiscard]] std::string_view target(const abi::image::Inode& inode) const;

    /// An index built by scan().
    struct Tables {
        Vector<abi::image::Inode> inodes;
        Vector<abi::image::Entry> entries;
        Vector<abi::image::Hash> hash;
        String strings;
    };

  private:
    bool use_index(std::span<const u8> index);
    [[nodiscard]] std::optional<Entry> read(const abi::image::Entry& entry) const;

    std::span<const u8> bytes_;
    std::span<const abi::image::Inode> inodes_;
    std::span<const abi::image::Entry> entries_;
    std::span<const abi::image::Hash> hash_;
    std::string_view strings_;
    Tables own_;
};

/// Reads a TAR from end to end and builds its index; a later member replaces an earlier one of the same name.
/// Errors: EINVAL for a damaged archive, names that leave the root, GNU sparse files; ENOMEM.
Result<Image::Tables> scan(std::span<const u8> bytes);

}  // namespace astra::fs::tar
