// Pseudo-terminals: a terminal whose far side is a file, the master (pty(7), ioctl_tty(2)).
#include "guest_kernel/base/format.hpp"
#include "guest_kernel/drivers/tty.hpp"
#include "guest_kernel/drivers/tty_object.hpp"
#include "guest_kernel/fs/devpts.hpp"
#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/poll.hpp"
#include "guest_kernel/fs/vfs.hpp"

namespace astra {

namespace {

using tty::Tty;

constexpr int kRlimitFiles = 7;  // RLIMIT_NOFILE

/// The terminal, with the output that its master has not read yet.
class Pty final : public Tty {
  public:
    static constexpr usize kOutputSize = 8192;
    struct Output {
        u8 ring[kOutputSize];
        usize head = 0, used = 0, reserved = 0;
        u8 events = 0;  // PacketEvents not told yet
        bool packets = false, locked = true, master_gone = false;
        bool closed = false;  // it was open, and no longer is

        [[nodiscard]] usize free() const { return kOutputSize - used - reserved; }
    };
    sched::SpinLocked<Output, sched::Rank::Tty> output;
    sched::WaitQueue master_changes;
    std::atomic<u32> number{0};  // in its devpts; set once, before anybody else sees it

    [[nodiscard]] u64 device() const override { return fs::make_device(fs::Devpts::kMajor, number); }
    [[nodiscard]] bool may_open() override {
        return output.with([](Output& out) { return !out.locked && !out.master_gone; });
    }
    usize room() override { return output.lock()->free(); }

    usize reserve(usize wanted) override {
        auto out = output.lock();
        usize got = wanted < out->free() ? wanted : out->free();
        out->reserved += got;
        return got;
    }

    void transmit(std::span<const u8> bytes, usize reserved) override {
        bool was_full, is_full;
        {
            auto out = output.lock();
            was_full = out->free() < 2;
            out->reserved -= reserved;
            for (u8 byte : bytes) out->ring[(out->head + out->used++) % kOutputSize] = byte;
            is_full = out->free() < 2;
        }
        if (!bytes.empty()) master_changes.wake_all(fs::kPollReadable);
        if (was_full && !is_full) changes.wake_all(fs::kPollWritable);
    }

    /// For the master: takes output. `events`: what a master in packet mode must hear first instead.
    usize take_output(std::span<u8> to, u8& events) {
        usize count = 0;
        bool was_full;
        {
            auto out = output.lock();
            was_full = out->free() < 2;
            if (out->packets) events = std::exchange(out->events, u8{0});
            if (events) return 0;
            for (; count < to.size() && out->used; out->used--, count++)
                to[count] = std::exchange(out->ring[out->head], u8{0}),
                out->head = (out->head + 1) % kOutputSize;
        }
        if (was_full && count) changes.wake_all(fs::kPollWritable);
        return count;
    }

    void packet_event(u8 event) override {
        bool told = output.with([event](Output& out) {
            if (!out.packets) return false;
            constexpr u8 kFlow = tty::kStop | tty::kStart, kKeys = tty::kNoStop | tty::kDoStop;
            for (u8 either : {kFlow, kKeys})
                if (event & either) out.events = static_cast<u8>(out.events & ~either);
            out.events |= event;
            return true;
        });
        if (told) master_changes.wake_all(fs::kPollReadable | fs::kPollPri);
    }

    void input_drained() override { master_changes.wake_all(fs::kPollWritable); }
    void opened() override { output.lock()->closed = false; }
    void last_closed() override {
        output.lock()->closed = true;
        master_changes.wake_all(fs::kPollHup | fs::kPollReadable);
    }
};

class Master final : public fs::File {
  public:
    Master(Ref<Pty> pty, Ref<fs::Devpts> home, u32 open_flags)
        : pty_(std::move(pty)), home_(std::move(home)) {
        flags = open_flags;
    }
    ~Master() override {
        home_->remove(pty_->number);
        pty_->output.lock()->master_gone = true;
        pty_->hang_up();
    }

    Result<usize> read(fs::Buffer& to, i64*) override;
    Result<usize> write(fs::Buffer& from, i64*) override;
    Result<i64> ioctl(u32 request, u64 argument) override;

    u32 poll(sched::WaitQueue** queue) override {
        if (queue) *queue = &pty_->master_changes;
        u32 bits = pty_->input_room() ? u32{fs::kPollWritable} : 0;
        auto out = pty_->output.lock();
        if (out->used) bits |= fs::kPollReadable;
        if (out->packets && out->events) bits |= fs::kPollReadable | fs::kPollPri;
        if (out->closed) bits |= fs::kPollHup;
        return bits;
    }

    [[nodiscard]] Pty& pty() const { return *pty_; }

