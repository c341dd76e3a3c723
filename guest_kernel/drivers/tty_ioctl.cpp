// The ioctls of terminals (ioctl_tty(2)), as one table.
#include "guest_kernel/drivers/tty_object.hpp"
#include "guest_kernel/fs/poll.hpp"

namespace astra::tty {

namespace {

/// Whom an ioctl was sent to: a terminal, through a file of its own or its master's.
struct Target {
    Tty& tty;
    bool from_master;
    /// Is it the caller's controlling terminal, or the caller its master? Errors: ENOTTY.
    [[nodiscard]] Result<void> check_owned() const {
        bool owned = from_master || sched::current_process().terminal.get() == &tty;
        return owned ? Result<void>{} : fail(Errno::kENOTTY);
    }
};

template <class T>
Result<i64> answer(u64 to, const T& value) {
    TRY(mm::write(abi::Out<T>(UserAddr(to)), value));
    return 0;
}

Result<i64> get_termios(const Target& target, u64 to) {
    abi::Termios now = target.tty.state.lock()->discipline.termios;
    return answer(to, now);
}

/// Are ^S and ^Q what stops and starts output? A master in packet mode hears when that changes.
bool stops_by_default_keys(const abi::Termios& t) {
    return (t.iflag & kIxon) && t.cc[kVstop] == 023 && t.cc[kVstart] == 021;
}

Result<i64> change_termios(const Target& target, u64 from, bool flush) {
    abi::Termios wanted = TRY(mm::read(abi::In<abi::Termios>(UserAddr(from))));
    if (!target.from_master) TRY(check_foreground(target.tty, kSigTtou));
    bool before, after = stops_by_default_keys(wanted);
    {
        auto s = target.tty.state.lock();
        before = stops_by_default_keys(s->discipline.termios);
        s->discipline.termios = wanted;
        if (flush) s->discipline.flush_input();
        s->discipline.mode_changed();
    }
    if (flush) target.tty.packet_event(kFlushRead);
    if (before != after) target.tty.packet_event(after ? kDoStop : kNoStop);
    target.tty.changes.wake_all(fs::kPollReadable);
    return 0;
}
Result<i64> set_termios(const Target& target, u64 from) { return change_termios(target, from, false); }
Result<i64> set_termios_flush(const Target& target, u64 from) { return change_termios(target, from, true); }

// Output is with the far side before write returns.
Result<i64> drained(const Target&, u64) { return 0; }

Result<i64> flow(const Target& target, u64 action) {
    enum : u64 { kOutputOff, kOutputOn, kInputOff, kInputOn };
    if (action > kInputOn) return fail(Errno::kEINVAL);
    TRY(check_foreground(target.tty, kSigTtou));
    if (action <= kOutputOn) {
        target.tty.state.lock()->discipline.output_stopped = action == kOutputOff;
        target.tty.packet_event(action == kOutputOff ? kStop : kStart);
        if (action == kOutputOn) target.tty.changes.wake_all(fs::kPollWritable);
        return 0;
    }
    abi::Termios termios = target.tty.state.lock()->discipline.termios;
    u8 key = termios.cc[action == kInputOff ? kVstop : kVstart];
    if (key && target.tty.reserve(1)) target.tty.transmit({&key, 1}, 1);
    return 0;
}

Result<i64> flush(const Target& target, u64 queue) {
    enum : u64 { kInput, kOutput, kBoth };
    if (queue > kBoth) return fail(Errno::kEINVAL);
    TRY(check_foreground(target.tty, kSigTtou));
    if (queue != kOutput) {
        target.tty.state.lock()->discipline.flush_input();
        target.tty.input_drained();
        target.tty.packet_event(kFlushRead);
    }
    if (queue != kInput) target.tty.packet_event(kFlushWrite);
    return 0;
}

Result<i64> set_controlling(const Target& target, u64 steal) {
    bool may_steal = steal == 1 && sched::current_process().credentials().is_root();
    TRY(become_controlling(target.tty, may_steal));
    return 0;
}

Result<i64> give_up(const Target& target, u64) {
    auto& process = sched::current_process();
    if (process.terminal.get() != &target.tty) return fail(Errno::kENOTTY);
    // The open file holds the terminal while the processes let go of it.
    if (process.sid == process.pid())
        target.tty.disown(Parting::LeaderLeaves);
    else
        sched::tree().with([&](auto&) { process.terminal = nullptr; });
    return 0;
}

Result<i64> get_foreground(const Target& target, u64 to) {
    TRY(target.check_owned());
    int foreground = target.tty.state.lock()->foreground;
    return answer(to, foreground);
}

Result<i64> set_foreground(const Target& target, u64 from) {
    auto& process = sched::current_process();
    if (process.terminal.get() != &target.tty) return fail(Errno::kENOTTY);
    TRY(check_foreground(target.tty, kSigTtou));
    int pgid = TRY(mm::read(abi::In<int>(UserAddr(from))));
    if (pgid < 0) return fail(Errno::kEINVAL);
    auto tree = sched::tree().lock();
    if (!tree->group_exists(pgid)) return fail(Errno::kESRCH);
    if (!tree->group_exists(pgid, process.sid)) return fail(Errno::kEPERM);
    target.tty.state.lock()->foreground = pgid;
    return 0;
}

Result<i64> get_session(const Target& target, u64 to) {
    TRY(target.check_owned());
    int session = target.tty.state.lock()->session;
    if (session == 0) return fail(Errno::kENOTTY);
    return answer(to, session);
}

Result<i64> get_size(const Target& target, u64 to) {
    abi::Winsize size = target.tty.state.lock()->size;
    return answer(to, size);
}

Result<i64> set_size(const Target& target, u64 from) {
    target.tty.resize(TRY(mm::read(abi::In<abi::Winsize>(UserAddr(from)))));
    return 0;
}

Result<i64> count_input(const Target& target, u64 to) {
    bool eof;
    int count = static_cast<int>(target.tty.state.lock()->discipline.readable_bytes(eof));
    return answer(to, count);
}

Result<i64> count_output(const Target&, u64 to) { return answer(to, 0); }

Result<i64> get_discipline(const Target&, u64 to) {
    constexpr int kNTty = 0;
    return answer(to, kNTty);
}

Result<i64> get_device(const Target& target, u64 to) {
    return answer(to, static_cast<u32>(target.tty.device()));
}

struct Request {
    u32 number;
    Result<i64> (*run)(const Target&, u64 argument);
};
// asm-generic/ioctls.h.
constexpr Request kRequests[] = {
    {0x5401, get_termios},        // TCGETS
    {0x5402, set_termios},        // TCSETS
    {0x5403, set_termios},        // TCSETSW
    {0x5404, set_termios_flush},  // TCSETSF
    {0x5409, drained},            // TCSBRK
    {0x540a, flow},               // TCXONC
    {0x540b, flush},              // TCFLSH
    {0x540e, set_controlling},    // TIOCSCTTY
    {0x540f, get_foreground},     // TIOCGPGRP
    {0x5410, set_foreground},     // TIOCSPGRP
    {0x5411, count_output},       // TIOCOUTQ
    {0x5413, get_size},           // TIOCGWINSZ
    {0x5414, set_size},           // TIOCSWINSZ
    {0x541b, count_input},        // FIONREAD
    {0x5422, give_up},            // TIOCNOTTY
    {0x5424, get_discipline},     // TIOCGETD
    {0x5425, drained},            // TCSBRKP
    {0x5429, get_session},        // TIOCGSID
    {0x80045432, get_device},     // TIOCGDEV
};

}  // namespace

Result<i64> control_tty(Tty& tty, bool from_master, u32 request, u64 argument) {
    for (const Request& known : kRequests)
        if (known.number == request) return known.run({tty, from_master}, argument);
    return fail(Errno::kENOTTY);
}

}  // namespace astra::tty
