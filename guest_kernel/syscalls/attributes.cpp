// Changing what a file is: chmod, chown, utimes, truncate.
#include "guest_kernel/syscalls/path_arguments.hpp"

namespace astra::syscalls {

namespace {

constexpr TimeSpec kNow{0, fs::kTimeNow};

SyscallResult change_mode(const Object& object, u32 mode) {
    TRY(fs::change_mode(TRY(object.place()), mode));
    return 0;
}

SyscallResult change_owner(int dirfd, UserString path, u32 uid, u32 gid, u32 flags) {
    if (flags & ~u32(fs::kAtSymlinkNoFollow | fs::kAtEmptyPath)) return fail(Errno::kEINVAL);
    Object object = TRY(find_object(dirfd, path, flags));
    TRY(fs::change_owner(TRY(object.place()), uid, gid));
    return 0;
}

SyscallResult change_times(const Object& object, const TimeSpec& atime, const TimeSpec& mtime) {
    TRY(fs::change_times(TRY(object.place()), atime, mtime));
    return 0;
}

/// Two times in microseconds, or now when the program gave none.
SyscallResult change_times(int dirfd, UserString path, In<TimeVal> times) {
    TimeSpec set[2] = {kNow, kNow};
    if (!times.is_null())
        for (int i = 0; i < 2; i++) {
            TimeVal time = TRY(mm::read(times + static_cast<u64>(i)));
            if (time.usec < 0 || time.usec > 999'999) return fail(Errno::kEINVAL);
            set[i] = {time.sec, time.usec * 1000};
        }
    return change_times(TRY(find_object(dirfd, path, 0)), set[0], set[1]);
}

}  // namespace

SyscallResult sys_chmod(UserString path, u32 mode) {
    return change_mode(TRY(find_object(fs::kAtCwd, path, 0)), mode);
}
SyscallResult sys_fchmod(int fd, u32 mode) {
    TRY(sched::current_process().fds().get(fd));  // not through O_PATH
    return change_mode(TRY(find_object(fd)), mode);
}
SyscallResult sys_fchmodat(int dirfd, UserString path, u32 mode) {
    return change_mode(TRY(find_object(dirfd, path, 0)), mode);
}

SyscallResult sys_fchmodat2(int dirfd, UserString path, u32 mode, int flags) {
    u32 bits = static_cast<u32>(flags);
    if (bits & ~u32(fs::kAtSymlinkNoFollow | fs::kAtEmptyPath)) return fail(Errno::kEINVAL);
    Object object = TRY(find_object(dirfd, path, bits));
    if (object.path && object.path.dentry->inode->is_symlink()) return fail(Errno::kENOTSUP);
    return change_mode(object, mode);
}

SyscallResult sys_chown(UserString path, u32 uid, u32 gid) {
    return change_owner(fs::kAtCwd, path, uid, gid, 0);
}
SyscallResult sys_lchown(UserString path, u32 uid, u32 gid) {
    return change_owner(fs::kAtCwd, path, uid, gid, fs::kAtSymlinkNoFollow);
}
SyscallResult sys_fchownat(int dirfd, UserString path, u32 uid, u32 gid, int flags) {
    return change_owner(dirfd, path, uid, gid, static_cast<u32>(flags));
}
SyscallResult sys_fchown(int fd, u32 uid, u32 gid) {
    TRY(sched::current_process().fds().get(fd));
    TRY(fs::change_owner(TRY(TRY(find_object(fd)).place()), uid, gid));
    return 0;
}

SyscallResult sys_utime(UserString path, In<i64> times) {
    TimeSpec atime = kNow, mtime = kNow;
    if (!times.is_null()) {
        atime = {TRY(mm::read(times)), 0};
        mtime = {TRY(mm::read(times + 1)), 0};
    }
    return change_times(TRY(find_object(fs::kAtCwd, path, 0)), atime, mtime);
}
SyscallResult sys_utimes(UserString path, In<TimeVal> times) { return change_times(fs::kAtCwd, path, times); }
SyscallResult sys_futimesat(int dirfd, UserString path, In<TimeVal> times) {
    return change_times(dirfd, path, times);
}
SyscallResult sys_utimensat(int dirfd, UserString path, In<TimeSpec> times, int flags) {
    u32 bits = static_cast<u32>(flags);
    if (bits & ~u32(fs::kAtSymlinkNoFollow | fs::kAtEmptyPath)) return fail(Errno::kEINVAL);
    TimeSpec atime = kNow, mtime = kNow;
    if (!times.is_null()) {
        atime = TRY(mm::read(times));
        mtime = TRY(mm::read(times + 1));
    }
    // futimens(3) is utimensat without a path.
    if (path.is_null() && dirfd != fs::kAtCwd) {
        if (bits) return fail(Errno::kEINVAL);
        return change_times(TRY(find_object(dirfd)), atime, mtime);
    }
    return change_times(TRY(find_object(dirfd, path, bits)), atime, mtime);
}

SyscallResult sys_truncate(UserString path, i64 length) {
    if (length < 0) return fail(Errno::kEINVAL);
    TRY(fs::change_size(TRY(find_path(fs::kAtCwd, path, fs::kFollow)), length));
    return 0;
}
SyscallResult sys_ftruncate(int fd, i64 length) {
    if (length < 0) return fail(Errno::kEINVAL);
    Ref<fs::File> file = TRY(sched::current_process().fds().get(fd));
    if (!file->writable()) return fail(Errno::kEINVAL);
    TRY(file->truncate(length));
    return 0;
}

}  // namespace astra::syscalls
