// Looking into another process: process_vm_readv(2), pidfd_getfd(2), kcmp(2).
#include <algorithm>

#include "guest_kernel/fs/epoll.hpp"
#include "guest_kernel/fs/fd_table.hpp"
#include "guest_kernel/mm/map_flags.hpp"
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/pidfd.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

constexpr u64 kMostSegments = 1024;  // UIO_MAXIOV

// The process a thread id belongs to, when the caller may look into it. Errors: ESRCH, EPERM.
Result<Ref<sched::Process>> inspected(int tid) {
    Ref<sched::Thread> thread = sched::find_thread(tid);
    if (!thread) return fail(Errno::kESRCH);
    Ref<sched::Process> process(thread->process());
    return sched::may_inspect(*process) ? Result<Ref<sched::Process>>(std::move(process))
                                        : fail(Errno::kEPERM);
}

// Moves bytes between the caller's buffers and one range of `space`; how many, short at a bad page.
using Mover = Result<usize> (*)(mm::AddressSpace& space, fs::Buffer& local, UserAddr remote,
                                std::span<u8> bounce);

Result<usize> pull(mm::AddressSpace& space, fs::Buffer& local, UserAddr remote, std::span<u8> bounce) {
    usize got = TRY(space.peek(remote, bounce, mm::Reach::Program));
    return local.put(bounce.first(got));
}
Result<usize> push(mm::AddressSpace& space, fs::Buffer& local, UserAddr remote, std::span<u8> bounce) {
    usize got = TRY(local.take(bounce));
    return space.poke(remote, bounce.first(got), mm::Reach::Program);
}

Result<usize> move_range(mm::AddressSpace& space, fs::Buffer& local, const IoVec& range, Mover move) {
    u8 bounce[512];
    usize done = 0;
    while (done < range.len && local.remaining()) {
        usize wanted = std::min<usize>({range.len - done, local.remaining(), sizeof bounce});
        Result<usize> moved = move(space, local, UserAddr(range.base + done), {bounce, wanted});
        if (!moved && done == 0) return moved;
        if (moved) done += *moved;
        if (!moved || *moved < wanted) break;
    }
    return done;
}

SyscallResult move_memory(int pid, In<IoVec> local, u64 local_count, In<IoVec> remote, u64 remote_count,
                          u64 flags, Mover move) {
    if (flags) return fail(Errno::kEINVAL);
    fs::IovecBuffer buffer = TRY(fs::IovecBuffer::from(local, local_count));
    if (remote_count > kMostSegments) return fail(Errno::kEINVAL);
    if (!buffer.remaining() || !remote_count) return 0;
    Vector<IoVec> ranges;
    TRY(ranges.resize(remote_count));
    TRY(mm::read_array(remote, std::span<IoVec>(ranges.data(), ranges.size())));
    for (const IoVec& range : ranges)
        if (static_cast<i64>(range.len) < 0) return fail(Errno::kEINVAL);
    Ref<mm::AddressSpace> space = TRY(inspected(pid))->space_ref();
    if (!space) return fail(Errno::kESRCH);
    usize done = 0;
    for (const IoVec& range : ranges) {
        if (!range.len) continue;
        if (!buffer.remaining()) break;
        usize wanted = std::min(usize{range.len}, buffer.remaining());
        Result<usize> moved = move_range(*space, buffer, range, move);
        if (!moved && !done) return fail(moved.error());
        if (moved) done += *moved;
        if (!moved || *moved < wanted) break;
    }
    return static_cast<i64>(done);
}

/// kcmp(2)'s types.
enum Comparison : int { kFile, kMemory, kFiles, kDirectories, kSignalHandlers, kIo, kSemaphores, kEpoll };

// 0: the same object, 1 or 2: the first is lower or higher, in an order without meaning.
SyscallResult compare(const void* a, const void* b) { return a == b ? 0 : a < b ? 1 : 2; }

Result<Ref<fs::File>> file_of(sched::Process& process, u64 fd) {
    Ref<fs::FdTable> table = process.fds_ref();
    if (!table || fd > 0x7fff'ffff) return fail(Errno::kEBADF);
    return table->get(static_cast<int>(fd), true);
}

/// What `slot` says one of the epoll instances of `process` watches. Errors: EFAULT, EBADF, EINVAL, ENOENT.
Result<const fs::File*> watched_file(sched::Process& process, In<KcmpEpollSlot> slot) {
    KcmpEpollSlot wanted = TRY(mm::read(slot));
    Ref<fs::File> epoll = TRY(file_of(process, wanted.epoll_fd));
    return fs::watched_by(*epoll, static_cast<int>(wanted.watched_fd), wanted.number);
}

}  // namespace

