// Copies inside the kernel: sendfile, copy_file_range, splice, tee, vmsplice.
#include <algorithm>

#include "guest_kernel/fs/inode.hpp"
#include "guest_kernel/fs/pipe.hpp"
#include "guest_kernel/syscalls/descriptors.hpp"

namespace astra::syscalls {

using fs::File;

namespace {

constexpr usize kCopyChunk = 64 << 10;

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
/// `once`: no more than what one read gives, as from a stream whose next bytes may be long in coming.
Result<usize> copy_between(CopyEnd& from, CopyEnd& to, usize count, bool once = false) {
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
        if (once || moved < *got || sched::current().signal_pending()) break;
    }
    return done;
}

Result<u32> type_of(File& file) {
    Stat status{};
    TRY(file.stat(status));
    return status.mode & fs::kTypeMask;
}

}  // namespace

SyscallResult sys_sendfile(int out_fd, int in_fd, InOut<i64> offset, usize count) {
    Ref<File> in = TRY(reader(in_fd)), out = TRY(writer(out_fd));
    // The source must be something with pages; the target must not be one that puts data elsewhere than
    // asked.
    CopyEnd from = TRY(CopyEnd::make(*in, offset)), to = TRY(CopyEnd::make(*out, {}));
    if (!in->seekable() || out->flags & fs::kOAppend) return fail(Errno::kEINVAL);
    if (static_cast<i64>(count) < 0) return fail(Errno::kEINVAL);
    usize moved = TRY(copy_between(from, to, std::min(count, kMaxTransfer)));
    TRY(to.finish({}));
    TRY(from.finish(offset));
    return static_cast<i64>(moved);
}

