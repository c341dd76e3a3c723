// Memory calls: mmap, mprotect, munmap, brk, mremap, msync, mincore, madvise.
#include <algorithm>

#include "guest_kernel/fs/file.hpp"
#include "guest_kernel/mm/map_flags.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/locked_memory.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

mm::AddressSpace& space() { return sched::current_process().space(); }

SyscallResult zero(Result<void> result) {
    TRY(result);
    return 0;
}

/// What a mapping of `file` needs and may later become. Errors: EACCES, ENODEV, EINVAL, EPERM.
Result<void> attach_file(mm::MapRequest& request, Ref<fs::File> file) {
    bool shared = request.flags & mm::kMapShared;
    if (!file->readable()) return fail(Errno::kEACCES);
    if (shared && !file->writable()) {
        if (request.prot & mm::kProtWrite) return fail(Errno::kEACCES);
        request.max_prot &= ~mm::kProtWrite;
    }
    request.source = TRY(file->page_source());
    if (shared && !request.source->allows_writing()) {
        if (request.prot & mm::kProtWrite) return fail(Errno::kEPERM);
        request.max_prot &= ~mm::kProtWrite;
    }
    request.keep = std::move(file);
    return {};
}

}  // namespace

SyscallResult sys_mmap(u64 addr, usize length, int prot, int flags, int fd, i64 offset) {
    constexpr u32 kKnown = mm::kMapTypeMask | mm::kMapFixed | mm::kMapAnonymous | mm::kMap32Bit |
                           mm::kMapGrowsDown | mm::kMapDenyWrite | mm::kMapExecutable | mm::kMapLocked |
                           mm::kMapNoReserve | mm::kMapPopulate | mm::kMapNonBlock | mm::kMapStack |
                           mm::kMapHugeTlb | mm::kMapFixedNoReplace;
    u32 bits = static_cast<u32>(flags), type = bits & mm::kMapTypeMask;
    if (!is_aligned(static_cast<u64>(offset), kPageSize)) return fail(Errno::kEINVAL);
    if (type != mm::kMapShared && type != mm::kMapPrivate && type != mm::kMapSharedValidate)
        return fail(Errno::kEINVAL);
    if (type == mm::kMapSharedValidate && bits & ~kKnown) return fail(Errno::kENOTSUP);
    if (type == mm::kMapSharedValidate) bits = (bits & ~mm::kMapTypeMask) | mm::kMapShared;
    if (length == 0) return fail(Errno::kEINVAL);
    // No pages are set aside for hugetlbfs.
    if (bits & mm::kMapHugeTlb) return fail(Errno::kENOMEM);
    if (bits & mm::kMapGrowsDown && bits & mm::kMapShared) return fail(Errno::kEINVAL);
    mm::MapRequest request{.hint = UserAddr(addr),
                           .length = length,
                           .prot = static_cast<u32>(prot),
                           .flags = bits,
                           .source = {},
                           .offset = static_cast<u64>(offset),
                           .keep = {},
                           .name = {}};
    if (!(bits & mm::kMapAnonymous)) TRY(attach_file(request, TRY(sched::current_process().fds().get(fd))));
    if (bits & mm::kMapAnonymous) request.offset = 0;
    bool locked = bits & mm::kMapLocked;
    u64 lockable = lock_limit();
    if (locked && lockable == 0) return fail(Errno::kEPERM);
    TRY(space().check_lock_room(align_up(length, kPageSize), locked, lockable));
    // A hint is only a hint; MAP_FIXED insists on alignment.
    if (!(bits & (mm::kMapFixed | mm::kMapFixedNoReplace))) request.hint = request.hint.page();
    return static_cast<i64>(TRY(space().map(request)).raw());
}

SyscallResult sys_mprotect(u64 addr, usize length, int prot) {
    constexpr u32 kKnown = mm::kProtRead | mm::kProtWrite | mm::kProtExec | mm::kProtGrowsDown |
                           mm::kProtGrowsUp | 8 /* PROT_SEM: accepted and without effect, as on Linux */;
    u32 bits = static_cast<u32>(prot);
    if (bits & ~kKnown || bits & mm::kProtGrowsUp) return fail(Errno::kEINVAL);
    return zero(space().protect(UserAddr(addr), length, bits));
}

SyscallResult sys_munmap(u64 addr, usize length) { return zero(space().unmap(UserAddr(addr), length)); }

SyscallResult sys_brk(u64 addr) { return static_cast<i64>(space().set_break(UserAddr(addr)).raw()); }

SyscallResult sys_mremap(u64 addr, usize old_length, usize new_length, int flags, u64 new_addr) {
    return static_cast<i64>(TRY(space().remap(UserAddr(addr), old_length, new_length, static_cast<u32>(flags),
                                              UserAddr(new_addr)))
                                .raw());
}

SyscallResult sys_msync(u64 addr, usize length, int flags) {
    return zero(space().sync(UserAddr(addr), length, flags));
}

SyscallResult sys_mincore(u64 addr, usize length, Out<u8> vec) {
    // In portions, so that the answer for a huge mapping needs no memory of that order.
    constexpr u64 kPortion = 1024 * kPageSize;
    if (!is_aligned(addr, kPageSize)) return fail(Errno::kEINVAL);
    if (!mm::is_user_range(UserAddr(addr), length)) return fail(Errno::kENOMEM);
    Vector<u8> pages;
    for (u64 done = 0; done < length; done += kPortion) {
        pages.clear();
        TRY(space().resident(UserAddr(addr + done), std::min<u64>(kPortion, length - done), pages));
        TRY(mm::write_array(vec + (done >> kPageShift), std::span<const u8>(pages)));
    }
    return 0;
}

SyscallResult sys_madvise(u64 addr, usize length, int advice) {
    return zero(space().advise(UserAddr(addr), length, advice));
}

// No CPU offers protection keys here: there is none to allocate, and only "no key" to use (pkeys(7)).
SyscallResult sys_pkey_mprotect(u64 addr, usize length, int prot, int key) {
    return key == -1 ? sys_mprotect(addr, length, prot) : fail(Errno::kEINVAL);
}

SyscallResult sys_pkey_alloc(u64 flags, u64 rights) {
    constexpr u64 kRights = 3;  // PKEY_DISABLE_ACCESS, PKEY_DISABLE_WRITE
    return fail(flags || rights & ~kRights ? Errno::kEINVAL : Errno::kENOSPC);
}

SyscallResult sys_pkey_free(int) { return fail(Errno::kEINVAL); }

}  // namespace astra::syscalls
