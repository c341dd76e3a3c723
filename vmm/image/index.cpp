// IndexBuilder.
#include "vmm/image/index.hpp"

#include <sys/stat.h>

#include <bit>
#include <cstring>
#include <span>

#include "guest_kernel/abi/image.hpp"

namespace astra::vmm::image {

namespace {

namespace format = abi::image;

constexpr u32 kUnnumbered = ~u32{0};

u32 type_bits(Kind kind) {
    switch (kind) {
        case Kind::Regular:
        case Kind::HardLink: return S_IFREG;
        case Kind::Directory: return S_IFDIR;
        case Kind::Symlink: return S_IFLNK;
        case Kind::CharDevice: return S_IFCHR;
        case Kind::BlockDevice: return S_IFBLK;
        case Kind::Fifo: return S_IFIFO;
    }
    __builtin_unreachable();
}

/// A power of two at least twice the entries, so that probing stays short.
u32 hash_slots(u64 entries) { return entries == 0 ? 0 : static_cast<u32>(std::bit_ceil(entries * 2)); }

format::Inode inode_of(const Node& node) {
    const Member& meta = node.meta;
    return {.mode = type_bits(meta.kind) | meta.permissions,
            .uid = meta.uid,
            .gid = meta.gid,
            .links = node.names,
            .size = meta.size,
            .data_offset = 0,
            .mtime_sec = meta.mtime_sec,
            .mtime_nsec = meta.mtime_nsec,
            .rdev = meta.rdev,
            .first_entry = 0,
            .entry_count = 0};
}

/// Appends to the strings and returns where.
u64 append(std::vector<char>& strings, std::string_view text) {
    u64 at = strings.size();
    strings.insert(strings.end(), text.begin(), text.end());
    return at;
}

template <class T>
void put(std::span<u8>& out, std::span<const T> table) {
    if (!table.empty()) std::memcpy(out.data(), table.data(), table.size_bytes());
    out = out.subspan(table.size_bytes());
}

}  // namespace

Result<IndexBuilder> IndexBuilder::number(const Tree& tree) {
    IndexBuilder builder(tree);
    builder.numbers_.assign(tree.size(), kUnnumbered);
    builder.numbers_[kRoot] = 0;
    builder.order_.push_back(kRoot);
    for (usize at = 0; at < builder.order_.size(); at++) {
        const Node& node = tree.node(builder.order_[at]);
        if (node.meta.kind == Kind::Symlink) builder.strings_ += node.meta.target.size();
        for (const auto& [name, child] : node.children) {
            builder.entries_++;
            builder.strings_ += name.size();
            if (builder.numbers_[child] != kUnnumbered) continue;
            builder.numbers_[child] = static_cast<u32>(builder.order_.size());
            builder.order_.push_back(child);
        }
    }
    if (builder.strings_ > UINT32_MAX || builder.entries_ > (u64{1} << 30))
        return fail(Code::ResourceExhausted, "the names in the archive are too many for an image");
    return builder;
}

u64 IndexBuilder::bytes() const {
    return sizeof(format::Header) + order_.size() * sizeof(format::Inode) + entries_ * sizeof(format::Entry) +
           hash_slots(entries_) * sizeof(format::Hash) + strings_;
}

std::vector<u8> IndexBuilder::build(u64 image_bytes, const std::function<u64(NodeId)>& data_offset) const {
    std::vector<format::Inode> inodes;
    std::vector<format::Entry> entries;
    std::vector<format::Hash> slots(hash_slots(entries_));
    std::vector<char> strings;
    inodes.reserve(order_.size());
    entries.reserve(entries_);
    strings.reserve(strings_);
    for (NodeId id : order_) {
        const Node& node = tree_->node(id);
        auto number = static_cast<u32>(inodes.size());
        format::Inode& inode = inodes.emplace_back(inode_of(node));
        if (node.meta.kind == Kind::Regular) inode.data_offset = data_offset(id);
        if (node.meta.kind == Kind::Symlink) {
            inode.size = node.meta.target.size();
            inode.data_offset = append(strings, node.meta.target);
        }
        if (node.meta.kind != Kind::Directory) continue;
        inode.first_entry = static_cast<u32>(entries.size());
        inode.entry_count = static_cast<u32>(node.children.size());
        inode.links = 2;
        for (const auto& [name, child] : node.children) {
            if (tree_->node(child).meta.kind == Kind::Directory) inode.links++;
            u32 slot = format::hash(number, name.data(), name.size()) & static_cast<u32>(slots.size() - 1);
            while (slots[slot].entry_plus_1) slot = (slot + 1) & static_cast<u32>(slots.size() - 1);
            slots[slot].entry_plus_1 = static_cast<u32>(entries.size() + 1);
            entries.push_back({.parent = number,
                               .inode = numbers_[child],
                               .name_offset = static_cast<u32>(append(strings, name)),
                               .name_length = static_cast<u16>(name.size()),
                               .reserved = 0});
        }
    }
    format::Header header{.magic = format::kMagic,
                          .version = format::kVersion,
                          .inodes = static_cast<u32>(inodes.size()),
                          .entries = static_cast<u32>(entries.size()),
                          .hash_slots = static_cast<u32>(slots.size()),
                          .strings_bytes = strings.size(),
                          .image_bytes = image_bytes,
                          .index_bytes = bytes()};
    std::vector<u8> index(bytes());
    std::span<u8> out = index;
    put<format::Header>(out, {&header, 1});
    put<format::Inode>(out, inodes);
    put<format::Entry>(out, entries);
    put<format::Hash>(out, slots);
    put<char>(out, strings);
    return index;
}

}  // namespace astra::vmm::image