SyscallResult sys_copy_file_range(int fd_in, InOut<i64> off_in, int fd_out, InOut<i64> off_out, usize length,
                                  u32 flags) {
    if (flags != 0) return fail(Errno::kEINVAL);
    Ref<File> in = TRY(file_of(fd_in)), out = TRY(file_of(fd_out));
    u32 types[] = {TRY(type_of(*in)), TRY(type_of(*out))};
    if (types[0] == fs::kTypeDirectory || types[1] == fs::kTypeDirectory) return fail(Errno::kEISDIR);
    if (types[0] != fs::kTypeRegular || types[1] != fs::kTypeRegular) return fail(Errno::kEINVAL);
    if (!in->readable() || !out->writable() || out->flags & fs::kOAppend) return fail(Errno::kEBADF);
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

namespace {

enum SpliceFlags : u32 { kMove = 1, kSpliceNonblock = 2, kMore = 4, kGift = 8, kSpliceAll = 15 };

bool is_pipe(File& file) { return file.kind() == fs::FileKind::Pipe; }

/// A file as where a pipe's bytes go.
class FileBuffer final : public fs::Buffer {
  public:
    FileBuffer(CopyEnd& to, usize count) : to_(to), left_(count) {}
    [[nodiscard]] usize remaining() const override { return left_; }
    Result<usize> put(std::span<const u8> from) override {
        fs::KernelBuffer bytes(from);
        usize moved = TRY(to_.file.write(bytes, to_.place()));
        left_ -= moved;
        return moved;
    }
    Result<usize> take(std::span<u8>) override { return fail(Errno::kEINVAL); }

  private:
    CopyEnd& to_;
    usize left_;
};

/// Out of a pipe, once what is in it can go to `to`.
Result<usize> splice_out(File& pipe, CopyEnd& to, usize count, bool nonblocking, bool keep = false) {
    if (is_pipe(to.file)) count = std::min(count, TRY(fs::pipe_room(to.file, nonblocking)));
    usize done = 0;
    do {
        FileBuffer target(to, count - done);
        Result<usize> moved = fs::drain_pipe(pipe, target, keep, nonblocking || done > 0);
        if (!moved) return done > 0 ? Result<usize>(done) : moved;
        if (*moved == 0) break;
        done += *moved;
    } while (!keep && done < count && !sched::current().signal_pending());
    return done;
}

}  // namespace

SyscallResult sys_splice(int fd_in, InOut<i64> off_in, int fd_out, InOut<i64> off_out, usize length,
                         u32 flags) {
    if (length == 0) return 0;
    if (flags & ~u32{kSpliceAll}) return fail(Errno::kEINVAL);
    Ref<File> in = TRY(reader(fd_in)), out = TRY(writer(fd_out));
    bool from_pipe = is_pipe(*in), to_pipe = is_pipe(*out);
    if ((from_pipe && !off_in.is_null()) || (to_pipe && !off_out.is_null())) return fail(Errno::kESPIPE);
    if (!from_pipe && !to_pipe) return fail(Errno::kEINVAL);
    if (from_pipe && to_pipe && fs::same_pipe(*in, *out)) return fail(Errno::kEINVAL);
    if (from_pipe && (out->flags & fs::kOAppend)) return fail(Errno::kEINVAL);
    if ((!off_in.is_null() && !in->seekable()) || (!off_out.is_null() && !out->seekable()))
        return fail(Errno::kEINVAL);
    length = std::min(length, kMaxTransfer);
    CopyEnd from = TRY(CopyEnd::make(*in, off_in)), to = TRY(CopyEnd::make(*out, off_out));
    usize moved;
    if (from_pipe) {
        bool nonblocking = flags & kSpliceNonblock || in->nonblocking() || (to_pipe && out->nonblocking());
        moved = TRY(splice_out(*in, to, length, nonblocking));
    } else {
        bool nonblocking = flags & kSpliceNonblock || out->nonblocking();
        length = std::min({length, TRY(fs::pipe_room(*out, nonblocking)), kCopyChunk});
        moved = TRY(copy_between(from, to, length, true));
    }
    TRY(from.finish(off_in));
    TRY(to.finish(off_out));
    return static_cast<i64>(moved);
}

SyscallResult sys_tee(int fd_in, int fd_out, usize length, u32 flags) {
    if (flags & ~u32{kSpliceAll}) return fail(Errno::kEINVAL);
    if (length == 0) return 0;
    Ref<File> in = TRY(reader(fd_in)), out = TRY(writer(fd_out));
    if (!is_pipe(*in) || !is_pipe(*out) || fs::same_pipe(*in, *out)) return fail(Errno::kEINVAL);
    bool nonblocking = flags & kSpliceNonblock || in->nonblocking() || out->nonblocking();
    CopyEnd to = TRY(CopyEnd::make(*out, {}));
    return static_cast<i64>(TRY(splice_out(*in, to, std::min(length, kMaxTransfer), nonblocking, true)));
}

// Pages are copied, gift or not.
SyscallResult sys_vmsplice(int fd, In<IoVec> iov, usize count, u32 flags) {
    if (flags & ~u32{kSpliceAll}) return fail(Errno::kEINVAL);
    Ref<File> pipe = TRY(file_of(fd));
    if (!is_pipe(*pipe)) return fail(Errno::kEBADF);
    fs::IovecBuffer buffer = TRY(fs::IovecBuffer::from(iov, count));
    if (buffer.remaining() == 0) return 0;
    if (!pipe->writable())
        return static_cast<i64>(TRY(fs::drain_pipe(*pipe, buffer, false, flags & kSpliceNonblock)));
    // With SPLICE_F_NONBLOCK no more than fits.
    usize room = TRY(fs::pipe_room(*pipe, flags & kSpliceNonblock));
    if (!(flags & kSpliceNonblock) || buffer.remaining() <= room)
        return static_cast<i64>(TRY(pipe->write(buffer, nullptr)));
    Vector<u8> bytes;
    TRY(bytes.resize(room));
    fs::KernelBuffer some(std::span<const u8>(bytes.data(), TRY(buffer.take({bytes.data(), room}))));
    return static_cast<i64>(TRY(pipe->write(some, nullptr)));
}

}  // namespace astra::syscalls
