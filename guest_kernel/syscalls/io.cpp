// Reading and writing descriptors: read, write and their vectored and positioned forms, lseek, copies between
// files.
#include <algorithm>

#include "guest_kernel/fs/file.hpp"
#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

constexpr usize kMaxTransfer = 0x7fff'f000;  // MAX_RW_COUNT
constexpr usize kCopyChunk = 64 << 10;
constexpr u32 kTypeMask = 0170000, kTypeRegular = 0100000, kTypeDirectory = 0040000;

using fs::File;

Result<Ref<File>> file_of(int fd) { return sched::current_process().fds().get(fd); }

Result<Ref<File>> reader(int fd) {
    Ref<File> file = TRY(file_of(fd));
    if (!file->readable()) return fail(Errno::kEBADF);
    return file;
}
Result<Ref<File>> writer(int fd) {
    Ref<File> file = TRY(file_of(fd));
    if (!file->writable()) return fail(Errno::kEBADF);
    return file;
}

/// One program buffer, its length cut as Linux does.
Result<fs::UserBuffer> user_buffer(UserAddr at, usize count) {
    if (static_cast<i64>(count) < 0) return fail(Errno::kEINVAL);
    if (!mm::is_user_range(at, count)) return fail(Errno::kEFAULT);
    return fs::UserBuffer(at, std::min(count, kMaxTransfer));
}

using Transfer = Result<usize> (File::*)(fs::Buffer&, i64*);

/// At the description's own offset, or as a stream.
SyscallResult transfer(File& file, fs::Buffer& buffer, Transfer move) {
    if (!file.seekable()) return static_cast<i64>(TRY((file.*move)(buffer, nullptr)));
    auto position = file.position.lock();
    return static_cast<i64>(TRY((file.*move)(buffer, &*position)));
}

/// At `offset`, which stays the caller's.
SyscallResult transfer_at(File& file, fs::Buffer& buffer, i64 offset, Transfer move) {
    if (offset < 0) return fail(Errno::kEINVAL);
    if (!file.seekable()) return fail(Errno::kESPIPE);
    return static_cast<i64>(TRY((file.*move)(buffer, &offset)));
}

}  // namespace

SyscallResult sys_read(int fd, Out<u8> buf, usize count) {
    Ref<File> file = TRY(reader(fd));
    fs::UserBuffer buffer = TRY(user_buffer(buf.address(), count));
    return transfer(*file, buffer, &File::read);
}

SyscallResult sys_write(int fd, In<u8> buf, usize count) {
    Ref<File> file = TRY(writer(fd));
    fs::UserBuffer buffer = TRY(user_buffer(buf.address(), count));
    return transfer(*file, buffer, &File::write);
}

SyscallResult sys_pread64(int fd, Out<u8> buf, usize count, i64 offset) {
    if (offset < 0) return fail(Errno::kEINVAL);
    Ref<File> file = TRY(reader(fd));
    fs::UserBuffer buffer = TRY(user_buffer(buf.address(), count));
    return transfer_at(*file, buffer, offset, &File::read);
}

SyscallResult sys_pwrite64(int fd, In<u8> buf, usize count, i64 offset) {
    if (offset < 0) return fail(Errno::kEINVAL);
    Ref<File> file = TRY(writer(fd));
    fs::UserBuffer buffer = TRY(user_buffer(buf.address(), count));
    return transfer_at(*file, buffer, offset, &File::write);
}

SyscallResult sys_readv(int fd, In<IoVec> iov, int iovcnt) {
    Ref<File> file = TRY(reader(fd));
    fs::IovecBuffer buffer = TRY(fs::IovecBuffer::from(iov, static_cast<u32>(iovcnt)));
    return transfer(*file, buffer, &File::read);
}

SyscallResult sys_writev(int fd, In<IoVec> iov, int iovcnt) {
    Ref<File> file = TRY(writer(fd));
    fs::IovecBuffer buffer = TRY(fs::IovecBuffer::from(iov, static_cast<u32>(iovcnt)));
    return transfer(*file, buffer, &File::write);
}

// The high half of the offset is for 32-bit programs; here the low one has all 64 bits.
SyscallResult sys_preadv(int fd, In<IoVec> iov, int iovcnt, u64 offset, u64) {
    Ref<File> file = TRY(reader(fd));
    fs::IovecBuffer buffer = TRY(fs::IovecBuffer::from(iov, static_cast<u32>(iovcnt)));
    return transfer_at(*file, buffer, static_cast<i64>(offset), &File::read);
}

SyscallResult sys_pwritev(int fd, In<IoVec> iov, int iovcnt, u64 offset, u64) {
    Ref<File> file = TRY(writer(fd));
    fs::IovecBuffer buffer = TRY(fs::IovecBuffer::from(iov, static_cast<u32>(iovcnt)));
    return transfer_at(*file, buffer, static_cast<i64>(offset), &File::write);
}

