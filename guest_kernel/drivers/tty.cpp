// Terminals: a line discipline with a lock, readers, writers and a session; and the one terminal there is,
// the console.
#include "guest_kernel/drivers/tty.hpp"

#include "guest_kernel/drivers/line_discipline.hpp"
#include "guest_kernel/drivers/streams.hpp"
#include "guest_kernel/drivers/virtio_console.hpp"
#include "guest_kernel/fs/poll.hpp"
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/sched/scheduler.hpp"

namespace astra {

namespace {

constexpr int kSigHup = 1, kSigTtin = 21, kSigTtou = 22, kSigCont = 18, kSigWinch = 28;
constexpr u32 kNoctty = 0400;
constexpr u64 kConsoleDevice = (u64{5} << 8) | 1;
enum Ioctl : u32 {
    kTcgets = 0x5401,
    kTcsets,
    kTcsetsw,
    kTcsetsf,
    kTcsbrk = 0x5409,
    kTcxonc,
    kTcflsh,
    kTiocsctty = 0x540e,
    kTiocgpgrp,
    kTiocspgrp,
    kTiocoutq,
    kTiocgwinsz = 0x5413,
    kTiocswinsz,
    kFionread = 0x541b,
    kTiocnotty = 0x5422,
    kTcsbrkp = 0x5425,
    kTiocgsid = 0x5429,
};

struct TtyState {
    tty::LineDiscipline discipline;
    abi::Winsize size{24, 80, 0, 0};
    int session = 0, foreground = 0;
    bool hung_up = false;
};

/// Sends to every process of a group; false when it has none.
bool signal_group(int pgid, int signal) {
    bool any = false;
    sched::tree().with([&](sched::ProcessTree& tree) {
        for (sched::Process& process : tree.all)
            if (process.pgid == pgid && process.state == sched::ProcessState::Live)
                sched::send_signal(process, sched::kernel_signal(signal)), any = true;
    });
    return any;
}

class Tty final : public RefCounted {
  public:
    sched::WaitQueue readable, writable;
    sched::SpinLocked<TtyState, sched::Rank::Tty> state;
    std::atomic<u64> stream_tag{0};  // the program that shows the console; 0: the console port
    std::atomic<bool> attached{false};

    /// To the far side, unprocessed. Waits.
    void transmit(std::span<const u8> bytes) {
        fs::KernelBuffer buffer(bytes);
        if (attached) {
            while (buffer.remaining() && send_output(stream_tag, 1, buffer)) {}
            return;
        }
        virtio::ConsolePort* port = virtio::console_port();
        while (port && buffer.remaining()) {
            auto out = port->acquire(sched::Sleep::Killable);
            if (!out) return;
            port->send(*out, *buffer.take(out->bytes));
        }
    }

    void receive(std::span<const u8> bytes) {
        for (u8 byte : bytes) {
            tty::LineDiscipline::Effects effects;
            int foreground = 0;
            bool stopped;
            {
                auto s = state.lock();
                bool was_stopped = s->discipline.output_stopped;
                s->discipline.input(byte, effects);
                stopped = s->discipline.output_stopped || !was_stopped;
                foreground = s->foreground;
            }
            if (effects.echo_length) transmit({effects.echo, effects.echo_length});
            if (effects.signal && foreground) signal_group(foreground, effects.signal);
            if (effects.readable) readable.wake_all(fs::kPollReadable);
            if (!stopped) writable.wake_all(fs::kPollWritable);
        }
    }

    void hang_up() {
        int session;
        {
            auto s = state.lock();
            s->hung_up = true;
            session = s->session;
        }
        readable.wake_all(fs::kPollReadable | fs::kPollHup);
        if (!session) return;
        signal_group(session, kSigHup);
        signal_group(session, kSigCont);
    }

    void resize(abi::Winsize size) {
        int foreground;
        {
            auto s = state.lock();
            if (!__builtin_memcmp(&s->size, &size, sizeof size)) return;
            s->size = size;
            foreground = s->foreground;
        }
        if (foreground) signal_group(foreground, kSigWinch);
    }
};

constinit Tty* console = nullptr;
Tty& the_console() {
    if (!console) console = new (std::nothrow) Tty;
    if (!console) panic("not enough memory for the console");
    return *console;
}

/// Job control: may the caller read (SIGTTIN) or write and control (SIGTTOU) its terminal now? EIO for
/// orphans.
Result<void> check_foreground(Tty& tty, int signal) {
    auto& process = sched::current_process();
    if (process.terminal.get() != &tty) return {};
    int foreground = tty.state.lock()->foreground;
    if (foreground == 0 || process.pgid == foreground) return {};
    bool blocked = sched::current().blocked_signals & sched::signal_bit(signal);
    bool ignored = process.signals.lock()->actions[signal - 1].handler == 1;
    if (blocked || ignored) return signal == kSigTtin ? fail(Errno::kEIO) : Result<void>{};
    signal_group(process.pgid, signal);
    return fail(Errno::kRestartSys);
}

void become_controlling(Tty& tty) {
    auto& process = sched::current_process();
    if (process.sid != process.pid() || process.terminal) return;
    int owner = tty.state.lock()->session;
    if (owner != 0 && owner != process.sid && sched::session_exists(owner)) return;
    auto s = tty.state.lock();
    if (s->session != owner) return;  // another leader was first
    s->session = process.sid;
    s->foreground = process.pgid;
    s->hung_up = false;
    process.terminal = Ref<RefCounted>(tty);
}

class TtyFile final : public fs::File {
  public:
    explicit TtyFile(Tty& tty) : tty_(tty) {}

