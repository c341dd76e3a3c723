// What every terminal is: a line discipline with a lock, the session it controls, and a far side (the host,
// or the master of a pseudo-terminal) that takes output and brings input.
#pragma once
#include "guest_kernel/drivers/line_discipline.hpp"
#include "guest_kernel/fs/file.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra::tty {

inline constexpr int kSigHup = 1, kSigCont = 18, kSigTtin = 21, kSigTtou = 22, kSigWinch = 28;

/// What a master in packet mode is told (ioctl_tty(2), TIOCPKT).
enum PacketEvent : u8 {
    kFlushRead = 1,
    kFlushWrite = 2,
    kStop = 4,
    kStart = 8,
    kNoStop = 16,
    kDoStop = 32,
};

/// Why a session loses its terminal, and who hears of it.
enum class Parting : u8 {
    HungUp,        // the far side is gone: the leader, SIGHUP and SIGCONT
    LeaderEnds,    // the foreground group, SIGHUP
    LeaderLeaves,  // TIOCNOTTY: the foreground group, SIGHUP and SIGCONT
};

class Tty : public RefCounted {
  public:
    struct State {
        LineDiscipline discipline;
        abi::Winsize size{};
        int session = 0, foreground = 0;
        bool input_ended = false;  // readers get the end of file once the rest is read
        u32 hangups = 0;           // a file opened before the last of them is dead
        u32 opens = 0;             // files that are not
    };
    sched::SpinLocked<State, sched::Rank::Tty> state;
    /// Announces input, room for output, hang-ups.
    sched::WaitQueue changes;

    [[nodiscard]] virtual u64 device() const = 0;
    /// False while its node may not be opened.
    [[nodiscard]] virtual bool may_open() { return true; }
    /// Bytes the far side takes now.
    virtual usize room() = 0;
    /// Sets up to `wanted` bytes of room apart for the transmit that follows; answers how many.
    virtual usize reserve(usize wanted) = 0;
    /// Hands processed output over and gives the rest of `reserved` back. Waits only where room is endless.
    virtual void transmit(std::span<const u8> bytes, usize reserved) = 0;
    /// A reader took input where there was no room for more.
    virtual void input_drained() {}
    /// There is one more open file.
    virtual void opened() {}
    /// The last file that was not hung up is closed.
    virtual void last_closed() {}
    virtual void packet_event(u8) {}

    /// From the far side: input, in order.
    void receive(std::span<const u8> bytes);
    /// Bytes of input that fit; what does not is lost, as on a line without flow control.
    usize input_room();
    /// Reads processed input; 0 with `ended` at an end of file, without when there is nothing.
    usize take_input(std::span<u8> to, bool& ended);
    bool has_input();
    /// The far side is gone: every file that is open is dead from now on, and the session without a terminal.
    void hang_up();
    /// The session that it controls, if any, is without a terminal. The caller holds a reference of its own.
    void disown(Parting why);
    /// TIOCSWINSZ: SIGWINCH to the foreground group when it changes.
    void resize(abi::Winsize size);
    /// Sends to the foreground group; false when there is none.
    bool signal_foreground(int signal);
};

/// Sends to every process of a group; false when it has none.
bool signal_group(int pgid, int signal);
/// Job control: may the caller read (SIGTTIN) or write and control (SIGTTOU) its terminal now? Errors: EIO,
/// kRestartSys after the signal was sent.
Result<void> check_foreground(Tty& tty, int signal);
/// Makes `tty` the controlling terminal of the caller, a session leader without one. `steal`: takes it from
/// another session. Errors: EPERM.
Result<void> become_controlling(Tty& tty, bool steal);
/// As open(2) does without O_NOCTTY: when it can be.
void offer_controlling(Tty& tty, u32 flags);
/// An open terminal.
Result<Ref<fs::File>> open_tty(Tty& tty, u32 flags);
/// An ioctl on `tty`, or on the master whose terminal it is. Errors: ENOTTY for what terminals do not know.
Result<i64> control_tty(Tty& tty, bool from_master, u32 request, u64 argument);

}  // namespace astra::tty
