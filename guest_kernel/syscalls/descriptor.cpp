// Descriptors themselves: closing, duplicating, flags, locks, pipes and event counters.
#include <algorithm>

#include "guest_kernel/fs/eventfd.hpp"
#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/locks.hpp"
#include "guest_kernel/fs/pipe.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/descriptors.hpp"

namespace astra::syscalls {

namespace {

using fs::File;

constexpr int kLimitFiles = 7;  // RLIMIT_NOFILE

fs::FdTable& table() { return sched::current_process().fds(); }
u64 file_limit() { return sched::current_process().limit(kLimitFiles); }

}  // namespace

SyscallResult sys_close(int fd) {
    TRY(table().close(fd));
    return 0;
}

SyscallResult sys_close_range(u32 first, u32 last, u32 flags) {
    constexpr u32 kUnshare = 2, kCloseOnExec = 4;  // CLOSE_RANGE_*
    if (flags & ~(kUnshare | kCloseOnExec) || first > last) return fail(Errno::kEINVAL);
    // CLONE_FILES has to be undone first where the table is shared.
    if (flags & kUnshare && table().ref_count() > 1) return fail(Errno::kENOSYS);
    if (flags & kCloseOnExec)
        table().set_close_on_exec(first, last);
    else
        table().close_range(first, last);
    return 0;
}

SyscallResult sys_dup(int fd) {
    return TRY(table().install(TRY(table().get(fd, true)), false, file_limit()));
}

SyscallResult sys_dup2(int oldfd, int newfd) {
    Ref<File> file = TRY(table().get(oldfd, true));
    if (oldfd != newfd) TRY(table().install_at(newfd, std::move(file), false, file_limit()));
    return newfd;
}

SyscallResult sys_dup3(int oldfd, int newfd, int flags) {
    if (static_cast<u32>(flags) & ~fs::kOCloseOnExec || oldfd == newfd) return fail(Errno::kEINVAL);
    Ref<File> file = TRY(table().get(oldfd, true));
    TRY(table().install_at(newfd, std::move(file), flags != 0, file_limit()));
    return newfd;
}

// ---- fcntl
// -----------------------------------------------------------------------------------------------------------

namespace {

/// include/uapi/asm-generic/fcntl.h, linux/fcntl.h
enum Fcntl : int {
    kDupFd = 0,
    kGetFd = 1,
    kSetFd = 2,
    kGetFlags = 3,
    kSetFlags = 4,
    kGetLock = 5,
    kSetLock = 6,
    kSetLockWait = 7,
    kOfdGetLock = 36,
    kOfdSetLock = 37,
    kOfdSetLockWait = 38,
    kDupFdCloseOnExec = 1030,
};
constexpr u32 kFdCloseOnExec = 1;  // FD_CLOEXEC

SyscallResult duplicate_from(Ref<File> file, u64 from, bool close_on_exec) {
    u64 limit = file_limit();
    if (from >= limit) return fail(Errno::kEINVAL);
    return TRY(table().install(std::move(file), close_on_exec, limit, static_cast<int>(from)));
}

/// The range `l` names, from the start of the file. Errors: EINVAL, EOVERFLOW.
Result<fs::RecordLock> range_of(File& file, const FLock& l) {
    i64 base = 0;
    if (l.whence == fs::kSeekCurrent) {
        base = *file.position.lock();
    } else if (l.whence == fs::kSeekEnd) {
        Stat status{};
        TRY(file.stat(status));
        base = status.size;
    } else if (l.whence != fs::kSeekSet) {
        return fail(Errno::kEINVAL);
    }
    i64 start, end;
    if (__builtin_add_overflow(base, l.start, &start)) return fail(Errno::kEOVERFLOW);
    // A negative length means the bytes before the start, 0 all from it on.
    if (__builtin_add_overflow(start, l.len, &end)) return fail(Errno::kEOVERFLOW);
    if (l.len < 0) std::swap(start, end);
    if (start < 0) return fail(Errno::kEINVAL);
    u64 last = l.len == 0 ? ~u64{0} >> 1 : static_cast<u64>(end) - 1;
    return fs::RecordLock{static_cast<fs::LockType>(l.type), static_cast<u64>(start), last};
}

SyscallResult record_lock(File& file, int command, InOut<FLock> argument) {
    FLock l = TRY(mm::read(argument));
    bool ofd = command >= kOfdGetLock;
    if (ofd && l.pid != 0) return fail(Errno::kEINVAL);
    bool testing = command == kGetLock || command == kOfdGetLock;
    bool known = l.type == fs::kLockRead || l.type == fs::kLockWrite || (l.type == fs::kUnlock && !testing);
    if (!known) return fail(Errno::kEINVAL);
    fs::RecordLock wanted = TRY(range_of(file, l));
    fs::Inode* inode = file.inode();
    if (!inode) return fail(Errno::kEBADF);
    const void* owner = ofd ? static_cast<const void*>(&file) : &table();
    if (testing) {
        fs::test_record_lock(*inode, owner, wanted, l.pid);
        l.type = wanted.type;
        if (wanted.type != fs::kUnlock) {
            l.whence = fs::kSeekSet;
            l.start = static_cast<i64>(wanted.start);
            l.len = wanted.end == ~u64{0} >> 1 ? 0 : static_cast<i64>(wanted.end - wanted.start + 1);
        }
        TRY(mm::write(argument, l));
        return 0;
    }
    if ((l.type == fs::kLockRead && !file.readable()) || (l.type == fs::kLockWrite && !file.writable()))
        return fail(Errno::kEBADF);
    if (ofd) file.took_lock = true;
    bool wait = command == kSetLockWait || command == kOfdSetLockWait;
    TRY(fs::set_record_lock(*inode, owner, ofd ? -1 : sched::current_process().pid(), wanted, wait));
    return 0;
}

/// What F_SETFL may change.
constexpr u32 kChangeable = fs::kOAppend | fs::kONonblock | fs::kODirect | fs::kONoAtime | fs::kOAsync;

void change_flags(File& file, u32 bits, u32 mask) {
    u32 old = file.flags.load();
    while (!file.flags.compare_exchange_weak(old, (old & ~mask) | (bits & mask))) {}
}

}  // namespace

SyscallResult sys_fcntl(int fd, int command, u64 argument) {
    Ref<File> file = TRY(table().get(fd, true));
    bool any_file = command == kDupFd || command == kDupFdCloseOnExec || command == kGetFd ||
                    command == kSetFd || command == kGetFlags;
    if (file->flags & fs::kOPath && !any_file) return fail(Errno::kEBADF);
    switch (command) {
        case kDupFd: return duplicate_from(std::move(file), static_cast<u32>(argument), false);
        case kDupFdCloseOnExec: return duplicate_from(std::move(file), static_cast<u32>(argument), true);
        case kGetFd: return TRY(table().close_on_exec(fd)) ? kFdCloseOnExec : 0;
        case kSetFd: TRY(table().set_close_on_exec_flag(fd, argument & kFdCloseOnExec)); return 0;
        case kGetFlags: return file->flags.load();
        case kSetFlags: change_flags(*file, static_cast<u32>(argument), kChangeable); return 0;
        case kGetLock:
        case kSetLock:
        case kSetLockWait:
        case kOfdGetLock:
        case kOfdSetLock:
        case kOfdSetLockWait: return record_lock(*file, command, InOut<FLock>(UserAddr(argument)));
        default: return file->control(command, argument);
    }
}

SyscallResult sys_flock(int fd, int operation) {
    TRY(fs::flock(*TRY(table().get(fd)), operation));
    return 0;
}

SyscallResult sys_ioctl(int fd, u32 request, u64 argument) {
    // Requests about the descriptor, for every kind of file (include/uapi/asm-generic/ioctls.h).
    constexpr u32 kCloseOnExec = 0x5451, kKeepOnExec = 0x5450, kNonblocking = 0x5421;
    Ref<File> file = TRY(table().get(fd));
    switch (request) {
        case kCloseOnExec:
        case kKeepOnExec: TRY(table().set_close_on_exec_flag(fd, request == kCloseOnExec)); return 0;
        case kNonblocking: {
            int on = TRY(mm::read(In<int>(UserAddr(argument))));
            change_flags(*file, on ? u32{fs::kONonblock} : 0, fs::kONonblock);
            return 0;
        }
        default: return file->ioctl(request, argument);
    }
}

// ---- new descriptors
// -------------------------------------------------------------------------------------------------

Result<void> install_pair(Ref<File> first, Ref<File> second, u32 flags, Out<int> numbers) {
    bool close_on_exec = flags & fs::kOCloseOnExec;
    int one = TRY(table().install(std::move(first), close_on_exec, file_limit()));
    Result<int> two = table().install(std::move(second), close_on_exec, file_limit());
    const int both[] = {one, two.value_or(-1)};
    Result<void> told =
        two ? mm::write_array(numbers, std::span<const int>(both)) : Result<void>(fail(two.error()));
    if (told) return told;
    (void)table().close(one);
    if (two) (void)table().close(*two);
    return told;
}

SyscallResult sys_pipe2(Out<int> fds, int flags) {
    u32 bits = static_cast<u32>(flags);
    if (bits & ~(fs::kOCloseOnExec | fs::kONonblock)) return fail(Errno::kEINVAL);
    fs::PipeEnds ends = TRY(fs::make_pipe(bits & fs::kONonblock));
    TRY(install_pair(std::move(ends.reader), std::move(ends.writer), bits, fds));
    return 0;
}

SyscallResult sys_pipe(Out<int> fds) { return sys_pipe2(fds, 0); }

SyscallResult sys_eventfd2(u32 initial, int flags) {
    u32 bits = static_cast<u32>(flags);
    if (bits & ~(u32{fs::kEventFdSemaphore} | fs::kOCloseOnExec | fs::kONonblock))
        return fail(Errno::kEINVAL);
    Ref<File> file = TRY(fs::make_eventfd(initial, bits));
    return TRY(table().install(std::move(file), bits & fs::kOCloseOnExec, file_limit()));
}

SyscallResult sys_eventfd(u32 initial) { return sys_eventfd2(initial, 0); }

}  // namespace astra::syscalls