    Result<usize> read(fs::Buffer& to, i64*) override {
        if (to.remaining() == 0) return 0;
        TRY(check_foreground(*tty_, kSigTtin));
        for (;;) {
            u8 chunk[512];
            usize count = 0;
            bool eof = false, ready = false;
            u8 minimum, time;
            bool canonical;
            {
                auto s = tty_->state.lock();
                canonical = s->discipline.termios.lflag & tty::kIcanon;
                minimum = s->discipline.termios.cc[tty::kVmin];
                time = s->discipline.termios.cc[tty::kVtime];
                usize available = s->discipline.readable_bytes(eof);
                ready = available != 0 || eof;
                if (ready)
                    count = s->discipline.read(
                        {chunk, to.remaining() < sizeof chunk ? to.remaining() : sizeof chunk});
                else if (s->hung_up)
                    return 0;
            }
            if (ready) return count ? to.put({chunk, count}) : Result<usize>(0);
            if (!canonical && minimum == 0 && time == 0) return 0;
            if (nonblocking()) return fail(Errno::kEAGAIN);
            u64 deadline =
                !canonical && minimum == 0 ? arch::now_ns() + time * 100'000'000ull : sched::kForever;
            auto waited =
                tty_->readable.wait([this] { return can_read(); }, sched::Sleep::Interruptible, deadline);
            if (!waited) return waited.error() == Errno::kETIMEDOUT ? Result<usize>(0) : fail(waited.error());
        }
    }

    Result<usize> write(fs::Buffer& from, i64*) override {
        if (tty_->state.lock()->discipline.termios.lflag & tty::kTostop)
            TRY(check_foreground(*tty_, kSigTtou));
        usize done = 0;
        while (from.remaining()) {
            TRY(tty_->writable.wait([this] { return !tty_->state.lock()->discipline.output_stopped; }));
            u8 raw[512], cooked[1024];
            auto taken = from.take(raw);
            if (!taken) return done ? Result<usize>(done) : taken;
            usize length = 0;
            {
                auto s = tty_->state.lock();
                for (usize i = 0; i < *taken; i++) {
                    u8 out[2];
                    usize count = s->discipline.output(raw[i], out);
                    for (usize j = 0; j < count; j++) cooked[length++] = out[j];
                }
            }
            tty_->transmit({cooked, length});
            done += *taken;
        }
        return done;
    }

    u32 poll(sched::WaitQueue** queue) override {
        if (queue) *queue = &tty_->readable;
        u32 events = fs::kPollWritable;
        if (can_read()) events |= fs::kPollReadable;
        if (tty_->state.lock()->hung_up) events |= fs::kPollHup;
        return events;
    }

    Result<i64> ioctl(u32 request, u64 argument) override;

    Result<void> stat(abi::Stat& out) override {
        if (const fs::Path* place = path()) return place->inode()->stat(out);
        out = {};
        out.mode = 0020620;
        out.rdev = kConsoleDevice;
        out.nlink = 1;
        return {};
    }
    Result<String> describe() override { return String::from("/dev/console"); }

