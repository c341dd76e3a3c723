// System V shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2).
#include "guest_kernel/ipc/segment.hpp"
#include "guest_kernel/mm/map_flags.hpp"
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

using ipc::Caller, ipc::Segment, ipc::segments;

namespace {

enum AttachFlag : u32 { kReadOnly = 010000, kRound = 020000, kReplace = 040000, kExecute = 0100000 };
enum Command : int { kLock = 11, kUnlock = 12, kStatAt = 13, kStatAny = 15 };
constexpr u32 kReadBits = 0444, kWriteBits = 0222, kExecuteBits = 0111, kHugePages = 04000;

/// IPC_STAT, and by slot: what a segment looks like. Errors: EINVAL, EIDRM, EACCES, EFAULT.
SyscallResult status(int id, int command, Out<ShmDs> to) {
    Caller caller = Caller::current();
    Ref<Segment> segment =
        command == kIpcStat ? TRY(segments().lock()->find(id)) : TRY(segments().lock()->at(id));
    ShmDs out{};
    out.attached = segment->attached();
    {
        auto guard = segments().lock();
        if (command != kStatAny) TRY(check_access(*segment, kReadBits, caller));
        out.perm = segment->perm;
        out.size = segment->size;
        out.attach_time = segment->attach_time;
        out.detach_time = segment->detach_time;
        out.change_time = segment->change_time;
        out.creator = segment->creator;
        out.last = segment->last_user;
    }
    TRY(mm::write(to, out));
    return command == kIpcStat ? 0 : segment->id;
}

SyscallResult limits(Out<ShmLimits> to) {
    TRY(mm::write(to, ShmLimits{ipc::kMostSegment, 1, 4096, 4096, ipc::kMostSegment, {}}));
    return segments().lock()->highest_slot();
}

/// SHM_LOCK, SHM_UNLOCK: nothing is swapped here, so it is only remembered. Errors: EINVAL, EIDRM, EPERM.
SyscallResult lock(int id, bool locked) {
    constexpr u32 kLocked = 02000;  // SHM_LOCKED
    Caller caller = Caller::current();
    Ref<Segment> segment = TRY(segments().lock()->find(id));
    auto guard = segments().lock();
    TRY(check_owner(*segment, caller));
    segment->perm.mode = (segment->perm.mode & ~kLocked) | (locked ? kLocked : 0);
    return 0;
}

}  // namespace

SyscallResult sys_shmget(int key, usize size, int flags) {
    // No pages are set aside for hugetlbfs.
    if (static_cast<u32>(flags) & kHugePages) return fail(Errno::kENOMEM);
    Caller caller = Caller::current();
    auto make = [&]() -> Result<Ref<Segment>> {
        Ref<Segment> segment = TRY(Segment::create(size));
        segment->creator = caller.pid;
        return segment;
    };
    auto fits = [&](Segment& segment) {
        return segment.size < size ? Result<void>(fail(Errno::kEINVAL)) : Result<void>();
    };
    return TRY(ipc::get(segments(), key, static_cast<u32>(flags), caller, make, fits));
}

SyscallResult sys_shmat(int id, u64 addr, int flags) {
    u32 bits = static_cast<u32>(flags);
    bool read_only = bits & kReadOnly, replace = bits & kReplace;
    if (addr == 0 && replace) return fail(Errno::kEINVAL);
    if (!is_aligned(addr, kPageSize)) {
        if (!(bits & kRound)) return fail(Errno::kEINVAL);
        addr = align_down(addr, kPageSize);
        if (addr == 0 && replace) return fail(Errno::kEINVAL);
    }
    Caller caller = Caller::current();
    Ref<Segment> segment = TRY(segments().lock()->find(id));
    u32 asked = kReadBits | (read_only ? 0 : kWriteBits) | (bits & kExecute ? kExecuteBits : 0);
    {
        auto guard = segments().lock();
        TRY(check_access(*segment, asked, caller));
    }
    mm::MapRequest request;
    request.hint = UserAddr(addr);
    request.length = segment->size;
    request.source = segment;
    request.prot =
        mm::kProtRead | (read_only ? 0u : u32{mm::kProtWrite}) | (bits & kExecute ? u32{mm::kProtExec} : 0u);
    if (read_only) request.max_prot &= ~u32{mm::kProtWrite};
    u32 fixed = addr == 0 ? 0 : replace ? u32{mm::kMapFixed} : u32{mm::kMapFixedNoReplace};
    request.flags = mm::kMapShared | fixed;
    Result<UserAddr> at = sched::current_process().space().map(request);
    if (!at) return fail(at.error() == Errno::kEEXIST ? Errno::kEINVAL : at.error());
    auto guard = segments().lock();
    segment->attach_time = caller.now;
    segment->last_user = caller.pid;
    return static_cast<i64>(at->raw());
}

SyscallResult sys_shmdt(u64 addr) {
    Caller caller = Caller::current();
    mm::AddressSpace& space = sched::current_process().space();
    Vector<mm::AreaInfo> areas;
    TRY(space.list(areas));
    Ref<mm::PageSource> source;
    // All of one attachment, which mprotect and munmap may have taken apart.
    for (const mm::AreaInfo& area : areas) {
        u64 origin = area.start.raw() - area.offset;
        if (!area.source || origin != addr || (source && area.source != source)) continue;
        if (!source && !segments().lock()->which(area.source.get())) continue;
        source = area.source;
        TRY(space.unmap(area.start, area.end.raw() - area.start.raw()));
    }
    if (!source) return fail(Errno::kEINVAL);
    auto guard = segments().lock();
    auto* segment = static_cast<Segment*>(source.get());
    segment->detach_time = caller.now;
    segment->last_user = caller.pid;
    return 0;
}

SyscallResult sys_shmctl(int id, int command, InOut<u8> buf) {
    if (id < 0 || command < 0) return fail(Errno::kEINVAL);
    Out<u8> out(buf.address());
    switch (command) {
        case kIpcStat:
        case kStatAt:
        case kStatAny: return status(id, command, out.as<ShmDs>());
        case kIpcInfo: return limits(out.as<ShmLimits>());
        case kLock:
        case kUnlock: return lock(id, command == kLock);
        default: break;
    }
    if (command != kIpcSet && command != kIpcRemove) return fail(Errno::kEINVAL);
    ShmDs wanted{};
    if (command == kIpcSet) wanted = TRY(mm::read(buf.as<ShmDs>()));
    Caller caller = Caller::current();
    Ref<Segment> segment = TRY(segments().lock()->find(id)), last;
    auto guard = segments().lock();
    if (command == kIpcSet) {
        TRY(set_owner(*segment, wanted.perm, caller));
        return 0;
    }
    TRY(check_owner(*segment, caller));
    if (!segment->removed) last = guard->retire(*segment);
    return 0;
}

}  // namespace astra::syscalls
