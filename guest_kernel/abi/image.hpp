// The index of an aligned TAR: first member ".astra-index", rebuilt by the host at every import,
// bounds-checked by the kernel all the same. All offsets count from the start of the image (index tables:
// from the start of the index).
//
// Index = Header, Inode[inodes], Entry[entries], Hash[hash_slots], then the string bytes. Inode 0 is the
// root. Entries are grouped by directory (Inode::first_entry, entry_count) and sorted by name inside a
// directory, so a directory is one span and a lookup is one hash probe: slot = hash(parent, name) &
// (hash_slots - 1), linear probing.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::abi::image {

inline constexpr char kIndexName[] = ".astra-index";
/// Where the index starts in the image: its member's header blocks fill exactly the first page.
inline constexpr u64 kIndexOffset = kPageSize;
inline constexpr u64 kMagic = 0x58444e'4941'5254;  // "TRAINDX"
inline constexpr u32 kVersion = 1;
/// Files of at least this many bytes have their data at a multiple of kPageSize.
inline constexpr u64 kAlignedFrom = kPageSize;

struct Header {
    u64 magic;
    u32 version;
    u32 inodes;
    u32 entries;
    u32 hash_slots;  // a power of two, or 0 when there are no entries
    u64 strings_bytes;
    u64 image_bytes;  // the whole TAR
    u64 index_bytes;  // this index, header included
};

struct Inode {
    u32 mode;  // as st_mode: type and permission bits
    u32 uid, gid;
    u32 links;
    u64 size;         // regular: bytes; symlink: length of the target
    u64 data_offset;  // regular: where the bytes start in the image; symlink: target's offset in the strings
    i64 mtime_sec;
    u32 mtime_nsec;
    u32 rdev;                      // device nodes: (major << 20) | minor
    u32 first_entry, entry_count;  // directories
};

struct Entry {
    u32 parent, inode;  // inode numbers
    u32 name_offset;    // in the strings, not NUL-terminated
    u16 name_length;    // 1..255
    u16 reserved;
};

struct Hash {
    u32 entry_plus_1;
};  // 0: free

/// FNV-1a over the parent's number and the name: what places an entry in the hash table.
constexpr u32 hash(u32 parent, const char* name, usize length) {
    u32 h = 2166136261u;
    for (int i = 0; i < 4; i++) h = (h ^ ((parent >> (8 * i)) & 0xff)) * 16777619u;
    for (usize i = 0; i < length; i++) h = (h ^ static_cast<u8>(name[i])) * 16777619u;
    return h;
}

static_assert(sizeof(Header) == 48 && sizeof(Inode) == 56 && sizeof(Entry) == 16 && sizeof(Hash) == 4);

}  // namespace astra::abi::image
