// Terminals: input, hang-ups, sessions and job control.
#include "guest_kernel/drivers/tty_object.hpp"

#include "guest_kernel/drivers/tty.hpp"
#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/poll.hpp"
#include "guest_kernel/sched/scheduler.hpp"

namespace astra::tty {

bool signal_group(int pgid, int signal) {
    return sched::signal_group(pgid, sched::kernel_signal(signal)) != 0;
}

bool Tty::signal_foreground(int signal) {
    int foreground = state.lock()->foreground;
    return foreground && signal_group(foreground, signal);
}

void Tty::receive(std::span<const u8> bytes) {
    for (u8 byte : bytes) {
        LineDiscipline::Effects effects;
        bool was_stopped, stopped, flushes;
        {
            auto s = state.lock();
            was_stopped = s->discipline.output_stopped;
            s->discipline.input(byte, effects);
            stopped = s->discipline.output_stopped;
            flushes = effects.signal && !(s->discipline.termios.lflag & kNoflsh);
        }
        if (flushes) packet_event(kFlushRead | kFlushWrite);
        if (effects.echo_length) {
            usize room = reserve(effects.echo_length);  // what does not fit is lost
            transmit({effects.echo, room < effects.echo_length ? room : effects.echo_length}, room);
        }
        if (effects.signal) signal_foreground(effects.signal);
        if (effects.readable) changes.wake_all(fs::kPollReadable);
        if (stopped == was_stopped) continue;
        packet_event(stopped ? kStop : kStart);
        if (!stopped) changes.wake_all(fs::kPollWritable);
    }
}

usize Tty::input_room() { return state.lock()->discipline.input_room(); }

usize Tty::take_input(std::span<u8> to, bool& ended) {
    usize count = 0;
    bool was_full;
    {
        auto s = state.lock();
        bool marked;  // ^D
        usize available = s->discipline.readable_bytes(marked);
        ended = available == 0 && (marked || s->input_ended);
        was_full = s->discipline.input_room() == 0;
        if (available || marked) count = s->discipline.read(to);
    }
    if (was_full) input_drained();
    return count;
}

bool Tty::has_input() {
    auto s = state.lock();
    bool marked;
    return s->discipline.readable_bytes(marked) || marked || s->input_ended;
}

void Tty::resize(abi::Winsize size) {
    {
        auto s = state.lock();
        if (!__builtin_memcmp(&s->size, &size, sizeof size)) return;
        s->size = size;
    }
    signal_foreground(kSigWinch);
}

void Tty::hang_up() {
    {
        auto s = state.lock();
        s->hangups++;
        s->opens = 0;
        s->discipline.flush_input();
    }
    changes.wake_all(fs::kPollReadable | fs::kPollWritable | fs::kPollErr | fs::kPollHup);
    disown(Parting::HungUp);
}

void Tty::disown(Parting why) {
    int session, foreground;
    {
        auto s = state.lock();
        session = std::exchange(s->session, 0);
        foreground = std::exchange(s->foreground, 0);
    }
    if (!session) return;
    {
        auto tree = sched::tree().lock();
        for (sched::Process& process : tree->all) {
            if (process.sid != session) continue;
            if (process.terminal.get() == this) process.terminal = nullptr;
            bool leads = process.pid() == session && process.state == sched::ProcessState::Live;
            if (!leads || why != Parting::HungUp) continue;
            sched::send_signal(process, sched::kernel_signal(kSigHup));
            sched::send_signal(process, sched::kernel_signal(kSigCont));
        }
    }
    if (!foreground || why == Parting::HungUp) return;
    signal_group(foreground, kSigHup);
    if (why == Parting::LeaderLeaves) signal_group(foreground, kSigCont);
}

Result<void> check_foreground(Tty& tty, int signal) {
    auto& process = sched::current_process();
    if (process.terminal.get() != &tty) return {};
    int foreground = tty.state.lock()->foreground;
    if (foreground == 0 || process.pgid == foreground) return {};
    bool blocked = sched::current().blocked_signals & sched::signal_bit(signal);
    bool ignored = process.signals.lock()->actions[signal - 1].handler == 1;
    if (blocked || ignored) return signal == kSigTtin ? fail(Errno::kEIO) : Result<void>{};
    if (sched::tree().with([&](auto& tree) { return tree.is_orphaned(process.pgid); }))
        return fail(Errno::kEIO);
    signal_group(process.pgid, signal);
    return fail(Errno::kRestartSys);
}

Result<void> become_controlling(Tty& tty, bool steal) {
    auto& process = sched::current_process();
    auto tree = sched::tree().lock();
    bool leads = process.sid == process.pid();
    if (leads && process.terminal.get() == &tty) return {};
    if (!leads || process.terminal) return fail(Errno::kEPERM);
    int owner = tty.state.lock()->session;
    for (sched::Process& other : tree->all) {
        if (owner == 0 || other.sid != owner || other.terminal.get() != &tty) continue;
        if (!steal) return fail(Errno::kEPERM);
        other.terminal = nullptr;  // the caller's file holds another reference
    }
    auto s = tty.state.lock();
    s->session = process.sid;
    s->foreground = process.pgid;
    s->input_ended = false;
    s.unlock();
    process.terminal = Ref<RefCounted>(tty);
    return {};
}

void offer_controlling(Tty& tty, u32 flags) {
    bool wanted = !(flags & fs::kONoCtty) && (flags & fs::kOAccessMode) != fs::kOWriteOnly;
    // Not every opener leads a session without a terminal; then nothing changes.
    if (wanted && sched::scheduler_running() && !sched::current().is_kernel_thread())
        (void)become_controlling(tty, false);
}

}  // namespace astra::tty

namespace astra {

using tty::Tty;

Result<Ref<fs::File>> open_controlling_tty(const fs::Path&, u32 flags) {
    Ref<RefCounted> terminal = sched::tree().with([](auto&) { return sched::current_process().terminal; });
    if (!terminal) return fail(Errno::kENXIO);
    return tty::open_tty(static_cast<Tty&>(*terminal), flags);
}

u64 terminal_device(const RefCounted* terminal) {
    return terminal ? static_cast<const Tty*>(terminal)->device() : 0;
}

int terminal_foreground(RefCounted* terminal) {
    return terminal ? static_cast<Tty*>(terminal)->state.lock()->foreground : -1;
}

void end_session(RefCounted& terminal) { static_cast<Tty&>(terminal).disown(tty::Parting::LeaderEnds); }

}  // namespace astra
