// signalfd(2). One queue serves all of them: what is readable depends on who asks, and a descriptor outlives
// the process it was made in.
#include "guest_kernel/sched/signalfd.hpp"

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/sched/wait_queue.hpp"

namespace astra::sched {

namespace {

constinit std::atomic<u32> g_count{0};
WaitQueue g_readers;

// Which fields of SigInfo mean something (linux/signal.h, siginfo_layout).
enum class Layout { Sender, Queued, Timer, Child, Fault, Poll };

Layout layout_of(const abi::SigInfo& info) {
    struct Range {
        int signal, last_code;
        Layout layout;
    };
    constexpr Range kKernelCodes[] = {
        {kSigChld, 6, Layout::Child}, {kSigSegv, 10, Layout::Fault}, {kSigBus, 5, Layout::Fault},
        {kSigIll, 11, Layout::Fault}, {kSigFpe, 15, Layout::Fault},  {kSigTrap, 6, Layout::Fault},
        {kSigIo, 6, Layout::Poll},
    };
    if (info.code == kSiTimer) return Layout::Timer;
    if (info.code < 0) return Layout::Queued;
    for (const Range& range : kKernelCodes)
        if (info.signo == range.signal && info.code > 0 && info.code <= range.last_code) return range.layout;
    return Layout::Sender;
}

abi::SignalFdInfo to_record(const abi::SigInfo& info) {
    abi::SignalFdInfo record{};
    record.signo = static_cast<u32>(info.signo);
    record.error = info.error;
    record.code = info.code;
    auto set_value = [&record](u64 value) {
        record.pointer = value;
        record.value = static_cast<i32>(value);
    };
    switch (layout_of(info)) {
        case Layout::Queued: set_value(info.sender.value); [[fallthrough]];
        case Layout::Sender:
            record.pid = static_cast<u32>(info.sender.pid);
            record.uid = info.sender.uid;
            break;
        case Layout::Timer:
            record.timer = static_cast<u32>(info.timer.timer);
            record.overrun = static_cast<u32>(info.timer.overrun);
            set_value(info.timer.value);
            break;
        case Layout::Child:
            record.pid = static_cast<u32>(info.child.pid);
            record.uid = info.child.uid;
            record.status = info.child.status;
            record.utime = static_cast<u64>(info.child.utime);
            record.stime = static_cast<u64>(info.child.stime);
            break;
        case Layout::Fault:
            record.address = info.fault.address;
            record.address_lsb = static_cast<u16>(info.fault.lsb);
            break;
        case Layout::Poll:
            record.band = static_cast<u32>(info.poll.band);
            record.fd = info.poll.fd;
            break;
    }
    return record;
}

class SignalFd final : public fs::File {
  public:
    SignalFd(SignalMask mask, u32 how) : mask_(mask) {
        flags = fs::kOReadWrite | (how & fs::kONonblock);
        g_count++;
    }
    ~SignalFd() override { g_count--; }

    [[nodiscard]] fs::FileKind kind() const override { return fs::FileKind::SignalFd; }

    Result<usize> read(fs::Buffer& to, i64*) override {
        if (to.remaining() < sizeof(abi::SignalFdInfo)) return fail(Errno::kEINVAL);
        usize done = 0;
        while (to.remaining() >= sizeof(abi::SignalFdInfo)) {
            abi::SigInfo info;
            if (take_signal(mask_, info)) {
                abi::SignalFdInfo record = to_record(info);
                done += TRY(to.put({reinterpret_cast<const u8*>(&record), sizeof record}));
                continue;
            }
            if (done) return done;
            if (nonblocking()) return fail(Errno::kEAGAIN);
            TRY(g_readers.wait([this] { return waiting(); }));
        }
        return done;
    }

    u32 poll(WaitQueue** queue) override {
        if (queue) *queue = &g_readers;
        return waiting() ? fs::kPollReadable : 0;
    }

    Result<String> describe() override { return String::from("anon_inode:[signalfd]"); }

    void set_mask(SignalMask mask) {
        mask_ = mask;
        g_readers.wake_all(fs::kPollReadable);
    }

  private:
    [[nodiscard]] bool waiting() const { return (pending_signals() & mask_) != 0; }
    std::atomic<SignalMask> mask_;
};

}  // namespace

Result<Ref<fs::File>> make_signalfd(SignalMask mask, u32 flags) {
    return Ref<fs::File>(TRY(make_ref<SignalFd>(mask & ~kUnblockable, flags)));
}

Result<void> set_signalfd_mask(fs::File& file, SignalMask mask) {
    if (file.kind() != fs::FileKind::SignalFd) return fail(Errno::kEINVAL);
    static_cast<SignalFd&>(file).set_mask(mask & ~kUnblockable);
    return {};
}

void wake_signalfds() {
    if (g_count.load(std::memory_order_relaxed)) g_readers.wake_all(fs::kPollReadable);
}

}  // namespace astra::sched
