// What a file does when its kind has nothing of its own to say.
#include "guest_kernel/fs/file.hpp"

#include "guest_kernel/fs/epoll.hpp"
#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/locks.hpp"
#include "guest_kernel/fs/notify.hpp"
#include "guest_kernel/fs/vfs.hpp"

namespace astra::fs {

namespace {

constexpr u64 kAnonymousDevice = 14;  // 00:0e, where Linux tends to have its own

}  // namespace

Result<usize> File::read(Buffer&, i64*) { return fail(Errno::kEINVAL); }
Result<usize> File::write(Buffer&, i64*) { return fail(Errno::kEINVAL); }

// lseek(2) with the end from stat() and no holes.
Result<i64> File::seek(i64 offset, int whence) {
    if (!seekable()) return fail(Errno::kESPIPE);
    auto at = position.lock();
    i64 base = 0;
    if (whence == kSeekCurrent) {
        base = *at;
    } else if (whence != kSeekSet) {
        abi::Stat status{};
        TRY(stat(status));
        if (whence == kSeekEnd) {
            base = status.size;
        } else if (whence == kSeekData || whence == kSeekHole) {
            if (offset < 0 || offset >= status.size) return fail(Errno::kENXIO);
            if (whence == kSeekHole) offset = status.size;
        } else {
            return fail(Errno::kEINVAL);
        }
    }
    i64 wanted;
    if (__builtin_add_overflow(base, offset, &wanted)) return fail(Errno::kEOVERFLOW);
    if (wanted < 0) return fail(Errno::kEINVAL);
    return *at = wanted;
}

Result<i64> File::ioctl(u32, u64) { return fail(Errno::kENOTTY); }
Result<i64> File::control(int, u64) { return fail(Errno::kEINVAL); }

u32 File::poll(sched::WaitQueue** queue) {
    if (queue) *queue = nullptr;
    return kPollReadable | kPollWritable;
}

Result<void> File::read_directory(i64&, DirectorySink&) { return fail(Errno::kENOTDIR); }
Result<Ref<mm::PageSource>> File::page_source() { return fail(Errno::kENODEV); }

Result<void> File::stat(abi::Stat& out) {
    if (Inode* node = inode()) return node->stat(out);
    // An anonymous inode: one for all, as on Linux.
    out = {};
    out.dev = kAnonymousDevice;
    out.ino = 1;
    out.nlink = 1;
    out.mode = 0600;
    out.blksize = kPageSize;
    return {};
}

Result<void> File::truncate(i64) { return fail(Errno::kEINVAL); }
Result<void> File::allocate(int, i64, i64) { return fail(Errno::kENODEV); }
Result<void> File::sync() { return fail(Errno::kEINVAL); }

Result<Ref<File>> File::reopen(u32 wanted) {
    u32 mode = wanted & 3;
    if ((mode != 1 && !readable()) || (mode != 0 && !writable())) return fail(Errno::kEACCES);
    return Ref<File>(*this);
}

Result<String> File::describe() {
    if (const Path* where = path()) return path_name(*where);
    return String::from("anon_inode:[unknown]");
}

// Epoll instances watch files without owning them: they are told before the file's parts begin to vanish. So
// are the locks.
void File::destroy() {
    if (const Path* where = path(); where && !(flags & kOPath))
        notify_object(*where->dentry, writable() ? kNotifyCloseWrite : kNotifyCloseNoWrite);
    forget_watched(*this);
    release_description_locks(*this);
    delete this;
}

}  // namespace astra::fs
