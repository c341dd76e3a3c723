// A TAR as a read-only tree; see the header.
#include "guest_kernel/fs/tar/image.hpp"

#include "guest_kernel/fs/tar/members.hpp"

namespace astra::fs::tar {

using abi::image::Hash;
using abi::image::Header;
using abi::image::Inode;
using IndexEntry = abi::image::Entry;

namespace {

constexpr u32 kType = 0170000, kDirectory = 0040000, kRegular = 0100000, kLink = 0120000;

/// The next `count` T of `from`, or false when there are fewer.
template <class T>
bool cut(std::span<const u8>& from, u64 count, std::span<const T>& out) {
    if (count > from.size() / sizeof(T)) return false;
    out = {reinterpret_cast<const T*>(from.data()), count};
    from = from.subspan(count * sizeof(T));
    return true;
}

}  // namespace

bool Image::use_index(std::span<const u8> index) {
    if (reinterpret_cast<usize>(index.data()) % alignof(Header) || index.size() < sizeof(Header))
        return false;
    const Header& header = *reinterpret_cast<const Header*>(index.data());
    if (header.magic != abi::image::kMagic || header.version != abi::image::kVersion) return false;
    if (header.index_bytes > index.size() || header.index_bytes < sizeof(Header)) return false;
    if (header.hash_slots & (header.hash_slots - 1)) return false;
    std::span<const u8> rest = index.subspan(sizeof(Header), header.index_bytes - sizeof(Header));
    std::span<const char> strings;
    if (!cut(rest, header.inodes, inodes_) || !cut(rest, header.entries, entries_) ||
        !cut(rest, header.hash_slots, hash_) || !cut(rest, header.strings_bytes, strings))
        return false;
    strings_ = {strings.data(), strings.size()};
    return !inodes_.empty() && (inodes_[kRoot].mode & kType) == kDirectory;
}

Result<Own<Image>> Image::open(std::span<const u8> bytes) {
    Own<Image> image = TRY(make_own<Image>());
    image->bytes_ = bytes;
    Members members(bytes);
    std::optional<Member> first = TRY(members.next());
    if (first && first->path.view() == abi::image::kIndexName && image->use_index(first->data)) return image;
    image->own_ = TRY(scan(bytes));
    image->inodes_ = image->own_.inodes;
    image->entries_ = image->own_.entries;
    image->hash_ = image->own_.hash;
    image->strings_ = image->own_.strings.view();
    return image;
}

std::optional<Image::Entry> Image::read(const IndexEntry& entry) const {
    if (entry.name_offset > strings_.size() || entry.name_length > strings_.size() - entry.name_offset)
        return {};
    std::string_view name = strings_.substr(entry.name_offset, entry.name_length);
    bool bad = name.empty() || name.size() > 255 || name == "." || name == ".." || name.contains('/') ||
               name.contains('\0');
    if (bad || entry.inode >= inodes_.size()) return {};
    return Entry{name, entry.inode};
}

u32 Image::lookup(u32 directory, std::string_view name) const {
    if (hash_.empty()) return kNone;
    usize mask = hash_.size() - 1;
    usize slot = abi::image::hash(directory, name.data(), name.size()) & mask;
    for (usize probes = 0; probes <= mask; probes++, slot = (slot + 1) & mask) {
        u32 at = hash_[slot].entry_plus_1;
        if (at == 0) return kNone;
        if (at > entries_.size()) continue;
        const IndexEntry& candidate = entries_[at - 1];
        if (candidate.parent != directory || candidate.name_length != name.size()) continue;
        if (auto entry = read(candidate); entry && entry->name == name) return entry->inode;
    }
    return kNone;
}

u32 Image::entry_count(u32 directory) const {
    const Inode* self = inode(directory);
    if (!self || self->first_entry > entries_.size()) return 0;
    usize most = entries_.size() - self->first_entry;
    return self->entry_count < most ? self->entry_count : static_cast<u32>(most);
}

std::optional<Image::Entry> Image::entry(u32 directory, u32 position) const {
    if (position >= entry_count(directory)) return {};
    return read(entries_[inodes_[directory].first_entry + position]);
}

std::span<const u8> Image::contents(const Inode& inode) const {
    if ((inode.mode & kType) != kRegular) return {};
    if (inode.data_offset > bytes_.size() || inode.size > bytes_.size() - inode.data_offset) return {};
    return bytes_.subspan(inode.data_offset, inode.size);
}

std::string_view Image::target(const Inode& inode) const {
    if ((inode.mode & kType) != kLink) return {};
    if (inode.data_offset > strings_.size() || inode.size > strings_.size() - inode.data_offset) return {};
    return strings_.substr(inode.data_offset, inode.size);
}

}  // namespace astra::fs::tar
