// Open file descriptions: what a descriptor points at.
#pragma once
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/fs/poll.hpp"
#include "guest_kernel/mm/page_source.hpp"
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/wait_queue.hpp"

namespace astra::sched {
class Process;
}

namespace astra::fs {

class Inode;
struct Path;

/// Bytes on their way between a file and its reader or writer, in the program (one buffer or an iovec) or the
/// kernel. Files move data through it and never see where it lies. Copies may fault and sleep: hold no spin
/// lock.
class Buffer {
  public:
    virtual ~Buffer() = default;
    /// Bytes still wanted (read) or offered (write).
    [[nodiscard]] virtual usize remaining() const = 0;
    /// read: hands `from` over; returns how much was taken (short at a bad page; EFAULT when none).
    virtual Result<usize> put(std::span<const u8> from) = 0;
    /// write: fetches up to to.size() bytes.
    virtual Result<usize> take(std::span<u8> to) = 0;
};
class KernelBuffer final : public Buffer {
  public:
    explicit KernelBuffer(std::span<u8> bytes) : bytes_(bytes) {}
    explicit KernelBuffer(std::span<const u8> bytes) : bytes_(const_cast<u8*>(bytes.data()), bytes.size()) {}
    [[nodiscard]] usize remaining() const override { return bytes_.size() - done_; }
    Result<usize> put(std::span<const u8> from) override;
    Result<usize> take(std::span<u8> to) override;
    [[nodiscard]] usize done() const { return done_; }

  private:
    std::span<u8> bytes_;
    usize done_ = 0;
};
class UserBuffer final : public Buffer {
  public:
    UserBuffer(UserAddr address, usize count) : address_(address), count_(count) {}
    [[nodiscard]] usize remaining() const override { return count_; }
    Result<usize> put(std::span<const u8> from) override;
    Result<usize> take(std::span<u8> to) override;

  private:
    UserAddr address_;
    usize count_;
};

/// Several program buffers, filled or emptied in order (readv, writev, recvmsg…).
class IovecBuffer final : public Buffer {
  public:
    /// Reads `count` segments. Errors as readv(2): EINVAL (count, a length, the sum), EFAULT, ENOMEM.
    static Result<IovecBuffer> from(abi::In<abi::IoVec> segments, u64 count);
    [[nodiscard]] usize remaining() const override { return remaining_; }
    Result<usize> put(std::span<const u8> from) override;
    Result<usize> take(std::span<u8> to) override;

  private:
    template <class Copy>
    Result<usize> transfer(usize count, Copy&& copy);
    Vector<abi::IoVec> segments_;
    usize at_ = 0, remaining_ = 0;
};

/// Called for each directory entry; false stops (the entry was not taken).
struct DirectorySink {
    virtual bool entry(std::string_view name, u64 inode, u8 type, i64 next_offset) = 0;

  protected:
    ~DirectorySink() = default;
};

/// As a write's offset: the end of the file, whatever O_APPEND says (RWF_APPEND).
inline constexpr i64 kAtEnd = INT64_MIN;

inline constexpr int kSeekSet = 0, kSeekCurrent = 1, kSeekEnd = 2, kSeekData = 3, kSeekHole = 4;

/// An epoll item's link on the file it watches (epoll.cpp).
struct WatchNode {
    ListNode node;
};

/// Kinds of files that calls of their own work on, and no others.
enum class FileKind : u8 { Other, Epoll, Socket, TimerFd, SignalFd, Pipe, Inotify };

class File : public RefCounted {
  public:
    [[nodiscard]] virtual FileKind kind() const { return FileKind::Other; }
    File();
    ~File() override;
    /// O_* flags: access mode, O_APPEND, O_NONBLOCK, O_DIRECT, O_PATH… (fcntl F_SETFL changes some).
    std::atomic<u32> flags{0};
    /// The description's offset (lseek(2)), for files that are seekable(). Held across the read, write or
    /// read_directory that uses it, so that those who share a description take turns.
    sched::MutexLocked<i64, sched::Rank::FileOffset> position{0};