SyscallResult sys_lseek(int fd, i64 offset, int whence) { return TRY(file_of(fd))->seek(offset, whence); }

namespace {

/// One side of a copy inside the kernel: a file at its own offset, at one of the caller's, or as a stream.
struct CopyEnd {
    File& file;
    i64 offset = 0;
    bool own_offset = false;

    static Result<CopyEnd> make(File& file, InOut<i64> offset) {
        CopyEnd end{.file = file};
        if (!offset.is_null()) {
            end.offset = TRY(mm::read(offset));
            if (!file.seekable()) return fail(Errno::kESPIPE);
            if (end.offset < 0) return fail(Errno::kEINVAL);
        } else if (file.seekable()) {
            end.own_offset = true;
            end.offset = *file.position.lock();
        }
        return end;
    }
    i64* place() { return file.seekable() ? &offset : nullptr; }
    Result<void> finish(InOut<i64> to) {
        if (own_offset) *file.position.lock() = offset;
        return mm::write_if(to, offset);
    }
};

/// Copies through a kernel buffer until `count` bytes are moved, the source ends or the target takes no more.
Result<usize> copy_between(CopyEnd& from, CopyEnd& to, usize count) {
    Vector<u8> chunk;
    TRY(chunk.resize(std::min(count, kCopyChunk)));
    usize done = 0;
    while (done < count) {
        i64 start = from.offset;
        fs::KernelBuffer in(std::span<u8>(chunk.data(), std::min(chunk.size(), count - done)));
        Result<usize> got = from.file.read(in, from.place());
        if (!got || *got == 0) return done > 0 || got ? Result<usize>(done) : got;
        fs::KernelBuffer out(std::span<const u8>(chunk.data(), *got));
        Result<usize> put = to.file.write(out, to.place());
        usize moved = put ? *put : 0;
        from.offset = start + static_cast<i64>(moved);  // what was not taken is read again next time
        done += moved;
        if (!put) return done > 0 ? Result<usize>(done) : put;
        if (moved < *got || sched::current().signal_pending()) break;
    }
    return done;
}

Result<u32> type_of(File& file) {
    Stat status{};
    TRY(file.stat(status));
    return status.mode & kTypeMask;
}

}  // namespace

SyscallResult sys_sendfile(int out_fd, int in_fd, InOut<i64> offset, usize count) {
    Ref<File> in = TRY(reader(in_fd)), out = TRY(writer(out_fd));
    // The source must be something with pages; the target must not be one that puts data elsewhere than
    // asked.
    if (!in->seekable() || out->flags & fs::kOAppend) return fail(Errno::kEINVAL);
    CopyEnd from = TRY(CopyEnd::make(*in, offset)), to = TRY(CopyEnd::make(*out, {}));
    usize moved = TRY(copy_between(from, to, std::min(count, kMaxTransfer)));
    TRY(to.finish({}));
    TRY(from.finish(offset));
    return static_cast<i64>(moved);
}

SyscallResult sys_copy_file_range(int fd_in, InOut<i64> off_in, int fd_out, InOut<i64> off_out, usize length,
                                  u32 flags) {
    if (flags != 0) return fail(Errno::kEINVAL);
    Ref<File> in = TRY(reader(fd_in)), out = TRY(writer(fd_out));
    if (out->flags & fs::kOAppend) return fail(Errno::kEBADF);
    for (File* file : {in.get(), out.get()}) {
        u32 type = TRY(type_of(*file));
        if (type == kTypeDirectory) return fail(Errno::kEISDIR);
        if (type != kTypeRegular) return fail(Errno::kEINVAL);
    }
    CopyEnd from = TRY(CopyEnd::make(*in, off_in)), to = TRY(CopyEnd::make(*out, off_out));
    i64 count = static_cast<i64>(std::min(length, kMaxTransfer));
    bool same = in->inode() == out->inode();
    if (same && from.offset < to.offset + count && to.offset < from.offset + count)
        return fail(Errno::kEINVAL);
    usize moved = TRY(copy_between(from, to, static_cast<usize>(count)));
    TRY(from.finish(off_in));
    TRY(to.finish(off_out));
    return static_cast<i64>(moved);
}

// ---- files' contents as a whole
// -------------------------------------------------------------------------------------

SyscallResult sys_fsync(int fd) {
    TRY(TRY(file_of(fd))->sync());
    return 0;
}
SyscallResult sys_fdatasync(int fd) { return sys_fsync(fd); }

// File systems live in memory: there is nothing to write back.
SyscallResult sys_sync() { return 0; }

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