  private:
    bool can_read() {
        auto out = pty_->output.lock();
        return out->used || out->closed || (out->packets && out->events);
    }
    const Ref<Pty> pty_;
    const Ref<fs::Devpts> home_;
};

Result<usize> Master::read(fs::Buffer& to, i64*) {
    if (to.remaining() == 0) return 0;
    for (;;) {
        u8 chunk[1024];
        auto [packets, closed] =
            pty_->output.with([](Pty::Output& out) { return std::pair(out.packets, out.closed); });
        usize header = packets ? 1 : 0;
        usize most = to.remaining() < sizeof chunk ? to.remaining() : sizeof chunk;
        u8 events = 0;
        usize count = pty_->take_output({chunk + header, most - header}, events);
        if (packets) chunk[0] = events;
        if (events) return to.put({chunk, 1});
        if (count || (most == header && can_read())) return to.put({chunk, count + header});
        if (closed) return fail(Errno::kEIO);
        if (nonblocking()) return fail(Errno::kEAGAIN);
        TRY(pty_->master_changes.wait([this] { return can_read(); }));
    }
}

Result<usize> Master::write(fs::Buffer& from, i64*) {
    usize done = 0;
    auto partly = [&done](Errno error) { return done ? Result<usize>(done) : fail(error); };
    while (from.remaining()) {
        u8 chunk[256];
        usize room = pty_->input_room();
        if (room > 0) {
            auto taken = from.take({chunk, room < sizeof chunk ? room : sizeof chunk});
            if (!taken) return partly(taken.error());
            pty_->receive({chunk, *taken});
            done += *taken;
            continue;
        }
        if (nonblocking()) return partly(Errno::kEAGAIN);
        Result<void> slept = pty_->master_changes.wait([this] { return pty_->input_room() > 0; });
        if (!slept) return partly(slept.error());
    }
    return done;
}

Result<Ref<fs::File>> open_slave(Tty& terminal, u32 flags) {
    if (!terminal.may_open()) return fail(Errno::kEIO);
    tty::offer_controlling(terminal, flags);
    return tty::open_tty(terminal, flags & ~u32{fs::kOOnlyAtOpen});
}

template <class T>
Result<i64> answer(u64 to, const T& value) {
    TRY(mm::write(abi::Out<T>(UserAddr(to)), value));
    return 0;
}

Result<i64> get_number(Master& master, u64 to) { return answer(to, master.pty().number.load()); }

template <bool Pty::Output::*Flag>
Result<i64> get_flag(Master& master, u64 to) {
    bool on = master.pty().output.with([](Pty::Output& out) { return out.*Flag; });
    return answer(to, int{on});
}

Result<i64> set_locked(Master& master, u64 from) {
    int on = TRY(mm::read(abi::In<int>(UserAddr(from))));
    master.pty().output.lock()->locked = on != 0;
    return 0;
}

Result<i64> set_packets(Master& master, u64 from) {
    int on = TRY(mm::read(abi::In<int>(UserAddr(from))));
    auto out = master.pty().output.lock();
    if (!out->packets) out->events = 0;
    out->packets = on != 0;
    return 0;
}

Result<i64> count_output(Master& master, u64 to) {
    int count = static_cast<int>(master.pty().output.lock()->used);
    return answer(to, count);
}

Result<i64> send_signal(Master& master, u64 number) {
    constexpr u64 kSigInt = 2, kSigQuit = 3, kSigTstp = 20;
    if (number != kSigInt && number != kSigQuit && number != kSigTstp) return fail(Errno::kEINVAL);
    master.pty().signal_foreground(static_cast<int>(number));
    return 0;
}

/// The terminal itself, whatever its node's permissions are.
Result<i64> open_peer(Master& master, u64 open_flags) {
    char name[16];
    usize length = format_to(name, sizeof name, "%u", master.pty().number.load());
    fs::Path place = TRY(fs::resolve(TRY(fs::devpts_of(*master.path())), {name, length}, 0));
    u32 flags = static_cast<u32>(open_flags);
    Ref<fs::File> file = TRY(open_slave(master.pty(), flags));
    TRY(file->set_place(place));
    auto& process = sched::current_process();
    return TRY(
        process.fds().install(std::move(file), flags & fs::kOCloseOnExec, process.limit(kRlimitFiles)));
}

/// The ioctls that only masters know.
struct Request {
    u32 number;
    Result<i64> (*run)(Master&, u64 argument);
};
constexpr Request kRequests[] = {
    {0x541b, count_output},                         // FIONREAD
    {0x5420, set_packets},                          // TIOCPKT
    {0x5441, open_peer},                            // TIOCGPTPEER
    {0x80045430, get_number},                       // TIOCGPTN
    {0x40045431, set_locked},                       // TIOCSPTLCK
    {0x40045436, send_signal},                      // TIOCSIG
    {0x80045438, get_flag<&Pty::Output::packets>},  // TIOCGPKT
    {0x80045439, get_flag<&Pty::Output::locked>},   // TIOCGPTLCK
};

Result<i64> Master::ioctl(u32 request, u64 argument) {
    for (const Request& known : kRequests)
        if (known.number == request) return known.run(*this, argument);
    return tty::control_tty(*pty_, true, request, argument);
}

}  // namespace

Result<Ref<fs::File>> open_pty_master(const fs::Path& path, u32 flags) {
    fs::Path top = TRY(fs::devpts_of(path));
    Ref<fs::Devpts> home(static_cast<fs::Devpts&>(*top.mount->fs));
    Ref<Pty> pty = TRY(make_ref<Pty>());
    pty->number = TRY(home->add(pty));  // locked: nobody opens it yet
    auto master = make_ref<Master>(pty, home, flags);
    if (!master) {
        home->remove(pty->number);
        return fail(master.error());
    }
    return Ref<fs::File>(std::move(*master));
}

Result<Ref<fs::File>> open_pty(const fs::Path& path, u32 flags) {
    if (!path.dentry->fs || path.dentry->fs->type() != "devpts") return fail(Errno::kEIO);
    abi::Stat status{};
    TRY(path.dentry->inode->stat(status));
    auto& home = static_cast<fs::Devpts&>(*path.dentry->fs);
    Ref<RefCounted> terminal = home.terminal(fs::device_minor(status.rdev));
    if (!terminal) return fail(Errno::kEIO);
    return open_slave(static_cast<Tty&>(*terminal), flags);
}

}  // namespace astra