    [[nodiscard]] bool readable() const { return (flags & 3) != 1; }
    [[nodiscard]] bool writable() const { return (flags & 3) == 1 || (flags & 3) == 2; }
    [[nodiscard]] bool nonblocking() const { return flags & 04000; }

    /// Moves bytes at `*offset` and advances it by what was moved: it points at a pread's own copy or at
    /// `position`, locked by the caller; null for streams. Answers how much was moved: short at the end, at a
    /// bad page, at a signal; an error only when nothing was. A write with O_APPEND, or at kAtEnd, sets
    /// `*offset` to the end first. Defaults: EINVAL.
    virtual Result<usize> read(Buffer& to, i64* offset);
    virtual Result<usize> write(Buffer& from, i64* offset);
    /// True when reads and writes use an offset (regular files, directories); pipes, sockets and ttys: false.
    [[nodiscard]] virtual bool seekable() const { return false; }
    /// lseek(2): moves `position` (which the caller does not hold) and returns it. Errors: ESPIPE, EINVAL,
    /// ENXIO.
    virtual Result<i64> seek(i64 offset, int whence);
    virtual Result<i64> ioctl(u32 request, u64 argument);  // ENOTTY
    /// Commands of fcntl(2) that only some kinds of file know: F_GETPIPE_SZ, F_ADD_SEALS… Default: EINVAL.
    virtual Result<i64> control(int command, u64 argument);
    /// Poll bits true now (fs/poll.hpp). `queue`, when given, receives the queue that announces changes,
    /// which lives as long as the file; null: they never change (epoll refuses such files). Called without
    /// spin locks; takes spin locks at most. Default: always readable and writable, as regular files are.
    virtual u32 poll(sched::WaitQueue** queue);
    /// Hands entries from `offset` on to `sink` and moves `offset` past the last one taken.
    virtual Result<void> read_directory(i64& offset, DirectorySink& sink);  // ENOTDIR
    virtual Result<Ref<mm::PageSource>> page_source();                      // mmap: ENODEV
    virtual Result<void> stat(abi::Stat& out);
    virtual Result<void> truncate(i64 size);  // EINVAL
    /// fallocate(2) with its mode bits; the range was checked.
    virtual Result<void> allocate(int mode, i64 offset, i64 length);  // ENODEV
    virtual Result<void> sync();                                      // EINVAL: nothing to synchronise
    /// Last descriptor of the description in some process closed (POSIX locks), and the last of all
    /// (destructor).
    virtual void on_close() {}
    /// The inode, or null (pipes made by pipe(2), eventfds…).
    [[nodiscard]] virtual Inode* inode();
    /// Where it was opened, or null (files without a name in the tree).
    [[nodiscard]] virtual const Path* path() { return place_.get(); }
    /// Claims the inode for as long as this description lives: to write to it, or to execute it. Called once.
    /// Errors: ETXTBSY.
    Result<void> claim(Inode& inode, bool execute);
    /// Gives a file that a driver made the place it was opened at; called once, by fs::open.
    Result<void> set_place(const Path& path);
    /// The process a pidfd stands for; null for every other file.
    [[nodiscard]] virtual sched::Process* pidfd_process() { return nullptr; }
    /// open(2) of /proc/PID/fd/N: a description of the same object with other flags. By default this
    /// description itself, when its access mode covers what `flags` ask; sockets: ENXIO.
    virtual Result<Ref<File>> reopen(u32 flags);
    /// What /proc/PID/fd/N shows: a path, "pipe:[12]", "anon_inode:[eventfd]".
    virtual Result<String> describe();

    /// Epoll items that watch this file, guarded by epoll.cpp's lock.
    List<WatchNode, &WatchNode::node> watchers;
    std::atomic<u32> watcher_count{0};
    /// Set once the description has owned a lock (locks.cpp).
    std::atomic<bool> took_lock{false};

  protected:
    void destroy() override;

  private:
    Own<Path> place_;
    Ref<Inode> claimed_;
    bool claimed_to_execute_ = false;
};

}  // namespace astra::fs
