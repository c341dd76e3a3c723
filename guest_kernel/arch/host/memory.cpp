// The arena that stands for RAM, and kernel stacks mapped from it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "guest_kernel/arch/host/host.hpp"

namespace astra::arch {

namespace {

/// RAM: a memfd, so that a frame can also be mapped a second time, inside a kernel stack.
struct Arena {
    int fd;
    u8* base;
    Arena() : fd(memfd_create("arena", MFD_CLOEXEC)) {
        void* at = MAP_FAILED;
        if (fd >= 0 && ftruncate(fd, host::kRam.size) == 0)
            at = mmap(nullptr, host::kRam.size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
        if (at == MAP_FAILED) {
            perror("arena");
            abort();
        }
        base = static_cast<u8*>(at);
    }
    ~Arena() {
        munmap(base, host::kRam.size);
        close(fd);
    }
};

Arena& arena() {
    static Arena instance;
    return instance;
}

struct Attached {
    PhysAddr base;
    std::span<u8> bytes;
};
std::vector<Attached>& attachments() {
    static std::vector<Attached> list;
    return list;
}

}  // namespace

namespace host {

void attach(PhysAddr base, std::span<u8> bytes) { attachments().push_back({base, bytes}); }

ArenaPlace arena_place(PhysAddr address) { return {arena().fd, address - kRam.base}; }

}  // namespace host

void* phys_to_virt(PhysAddr address) {
    if (address >= host::kRam.base && address - host::kRam.base < host::kRam.size)
        return arena().base + (address - host::kRam.base);
    for (const Attached& a : attachments())
        if (address >= a.base && address - a.base < a.bytes.size())
            return a.bytes.data() + (address - a.base);
    fprintf(stderr, "phys_to_virt: no memory at %#lx\n", address.raw());
    abort();
}

PhysAddr virt_to_phys(const void* address) {
    const auto* at = static_cast<const u8*>(address);
    if (at >= arena().base && at < arena().base + host::kRam.size)
        return host::kRam.base + (at - arena().base);
    for (const Attached& a : attachments())
        if (at >= a.bytes.data() && at < a.bytes.data() + a.bytes.size())
            return a.base + (at - a.bytes.data());
    fprintf(stderr, "virt_to_phys: not in the arena: %p\n", address);
    abort();
}

Result<void*> map_device(PhysAddr, u64) { return fail(Errno::kENODEV); }

Result<void*> map_kernel_stack(std::span<const PhysAddr> frames) {
    usize bytes = (frames.size() + 1) * kPageSize;
    void* area = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED) return fail(Errno::kENOMEM);
    u8* base = static_cast<u8*>(area) + kPageSize;
    for (usize i = 0; i < frames.size(); i++) {
        auto [fd, offset] = host::arena_place(frames[i]);
        if (mmap(base + i * kPageSize, kPageSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                 offset) == MAP_FAILED) {
            munmap(area, bytes);
            return fail(Errno::kENOMEM);
        }
    }
    return base;
}

void unmap_kernel_stack(void* base, usize pages) {
    munmap(static_cast<u8*>(base) - kPageSize, (pages + 1) * kPageSize);
}

}  // namespace astra::arch