  private:
    bool can_read() {
        auto s = tty_->state.lock();
        bool eof;
        return s->discipline.readable_bytes(eof) || eof || s->hung_up;
    }
    Result<i64> set_termios(UserAddr from, bool flush);
    Result<i64> set_foreground(UserAddr from);
    Ref<Tty> tty_;
};

Result<i64> TtyFile::set_termios(UserAddr from, bool flush) {
    abi::Termios wanted = TRY(mm::read(abi::In<abi::Termios>(from)));
    TRY(check_foreground(*tty_, kSigTtou));
    {
        auto s = tty_->state.lock();
        s->discipline.termios = wanted;
        if (flush) s->discipline.flush_input();
        s->discipline.mode_changed();
    }
    tty_->readable.wake_all(fs::kPollReadable);
    return 0;
}

Result<i64> TtyFile::set_foreground(UserAddr from) {
    int pgid = TRY(mm::read(abi::In<int>(from)));
    auto& process = sched::current_process();
    if (process.terminal.get() != tty_.get()) return fail(Errno::kENOTTY);
    TRY(check_foreground(*tty_, kSigTtou));
    if (pgid < 0) return fail(Errno::kEINVAL);
    bool found = false, same_session = false;
    sched::tree().with([&](sched::ProcessTree& tree) {
        for (sched::Process& other : tree.all)
            if (other.pgid == pgid) found = true, same_session |= other.sid == process.sid;
    });
    if (!found) return fail(Errno::kESRCH);
    if (!same_session) return fail(Errno::kEPERM);
    tty_->state.lock()->foreground = pgid;
    return 0;
}

Result<i64> TtyFile::ioctl(u32 request, u64 argument) {
    UserAddr address(argument);
    auto& process = sched::current_process();
    switch (request) {
        case kTcgets: {
            abi::Termios now = tty_->state.lock()->discipline.termios;
            TRY(mm::write(abi::Out<abi::Termios>(address), now));
            return 0;
        }
        case kTcsets:
        case kTcsetsw: return set_termios(address, false);
        case kTcsetsf: return set_termios(address, true);
        case kTiocgwinsz: {
            abi::Winsize size = tty_->state.lock()->size;
            TRY(mm::write(abi::Out<abi::Winsize>(address), size));
            return 0;
        }
        case kTiocswinsz: {
            abi::Winsize size = TRY(mm::read(abi::In<abi::Winsize>(address)));
            tty_->resize(size);
            return 0;
        }
        case kTiocgpgrp: {
            if (process.terminal.get() != tty_.get()) return fail(Errno::kENOTTY);
            int foreground = tty_->state.lock()->foreground;
            TRY(mm::write(abi::Out<int>(address), foreground));
            return 0;
        }
        case kTiocspgrp: return set_foreground(address);
        case kTiocgsid: {
            if (process.terminal.get() != tty_.get()) return fail(Errno::kENOTTY);
            int session = tty_->state.lock()->session;
            TRY(mm::write(abi::Out<int>(address), session));
            return 0;
        }
        case kTiocsctty:
            become_controlling(*tty_);
            return process.terminal.get() == tty_.get() ? Result<i64>(0) : fail(Errno::kEPERM);
        case kTiocnotty:
            if (process.terminal.get() != tty_.get()) return fail(Errno::kENOTTY);
            process.terminal = nullptr;
            if (process.sid == process.pid())
                tty_->state.with([](TtyState& s) { s.session = s.foreground = 0; });
            return 0;
        case kFionread: {
            bool eof;
            int count = static_cast<int>(tty_->state.lock()->discipline.readable_bytes(eof));
            TRY(mm::write(abi::Out<int>(address), count));
            return 0;
        }
        case kTiocoutq: TRY(mm::write(abi::Out<int>(address), 0)); return 0;
        case kTcflsh:
            if (argument > 2) return fail(Errno::kEINVAL);
            if (argument != 1) tty_->state.lock()->discipline.flush_input();
            return 0;
        case kTcxonc:
            if (argument > 3) return fail(Errno::kEINVAL);
            if (argument < 2) tty_->state.lock()->discipline.output_stopped = argument == 0;
            if (argument == 1) tty_->writable.wake_all(fs::kPollWritable);
            return 0;
        case kTcsbrk:
        case kTcsbrkp: return 0;  // output is handed to the host before write returns
        default: return fail(Errno::kENOTTY);
    }
}

}  // namespace

Result<Ref<fs::File>> open_console(u32 flags) {
    Ref<TtyFile> file = TRY(make_ref<TtyFile>(the_console()));
    file->flags = flags;
    if (!(flags & kNoctty) && sched::scheduler_running() && !sched::current().is_kernel_thread())
        become_controlling(the_console());
    return Ref<fs::File>(std::move(file));
}

Result<Ref<fs::File>> open_controlling_tty(u32 flags) {
    auto& terminal = sched::current_process().terminal;
    if (!terminal) return fail(Errno::kENXIO);
    Ref<TtyFile> file = TRY(make_ref<TtyFile>(static_cast<Tty&>(*terminal)));
    file->flags = flags;
    return Ref<fs::File>(std::move(file));
}

u64 terminal_device(const RefCounted* terminal) { return terminal ? kConsoleDevice : 0; }
int terminal_foreground(const RefCounted* terminal) {
    return terminal ? the_console().state.lock()->foreground : -1;
}

void attach_console(u64 tag) {
    the_console().stream_tag = tag;
    the_console().attached = true;
}
void console_input(std::span<const u8> bytes) { the_console().receive(bytes); }
void hang_up_console() { the_console().hang_up(); }
bool signal_console_foreground(int signal) {
    int foreground = the_console().state.lock()->foreground;
    return foreground && signal_group(foreground, signal);
}
void set_console_size(u16 rows, u16 columns) {
    the_console().resize({rows ? rows : u16{24}, columns ? columns : u16{80}, 0, 0});
}
void drain_console() { the_console().attached = false; }

}  // namespace astra
