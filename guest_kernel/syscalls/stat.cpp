// stat and its kin, access, statfs.
#include "guest_kernel/fs/walk.hpp"
#include "guest_kernel/syscalls/path_arguments.hpp"

namespace astra::syscalls {

namespace {

SyscallResult stat_object(const Object& object, Out<Stat> to) {
    Stat stat{};
    TRY(object.stat(stat));
    TRY(mm::write(to, stat));
    return 0;
}

SyscallResult stat_astra(const Object& object, Out<AstraStat> to) {
    Stat stat{};
    TRY(object.stat(stat));
    TRY(mm::write(to, AstraStat{static_cast<u64>(stat.size), stat.mode, static_cast<u64>(stat.mtime.sec)}));
    return 0;
}

StatxTimestamp timestamp(const TimeSpec& time) { return {time.sec, static_cast<u32>(time.nsec), 0}; }

enum StatxMask : u32 { kBasicStats = 0x7ff, kMountId = 0x1000, kReserved = 0x80000000 };

Statx make_statx(const Stat& stat) {
    Statx x{};
    x.mask = kBasicStats;
    x.blksize = static_cast<u32>(stat.blksize);
    x.nlink = static_cast<u32>(stat.nlink);
    x.uid = stat.uid;
    x.gid = stat.gid;
    x.mode = static_cast<u16>(stat.mode);
    x.ino = stat.ino;
    x.size = static_cast<u64>(stat.size);
    x.blocks = static_cast<u64>(stat.blocks);
    x.atime = timestamp(stat.atime);
    x.ctime = timestamp(stat.ctime);
    x.mtime = timestamp(stat.mtime);
    x.rdev_major = fs::device_major(stat.rdev);
    x.rdev_minor = fs::device_minor(stat.rdev);
    x.dev_major = fs::device_major(stat.dev);
    x.dev_minor = fs::device_minor(stat.dev);
    return x;
}

SyscallResult check(int dirfd, UserString path, int mode, u32 flags) {
    constexpr u32 kKnown = fs::kAtEffectiveIds | fs::kAtSymlinkNoFollow | fs::kAtEmptyPath;
    constexpr u32 kAnything = fs::kRead | fs::kWrite | fs::kExecute;
    if ((flags & ~kKnown) || (static_cast<u32>(mode) & ~kAnything)) return fail(Errno::kEINVAL);
    PathArgument argument = TRY(read_path(dirfd, path));
    fs::Caller caller = fs::Caller::current();
    if (!(flags & fs::kAtEffectiveIds)) {
        caller.credentials.fsuid = caller.credentials.uid;
        caller.credentials.fsgid = caller.credentials.gid;
    }
    fs::Path found;
    if (argument.text.empty() && (flags & fs::kAtEmptyPath)) {
        Object object = dirfd == fs::kAtCwd ? Object{nullptr, argument.base} : TRY(find_object(dirfd));
        if (!object.path) return 0;  // a pipe or the like: whoever has it may use it
        found = std::move(object.path);
    } else {
        u32 walk = flags & fs::kAtSymlinkNoFollow ? 0 : u32{fs::kFollow};
        found = TRY(fs::Walker(caller, argument.base, walk).resolve(argument.text));
    }
    fs::Inode& inode = *found.dentry->inode;
    u32 wanted = static_cast<u32>(mode);
    if ((wanted & fs::kExecute) && inode.is_regular() && found.mount &&
        (found.mount->flags & fs::kMountNoExec))
        return fail(Errno::kEACCES);
    TRY(fs::check_access(inode, wanted, caller.credentials));
    bool device = !inode.is_regular() && !inode.is_directory() && !inode.is_symlink();
    if ((wanted & fs::kWrite) && found.read_only() && !device) return fail(Errno::kEROFS);
    return 0;
}

SyscallResult statfs_of(const fs::Path& path, Out<StatFs> to) {
    constexpr i64 kAnonymousMagic = 0x09041934, kValid = 0x20, kRelatime = 0x1000;
    StatFs out{};
    out.type = kAnonymousMagic;
    out.bsize = out.frsize = kPageSize;
    out.namelen = fs::kNameMax;
    if (path.mount) {
        TRY(path.mount->fs->statfs(out));
        // ST_RDONLY, ST_NOSUID, ST_NODEV, ST_NOEXEC, ST_NOATIME, ST_NODIRATIME are the MS_* bits.
        u64 flags = path.mount->flags & fs::kMountKept;
        out.flags = kValid | static_cast<i64>(flags) | (flags & fs::kMountNoAtime ? 0 : kRelatime);
    }
    TRY(mm::write(to, out));
    return 0;
}

}  // namespace

SyscallResult sys_stat(UserString path, Out<Stat> to) {
    return stat_object(TRY(find_object(fs::kAtCwd, path, 0)), to);
}
SyscallResult sys_lstat(UserString path, Out<Stat> to) {
    return stat_object(TRY(find_object(fs::kAtCwd, path, fs::kAtSymlinkNoFollow)), to);
}
SyscallResult sys_fstat(int fd, Out<Stat> to) { return stat_object(TRY(find_object(fd)), to); }

SyscallResult sys_newfstatat(int dirfd, UserString path, Out<Stat> to, int flags) {
    constexpr u32 kKnown = fs::kAtSymlinkNoFollow | fs::kAtNoAutomount | fs::kAtEmptyPath;
    if (static_cast<u32>(flags) & ~kKnown) return fail(Errno::kEINVAL);
    return stat_object(TRY(find_object(dirfd, path, static_cast<u32>(flags))), to);
}

SyscallResult sys_astra_stat(UserString path, Out<AstraStat> to) {
    return stat_astra(TRY(find_object(fs::kAtCwd, path, 0)), to);
}
SyscallResult sys_astra_fstat(int fd, Out<AstraStat> to) { return stat_astra(TRY(find_object(fd)), to); }

SyscallResult sys_statx(int dirfd, UserString path, int flags, u32 mask, Out<Statx> to) {
    constexpr u32 kKnown =
        fs::kAtSymlinkNoFollow | fs::kAtNoAutomount | fs::kAtEmptyPath | fs::kAtStatxSyncType;
    u32 bits = static_cast<u32>(flags);
    if ((bits & ~kKnown) || (bits & fs::kAtStatxSyncType) == fs::kAtStatxSyncType || (mask & kReserved))
        return fail(Errno::kEINVAL);
    Object object = TRY(find_object(dirfd, path, bits));
    Stat stat{};
    TRY(object.stat(stat));
    Statx x = make_statx(stat);
    if (object.path.mount) {
        x.mask |= kMountId;
        x.mnt_id = object.path.mount->id;
    }
    TRY(mm::write(to, x));
    return 0;
}

SyscallResult sys_access(UserString path, int mode) { return check(fs::kAtCwd, path, mode, 0); }
SyscallResult sys_faccessat(int dirfd, UserString path, int mode) { return check(dirfd, path, mode, 0); }
SyscallResult sys_faccessat2(int dirfd, UserString path, int mode, int flags) {
    return check(dirfd, path, mode, static_cast<u32>(flags));
}

SyscallResult sys_statfs(UserString path, Out<StatFs> to) {
    return statfs_of(TRY(find_path(fs::kAtCwd, path, fs::kFollow)), to);
}
SyscallResult sys_fstatfs(int fd, Out<StatFs> to) { return statfs_of(TRY(find_object(fd)).path, to); }

}  // namespace astra::syscalls
