// Files' contents as a whole: synchronisation, advice, space.
#include "guest_kernel/fs/inode.hpp"
#include "guest_kernel/syscalls/descriptors.hpp"

namespace astra::syscalls {

using fs::File;

SyscallResult sys_fsync(int fd) {
    TRY(TRY(file_of(fd))->sync());
    return 0;
}
SyscallResult sys_fdatasync(int fd) { return sys_fsync(fd); }

// File systems live in memory: there is nothing to write back.
SyscallResult sys_sync() { return 0; }

SyscallResult sys_syncfs(int fd) {
    TRY(file_of(fd));
    return 0;
}

SyscallResult sys_sync_file_range(int fd, i64 offset, i64 length, u32 flags) {
    constexpr u32 kAll = 7;  // SYNC_FILE_RANGE_WAIT_BEFORE, _WRITE, _WAIT_AFTER
    Ref<File> file = TRY(file_of(fd));
    i64 end;
    if ((flags & ~kAll) || offset < 0 || length < 0 || __builtin_add_overflow(offset, length, &end))
        return fail(Errno::kEINVAL);
    if (!file->seekable()) return fail(Errno::kESPIPE);
    return 0;
}

SyscallResult sys_readahead(int fd, i64, usize) {
    Ref<File> file = TRY(file_of(fd));
    if (!file->readable()) return fail(Errno::kEBADF);
    fs::Inode* inode = file->inode();
    return inode && inode->is_regular() ? SyscallResult(0) : fail(Errno::kEINVAL);
}

SyscallResult sys_fadvise64(int fd, i64, usize length, int advice) {
    constexpr int kLastAdvice = 5;  // POSIX_FADV_NOREUSE
    Ref<File> file = TRY(file_of(fd));
    if (static_cast<i64>(length) < 0 || advice < 0 || advice > kLastAdvice) return fail(Errno::kEINVAL);
    if (!file->seekable()) return fail(Errno::kESPIPE);
    return 0;  // no read-ahead and no write-back to advise
}

SyscallResult sys_fallocate(int fd, int mode, i64 offset, i64 length) {
    Ref<File> file = TRY(file_of(fd));
    if (offset < 0 || length <= 0) return fail(Errno::kEINVAL);
    if (!file->writable()) return fail(Errno::kEBADF);
    if (!file->seekable()) return fail(Errno::kESPIPE);
    i64 end;
    if (__builtin_add_overflow(offset, length, &end)) return fail(Errno::kEFBIG);
    TRY(file->allocate(mode, offset, length));
    return 0;
}

}  // namespace astra::syscalls