SyscallResult sys_process_vm_readv(int pid, In<IoVec> local, u64 local_count, In<IoVec> remote,
                                   u64 remote_count, u64 flags) {
    return move_memory(pid, local, local_count, remote, remote_count, flags, pull);
}

SyscallResult sys_process_vm_writev(int pid, In<IoVec> local, u64 local_count, In<IoVec> remote,
                                    u64 remote_count, u64 flags) {
    return move_memory(pid, local, local_count, remote, remote_count, flags, push);
}

SyscallResult sys_process_madvise(int pidfd, In<IoVec> iov, usize count, int advice, u32 flags) {
    if (flags) return fail(Errno::kEINVAL);
    if (count > kMostSegments) return fail(Errno::kEINVAL);
    Vector<IoVec> ranges;
    TRY(ranges.resize(count));
    TRY(mm::read_array(iov, std::span<IoVec>(ranges.data(), count)));
    Ref<sched::Process> process = TRY(sched::pidfd_process(pidfd));
    bool harmless =
        advice == mm::kAdviseCold || advice == mm::kAdvisePageOut || advice == mm::kAdviseWillNeed;
    if (!harmless) return fail(Errno::kEINVAL);
    sched::Process& caller = sched::current_process();
    if (!sched::may_inspect(*process)) return fail(Errno::kEACCES);
    if (process.get() != &caller && !caller.credentials().can(sched::kCapSysNice)) return fail(Errno::kEPERM);
    Ref<mm::AddressSpace> space = process->space_ref();
    if (!space) return fail(Errno::kESRCH);
    usize done = 0;
    for (const IoVec& range : ranges) {
        Result<void> advised = space->advise(UserAddr(range.base), range.len, advice);
        if (!advised && done == 0) return fail(advised.error());
        if (!advised) break;
        done += range.len;
    }
    return static_cast<i64>(done);
}

SyscallResult sys_pidfd_getfd(int pidfd, int target_fd, u32 flags) {
    if (flags) return fail(Errno::kEINVAL);
    Ref<sched::Process> target = TRY(sched::pidfd_process(pidfd));
    if (!sched::may_inspect(*target)) return fail(Errno::kEPERM);
    Ref<fs::FdTable> table = target->fds_ref();
    if (!table) return fail(Errno::kESRCH);
    Ref<fs::File> file = TRY(table->get(target_fd, true));
    sched::Process& caller = sched::current_process();
    constexpr bool kCloseOnExec = true;
    return TRY(caller.fds().install(std::move(file), kCloseOnExec, caller.limit(sched::kLimitFiles)));
}

SyscallResult sys_kcmp(int pid1, int pid2, int type, u64 index1, u64 index2) {
    Ref<sched::Thread> found1 = sched::find_thread(pid1), found2 = sched::find_thread(pid2);
    if (!found1 || !found2) return fail(Errno::kESRCH);
    Ref<sched::Process> first = TRY(inspected(pid1)), second = TRY(inspected(pid2));
    switch (type) {
        case kFile: {
            Ref<fs::File> a = TRY(file_of(*first, index1)), b = TRY(file_of(*second, index2));
            return compare(a.get(), b.get());
        }
        case kMemory: return compare(first->space_ref().get(), second->space_ref().get());
        case kFiles: return compare(first->fds_ref().get(), second->fds_ref().get());
        case kDirectories: return compare(first->fs_ref().get(), second->fs_ref().get());
        case kSignalHandlers: return compare(first.get(), second.get());
        case kEpoll: {
            In<KcmpEpollSlot> slot{UserAddr(index2)};
            Ref<fs::File> file = TRY(file_of(*first, index1));
            return compare(file.get(), TRY(watched_file(*second, slot)));
        }
        case kIo:
        case kSemaphores: return fail(Errno::kENOTSUP);  // as kernels without these facts answer
        default: return fail(Errno::kEINVAL);
    }
}

}  // namespace astra::syscalls
