// Reading and writing descriptors: read, write and their vectored and positioned forms, lseek.
#include <algorithm>

#include "guest_kernel/syscalls/descriptors.hpp"

namespace astra::syscalls {

namespace {

using fs::File;

/// One program buffer, its length cut as Linux does.
Result<fs::UserBuffer> user_buffer(UserAddr at, usize count) {
    if (static_cast<i64>(count) < 0) return fail(Errno::kEINVAL);
    if (!mm::is_user_range(at, count)) return fail(Errno::kEFAULT);
    return fs::UserBuffer(at, std::min(count, kMaxTransfer));
}

using Transfer = Result<usize> (File::*)(fs::Buffer&, i64*);

/// One move, counted for /proc/PID/io.
SyscallResult counted(File& file, fs::Buffer& buffer, i64* offset, Transfer move) {
    Result<usize> moved = (file.*move)(buffer, offset);
    sched::Process::IoCounts& io = sched::current_process().io;
    bool reads = move == &File::read;
    (reads ? io.read_calls : io.write_calls).fetch_add(1, std::memory_order_relaxed);
    if (moved) (reads ? io.read_bytes : io.written_bytes).fetch_add(*moved, std::memory_order_relaxed);
    return static_cast<i64>(TRY(std::move(moved)));
}

/// At the description's own offset, or as a stream.
SyscallResult transfer(File& file, fs::Buffer& buffer, Transfer move) {
    if (!file.seekable()) return counted(file, buffer, nullptr, move);
    auto position = file.position.lock();
    return counted(file, buffer, &*position, move);
}

/// For transfers that name an offset, unless it is "the description's own". Errors: EBADF, EINVAL; ESPIPE
/// comes before the direction.
Result<Ref<File>> positioned(Result<Ref<File>> (*access)(int), int fd, i64 offset, bool own_offset = false) {
    if (!own_offset && offset < 0) return fail(Errno::kEINVAL);
    if (!own_offset && !TRY(file_of(fd))->seekable()) return fail(Errno::kESPIPE);
    return access(fd);
}

/// At `offset`, which stays the caller's.
SyscallResult transfer_at(File& file, fs::Buffer& buffer, i64 offset, Transfer move) {
    return counted(file, buffer, &offset, move);
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
    Ref<File> file = TRY(positioned(reader, fd, offset));
    fs::UserBuffer buffer = TRY(user_buffer(buf.address(), count));
    return transfer_at(*file, buffer, offset, &File::read);
}

SyscallResult sys_pwrite64(int fd, In<u8> buf, usize count, i64 offset) {
    Ref<File> file = TRY(positioned(writer, fd, offset));
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
    Ref<File> file = TRY(positioned(reader, fd, static_cast<i64>(offset)));
    fs::IovecBuffer buffer = TRY(fs::IovecBuffer::from(iov, static_cast<u32>(iovcnt)));
    return transfer_at(*file, buffer, static_cast<i64>(offset), &File::read);
}

SyscallResult sys_pwritev(int fd, In<IoVec> iov, int iovcnt, u64 offset, u64) {
    Ref<File> file = TRY(positioned(writer, fd, static_cast<i64>(offset)));
    fs::IovecBuffer buffer = TRY(fs::IovecBuffer::from(iov, static_cast<u32>(iovcnt)));
    return transfer_at(*file, buffer, static_cast<i64>(offset), &File::write);
}

namespace {

/// What preadv2(2) and pwritev2(2) ask for one transfer.
constexpr u64 kOwnOffset = ~u64{0};
enum TransferFlags : u32 { kHighPriority = 1, kDataSync = 2, kSync = 4, kNoWait = 8, kAppend = 16 };

SyscallResult transfer_v2(Ref<File> file, In<IoVec> iov, int iovcnt, i64 offset, u32 flags, Transfer move) {
    constexpr u32 kAll = kHighPriority | kDataSync | kSync | kNoWait | kAppend;
    bool writes = move == &File::write;
    fs::IovecBuffer buffer = TRY(fs::IovecBuffer::from(iov, static_cast<u32>(iovcnt)));
    bool own_offset = static_cast<u64>(offset) == kOwnOffset;
    if (flags & ~kAll) return fail(Errno::kENOTSUP);
    // Files keep everything in memory: only streams could wait, and nothing is ever to be synchronised.
    if ((flags & kNoWait) && !file->seekable() &&
        !(file->poll(nullptr) & (writes ? fs::kPollOut : fs::kPollIn)))
        return fail(Errno::kEAGAIN);
    if (writes && (flags & kAppend) && file->seekable()) {
        i64 end = fs::kAtEnd;
        i64 moved = TRY(counted(*file, buffer, &end, move));
        if (own_offset) *file->position.lock() = end;
        return moved;
    }
    return own_offset ? transfer(*file, buffer, move) : transfer_at(*file, buffer, offset, move);
}

}  // namespace

SyscallResult sys_preadv2(int fd, In<IoVec> iov, int iovcnt, u64 offset, u64, u32 flags) {
    Ref<File> file = TRY(positioned(reader, fd, static_cast<i64>(offset), offset == kOwnOffset));
    return transfer_v2(std::move(file), iov, iovcnt, static_cast<i64>(offset), flags, &File::read);
}

SyscallResult sys_pwritev2(int fd, In<IoVec> iov, int iovcnt, u64 offset, u64, u32 flags) {
    Ref<File> file = TRY(positioned(writer, fd, static_cast<i64>(offset), offset == kOwnOffset));
    return transfer_v2(std::move(file), iov, iovcnt, static_cast<i64>(offset), flags, &File::write);
}

SyscallResult sys_lseek(int fd, i64 offset, int whence) { return TRY(file_of(fd))->seek(offset, whence); }

}  // namespace astra::syscalls
