// Fuzzes the import of archives: any bytes are an archive. What is accepted must be a sound image, and
// importing that again must give the same image.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "guest_kernel/abi/image.hpp"
#include "tests/fuzz/tar_mutator.hpp"
#include "vmm/base/fd.hpp"
#include "vmm/base/io.hpp"
#include "vmm/image/normalise.hpp"

namespace {

using namespace astra;
namespace format = abi::image;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
}

vmm::Fd memory_file() {
    vmm::Fd fd(::memfd_create("fuzz", MFD_CLOEXEC));
    require(fd.valid(), "memfd_create");
    return fd;
}

/// The index must describe a tree within the image: what the kernel relies on.
void check_index(int fd, u64 image_bytes) {
    format::Header header{};
    require(
        vmm::read_at(fd, format::kIndexOffset, {reinterpret_cast<u8*>(&header), sizeof header}).has_value(),
        "header");
    require(header.magic == format::kMagic && header.version == format::kVersion, "magic");
    require(header.image_bytes == image_bytes && is_aligned(image_bytes, kPageSize), "image size");
    std::vector<u8> index(header.index_bytes);
    require(vmm::read_at(fd, format::kIndexOffset, index).has_value(), "index size");
    const auto* inodes = reinterpret_cast<const format::Inode*>(index.data() + sizeof header);
    const auto* entries = reinterpret_cast<const format::Entry*>(inodes + header.inodes);
    const auto* slots = reinterpret_cast<const format::Hash*>(entries + header.entries);
    const auto* strings = reinterpret_cast<const char*>(slots + header.hash_slots);
    require(strings + header.strings_bytes == reinterpret_cast<const char*>(index.data() + index.size()),
            "table sizes");
    require(header.inodes > 0 && S_ISDIR(inodes[0].mode), "root");
    u64 named = 0;
    for (u32 i = 0; i < header.inodes; i++) {
        const format::Inode& inode = inodes[i];
        require(inode.mtime_nsec < 1'000'000'000, "mtime");
        if (S_ISREG(inode.mode)) {
            require(inode.data_offset <= image_bytes && inode.size <= image_bytes - inode.data_offset,
                    "file data");
            require(inode.size < format::kAlignedFrom || is_aligned(inode.data_offset, kPageSize),
                    "alignment");
        }
        if (S_ISLNK(inode.mode))
            require(inode.size > 0 && inode.data_offset + inode.size <= header.strings_bytes, "link target");
        if (!S_ISDIR(inode.mode)) continue;
        require(u64{inode.first_entry} + inode.entry_count <= header.entries, "directory");
        named += inode.entry_count;
        for (u32 e = inode.first_entry; e < inode.first_entry + inode.entry_count; e++) {
            const format::Entry& entry = entries[e];
            require(entry.parent == i && entry.inode < header.inodes && entry.inode > 0, "entry");
            require(
                entry.name_length > 0 && u64{entry.name_offset} + entry.name_length <= header.strings_bytes,
                "name");
            std::string_view name(strings + entry.name_offset, entry.name_length);
            require(
                name != "." && name != ".." && name.find('/') == name.npos && name.find('\0') == name.npos,
                "name");
            u32 mask = header.hash_slots - 1;
            u32 slot = format::hash(i, name.data(), name.size()) & mask;
            while (slots[slot].entry_plus_1 != e + 1) {
                require(slots[slot].entry_plus_1 != 0, "hash");
                slot = (slot + 1) & mask;
            }
        }
    }
    require(named == header.entries, "every entry is in one directory");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const u8* data, size_t size) {
    static const vmm::image::ImportLimits kLimits{
        .entries = 2000, .bytes = 8 << 20, .ratio = 1000, .ratio_free = 8 << 20};
    if (size == 0) return 0;
    vmm::Fd in = memory_file(), out = memory_file();
    require(vmm::write_all(in.get(), {data, size}).has_value() && ::lseek(in.get(), 0, SEEK_SET) == 0,
            "input");
    auto image = vmm::image::normalise(in.get(), size, out.get(), "/dev/shm", kLimits, {});
    if (!image) {
        require(!image.error().message.empty() && image.error().message.find('\n') == std::string::npos,
                "one clear line");
        return 0;
    }
    check_index(out.get(), image->bytes);
    // Padding and headers may exceed a limit that the archive itself kept.
    static const vmm::image::ImportLimits kWide{};
    vmm::Fd again = memory_file();
    require(::lseek(out.get(), 0, SEEK_SET) == 0, "seek");
    auto second = vmm::image::normalise(out.get(), image->bytes, again.get(), "/dev/shm", kWide, {});
    if (!second) std::fprintf(stderr, "%s\n", second.error().message.c_str());
    require(second.has_value(), "an image is an archive");
    require(second->sha256 == image->sha256 && second->inodes == image->inodes,
            "importing an image changes nothing");
    return 0;
}
