// Mappings behind guest memory.
#include "vmm/memory/backing.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstring>

#include "vmm/base/mapped_file.hpp"

namespace astra::vmm {

Result<Mapping> map_anonymous(usize size) {
    // Room to slide to the boundary; what is left over on both sides goes back.
    usize room = align_up(size, kPageSize) + kHugePageSize;
    void* raw =
        ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) return fail_errno(fmt::format("cannot map {} MiB for the guest", size >> 20));
    auto* base = static_cast<u8*>(raw);
    usize before = align_up(reinterpret_cast<u64>(base), kHugePageSize) - reinterpret_cast<u64>(base);
    if (before > 0) ::munmap(base, before);
    Mapping mapping(base + before, room - kHugePageSize);
    ::munmap(mapping.data() + mapping.size(), kHugePageSize - before);
    // Advice: a host that cannot follow it still works, only slower.
    ::madvise(mapping.data(), mapping.size(), MADV_HUGEPAGE);
    ::madvise(mapping.data(), mapping.size(), MADV_DONTDUMP);
    return mapping;
}

std::optional<ImagePolicy> parse_image_policy(std::string_view name) {
    if (name == "copy") return ImagePolicy::Copy;
    if (name == "map") return ImagePolicy::Map;
    return std::nullopt;
}

Result<Image> load_image(const std::string& path, ImagePolicy policy) {
    MappedFile file = TRY(MappedFile::open(path));
    u64 size = file.bytes().size();
    if (policy == ImagePolicy::Map) return Image{file.release(), size};
    Mapping memory = TRY(map_anonymous(size));
    std::memcpy(memory.data(), file.bytes().data(), size);
    return Image{std::move(memory), size};
}

Result<Mapping> map_shared(int fd, usize least) {
    struct stat status;
    if (::fstat(fd, &status) < 0) return fail_errno("counters memory");
    usize size = static_cast<usize>(status.st_size);
    if (size < least || !is_aligned(size, kPageSize))
        return fail(
            Code::InvalidArgument,
            fmt::format("counters memory has {} bytes: must be whole pages, at least {}", size, least));
    void* base = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED) return fail_errno("counters memory");
    return Mapping(base, size);
}

}  // namespace astra::vmm
