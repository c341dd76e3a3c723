// Pipes and FIFOs.
#include "guest_kernel/fs/pipe.hpp"

#include <algorithm>
#include <bit>

#include "guest_kernel/base/format.hpp"
#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/pipe_ring.hpp"
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra::fs {

namespace {

constexpr int kSigPipe = 13;
constexpr usize kPipeBuf = 4096;  // writes up to this size are not torn
constexpr usize kDefaultCapacity = 64 << 10, kMaxUnprivileged = 1 << 20, kMaxCapacity = 16 << 20;
constexpr int kSetPipeSize = 1031, kGetPipeSize = 1032;  // F_SETPIPE_SZ, F_GETPIPE_SZ
constexpr u32 kBytesReadable = 0x541b;                   // FIONREAD
constexpr u64 kPipeDevice = 13;                          // 00:0d
constexpr u32 kFifo = 0010000;                           // S_IFIFO
constexpr u64 kNoCount = ~u64{0};

std::atomic<u64> last_number{0};

/// What both ends share. The counters are changed under the ring's mutex or at open and close; readiness is
/// read from them without it.
struct Pipe : RefCounted {
    ~Pipe() override;
    ListNode fifo_node;
    Ref<Inode> fifo;  // null: made by pipe(2)
    sched::MutexLocked<PipeRing, sched::Rank::Pipe> ring;
    std::atomic<usize> used{0}, capacity{0};
    std::atomic<u32> readers{0}, writers{0};
    std::atomic<u64> reader_opens{0}, writer_opens{0};
    std::atomic<u32> readers_asleep{0}, writers_asleep{0};
    sched::WaitQueue can_read, can_write, opened;
    sched::WaitQueue pollers;
    std::atomic<bool> lent{false};  // to drain_pipe: the bytes at the front stay until it is done with them
    const u64 number = last_number.fetch_add(1) + 1;

    [[nodiscard]] usize room() const { return capacity - used; }
    [[nodiscard]] bool can_be_read() const { return used > 0 && !lent; }
    [[nodiscard]] bool at_end() const { return writers == 0 && used == 0; }

    void bytes_arrived() {
        if (readers_asleep) can_read.wake(kPollReadable);
        pollers.wake(kPollReadable);
    }
    void bytes_left() {
        if (writers_asleep) can_write.wake(kPollWritable);
        pollers.wake(kPollWritable);
    }
    void all_changed(u32 events) {
        can_read.wake_all(events);
        can_write.wake_all(events);
        opened.wake_all(events);
        pollers.wake(events);
    }
    Result<void> resize(usize bytes) {
        TRY(ring.with([&](PipeRing& r) { return r.resize(bytes); }));
        capacity = bytes;
        bytes_left();
        return {};
    }
};

/// FIFOs that are open. Not owned: a pipe leaves the list when it ends.
sched::SpinLocked<List<Pipe, &Pipe::fifo_node>, sched::Rank::FileRegistry> fifos;

Pipe::~Pipe() {
    if (fifo) fifos.with([this](auto& list) { list.remove(*this); });
}

/// Counts those asleep, so that the other side knows whether to wake anyone.
template <class Ready>
Result<void> wait_counted(sched::WaitQueue& queue, std::atomic<u32>& asleep, Ready&& ready) {
    asleep++;
    Result<void> slept = queue.wait(ready);
    asleep--;
    return slept;
}

/// Nobody will read what is written: the writer hears SIGPIPE.
Errno broken_pipe() {
    if (!sched::current().is_kernel_thread())
        sched::send_signal(sched::current(), sched::kernel_signal(kSigPipe));
    return Errno::kEPIPE;
}

class PipeFile final : public File {
  public:
    [[nodiscard]] FileKind kind() const override { return FileKind::Pipe; }
    [[nodiscard]] Pipe& pipe() const { return *pipe_; }
    PipeFile(Ref<Pipe> pipe, u32 open_flags) : pipe_(std::move(pipe)) {
        flags = open_flags;
        if (readable()) pipe_->readers++, pipe_->reader_opens++;
        if (writable()) pipe_->writers++, pipe_->writer_opens++;
    }
    ~PipeFile() override;

    Result<usize> read(Buffer& to, i64*) override;
    Result<usize> write(Buffer& from, i64*) override;
    u32 poll(sched::WaitQueue** queue) override;
    Result<i64> ioctl(u32 request, u64 argument) override;
    Result<i64> control(int command, u64 argument) override;
    Result<void> stat(abi::Stat& out) override;
    Result<Ref<File>> reopen(u32 wanted) override;
    Result<String> describe() override;
    [[nodiscard]] Inode* inode() override { return pipe_->fifo.get(); }
    /// A reader that came before any writer sees no hang-up until one has come and gone.
    void ignore_hangup_until_writer() { unseen_writers_ = pipe_->writer_opens.load(); }

  private:
    Ref<Pipe> pipe_;
    std::atomic<u64> unseen_writers_{kNoCount};
};

PipeFile::~PipeFile() {
    if (readable()) pipe_->readers--;
    if (writable()) pipe_->writers--;
    pipe_->all_changed(kPollHup | kPollErr | kPollReadable | kPollWritable);
}

Result<usize> PipeFile::read(Buffer& to, i64*) {
    Pipe& p = *pipe_;
    if (!readable()) return fail(Errno::kEBADF);
    if (to.remaining() == 0) return 0;
    for (;;) {
        {
            auto ring = p.ring.lock();
            if (p.can_be_read()) {
                Result<usize> moved = ring->read(to);
                p.used = ring->used();
                ring.unlock();
                if (moved && *moved > 0) p.bytes_left();
                return moved;
            }
        }
        if (p.at_end()) return 0;
        if (nonblocking()) return fail(Errno::kEAGAIN);
        TRY(wait_counted(p.can_read, p.readers_asleep, [&p] { return p.can_be_read() || p.at_end(); }));
    }
}

Result<usize> PipeFile::write(Buffer& from, i64*) {
    Pipe& p = *pipe_;
    if (!writable()) return fail(Errno::kEBADF);
    const usize total = from.remaining();
    usize done = 0;
    auto partly = [&done](Errno error) -> Result<usize> {
        if (done > 0) return done;
        return fail(error);
    };
    while (from.remaining() > 0) {
        if (p.readers == 0) return partly(broken_pipe());
        const usize needed = total <= kPipeBuf ? total : 1;
        Result<usize> moved = usize{0};
        {
            auto ring = p.ring.lock();
            if (ring->room() >= needed) moved = ring->write(from);
            p.used = ring->used();
        }
        if (!moved) return partly(moved.error());
        if (*moved > 0) {
            done += *moved;
            p.bytes_arrived();
            if (total <= kPipeBuf) return done;
            continue;
        }
        if (nonblocking()) return partly(Errno::kEAGAIN);
        Result<void> slept = wait_counted(p.can_write, p.writers_asleep,
                                          [&p, needed] { return p.room() >= needed || p.readers == 0; });
        if (!slept) return partly(slept.error());
    }
    return done;
}

u32 PipeFile::poll(sched::WaitQueue** queue) {
    Pipe& p = *pipe_;
    if (queue) *queue = &p.pollers;
    u32 events = 0;
    if (readable()) {
        if (p.used > 0) events |= kPollReadable;
        if (p.writers == 0 && p.writer_opens != unseen_writers_) events |= kPollHup;
    }
    if (writable()) {
        if (p.room() >= kPipeBuf) events |= kPollWritable;
        if (p.readers == 0) events |= kPollErr;
    }
    return events;
}

Result<i64> PipeFile::ioctl(u32 request, u64 argument) {
    if (request != kBytesReadable) return fail(Errno::kENOTTY);
    int bytes = static_cast<int>(pipe_->used.load());
    TRY(mm::write(abi::Out<int>(UserAddr(argument)), bytes));
    return 0;
}

Result<i64> PipeFile::control(int command, u64 argument) {
    if (command == kGetPipeSize) return static_cast<i64>(pipe_->capacity.load());
    if (command != kSetPipeSize) return fail(Errno::kEINVAL);
    u64 wanted = static_cast<u32>(argument);
    if (wanted == 0 || wanted > 1u << 31) return fail(Errno::kEINVAL);
    usize bytes = std::bit_ceil(std::max<u64>(wanted, kPageSize));
    if (bytes > kMaxUnprivileged && !sched::current_process().credentials().is_root())
        return fail(Errno::kEPERM);
    if (bytes > kMaxCapacity) return fail(Errno::kENOMEM);
    TRY(pipe_->resize(bytes));
    return static_cast<i64>(bytes);
}

Result<void> PipeFile::stat(abi::Stat& out) {
    if (pipe_->fifo) return pipe_->fifo->stat(out);
    out = {};
    out.dev = kPipeDevice;
    out.ino = pipe_->number;
    out.nlink = 1;
    out.mode = kFifo | 0600;
    out.blksize = kPageSize;
    return {};
}

Result<Ref<File>> PipeFile::reopen(u32 wanted) {
    if (pipe_->fifo) return open_fifo(*pipe_->fifo, wanted);
    return Ref<File>(TRY(make_ref<PipeFile>(pipe_, wanted & ~kOOnlyAtOpen)));
}

Result<String> PipeFile::describe() {
    if (path()) return File::describe();
    char text[32];
    usize length = format_to(text, sizeof text, "pipe:[%lu]", pipe_->number);
    return String::from({text, length});
}

Pipe& pipe_of(File& file) { return static_cast<PipeFile&>(file).pipe(); }

/// The pipe behind a FIFO: shared by all who have it open.
Result<Ref<Pipe>> find_fifo(Inode& inode) {
    auto find = [&inode](auto& list) -> Ref<Pipe> {
        for (Pipe& pipe : list)
            if (pipe.fifo.get() == &inode && pipe.try_ref()) return Ref<Pipe>::adopt(&pipe);
        return {};
    };
    if (Ref<Pipe> found = fifos.with(find)) return found;
    Ref<Pipe> pipe = TRY(make_ref<Pipe>());
    TRY(pipe->resize(kDefaultCapacity));
    auto list = fifos.lock();
    if (Ref<Pipe> found = find(*list)) return found;
    pipe->fifo = Ref<Inode>(inode);
    list->push_back(*pipe);
    return pipe;
}

}  // namespace

bool same_pipe(File& one, File& other) { return &pipe_of(one) == &pipe_of(other); }

Result<usize> pipe_room(File& writer, bool nonblocking) {
    Pipe& p = pipe_of(writer);
    for (;;) {
        if (p.readers == 0) return fail(broken_pipe());
        if (usize room = p.room()) return room;
        if (nonblocking) return fail(Errno::kEAGAIN);
        TRY(wait_counted(p.can_write, p.writers_asleep, [&p] { return p.room() > 0 || p.readers == 0; }));
    }
}

Result<usize> drain_pipe(File& reader, Buffer& to, bool keep, bool nonblocking) {
    constexpr usize kChunk = 64 << 10;
    Pipe& p = pipe_of(reader);
    Vector<u8> chunk;
    TRY(chunk.resize(std::min(to.remaining(), kChunk)));
    for (;;) {
        usize count = p.ring.with([&](PipeRing& ring) -> usize {
            if (!p.can_be_read()) return 0;
            p.lent = true;
            return ring.peek({chunk.data(), chunk.size()});
        });
        if (count > 0) {
            Result<usize> moved = to.put({chunk.data(), count});
            p.ring.with([&](PipeRing& ring) {
                if (moved && !keep) ring.drop(*moved);
                p.used = ring.used();
                p.lent = false;
            });
            p.can_read.wake_all(kPollReadable);  // those who found it lent
            p.bytes_left();
            return moved;
        }
        if (p.at_end()) return 0;
        if (nonblocking) return fail(Errno::kEAGAIN);
        TRY(wait_counted(p.can_read, p.readers_asleep, [&p] { return p.can_be_read() || p.at_end(); }));
    }
}

Result<PipeEnds> make_pipe(u32 flags) {
    Ref<Pipe> pipe = TRY(make_ref<Pipe>());
    TRY(pipe->resize(kDefaultCapacity));
    PipeEnds ends;
    ends.reader = TRY(make_ref<PipeFile>(pipe, kOReadOnly | flags));
    ends.writer = TRY(make_ref<PipeFile>(pipe, kOWriteOnly | flags));
    return ends;
}

Result<Ref<File>> open_fifo(Inode& inode, u32 flags) {
    const u32 kept = flags & ~kOOnlyAtOpen;
    Ref<Pipe> shared = TRY(find_fifo(inode));
    Pipe& p = *shared;
    bool nonblocking = flags & kONonblock;
    u32 mode = flags & kOAccessMode;
    if (mode == kOWriteOnly && nonblocking && p.readers == 0) return fail(Errno::kENXIO);
    u64 readers_before = p.reader_opens, writers_before = p.writer_opens;
    Ref<PipeFile> file = TRY(make_ref<PipeFile>(std::move(shared), kept));
    p.all_changed(0);
    if (mode == kOReadOnly && p.writers == 0) {
        if (nonblocking)
            file->ignore_hangup_until_writer();
        else
            TRY(p.opened.wait([&] { return p.writer_opens != writers_before; }));
    } else if (mode == kOWriteOnly && p.readers == 0) {
        TRY(p.opened.wait([&] { return p.reader_opens != readers_before; }));
    }
    return Ref<File>(std::move(file));
}

}  // namespace astra::fs
