// poll, ppoll, select, pselect6: one wait for many descriptors.
#include "guest_kernel/fs/poll_set.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/deadline.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

constexpr int kLimitFiles = 7;  // RLIMIT_NOFILE

/// Installs the mask that ppoll and its kin use for the length of the call. Errors: EINVAL, EFAULT.
Result<void> use_mask(In<SigSet> mask, usize size) {
    if (mask.is_null()) return {};
    if (size != sizeof(SigSet)) return fail(Errno::kEINVAL);
    sched::set_temporary_mask(TRY(mm::read(mask)));
    return {};
}

/// Waits for `count` descriptors and writes what happened into the program's array.
Result<usize> poll_until(InOut<PollFd> fds, u32 count, u64 deadline) {
    if (count > sched::current_process().limit(kLimitFiles)) return fail(Errno::kEINVAL);
    Vector<PollFd> list;
    TRY(list.resize(count));
    TRY(mm::read_array(fds, std::span<PollFd>(list.data(), count)));
    fs::PollSet set;
    TRY(set.reserve(count));
    usize bad = 0;
    for (PollFd& entry : list) {
        entry.revents = 0;
        Ref<fs::File> file;
        if (entry.fd >= 0) {
            if (Result<Ref<fs::File>> found = sched::current_process().fds().get(entry.fd)) {
                file = std::move(*found);
            } else {
                entry.revents = fs::kPollNval;
                bad++;
            }
        }
        set.add(std::move(file), static_cast<u16>(entry.events));
    }
    usize ready = TRY(set.wait(bad ? 0 : deadline));
    for (usize i = 0; i < count; i++) {
        if (set.events(i)) list[i].revents = static_cast<i16>(set.events(i));
        TRY(mm::write((fds + i).as<PollFd>(), list[i]));
    }
    return ready + bad;
}

}  // namespace

SyscallResult sys_poll(InOut<PollFd> fds, u32 nfds, int timeout_ms) {
    sched::Thread& thread = sched::current();
    // A restart after a stop goes on waiting for the same moment.
    u64 deadline = thread.restart_deadline_ns ? thread.restart_deadline_ns : deadline_in_ms(timeout_ms);
    thread.restart_deadline_ns = 0;
    Result<usize> ready = poll_until(fds, nfds, deadline);
    if (!ready && ready.error() == Errno::kRestartSys) {
        thread.restart_deadline_ns = deadline;
        return fail(Errno::kRestartBlock);
    }
    return static_cast<i64>(TRY(ready));
}

namespace {

/// Linux reports the time left, also when the call is interrupted; a timeout it cannot write is no error.
template <class Time>
SyscallResult report(Result<usize> ready, u64 deadline, InOut<Time> timeout) {
    if (!timeout.is_null()) {
        TimeSpec left = time_left(deadline);
        if constexpr (std::is_same_v<Time, TimeVal>)
            (void)mm::write(timeout, TimeVal{left.sec, left.nsec / 1000});
        else
            (void)mm::write(timeout, left);
    }
    if (!ready && ready.error() == Errno::kRestartSys) return fail(Errno::kRestartNoHand);
    return static_cast<i64>(TRY(ready));
}

Result<u64> read_deadline(InOut<TimeSpec> timeout) {
    if (timeout.is_null()) return sched::kForever;
    return deadline_in(TRY(mm::read(timeout)));
}

}  // namespace

SyscallResult sys_ppoll(InOut<PollFd> fds, u32 nfds, InOut<TimeSpec> timeout, In<SigSet> sigmask,
                        usize sigsetsize) {
    u64 deadline = TRY(read_deadline(timeout));
    TRY(use_mask(sigmask, sigsetsize));
    return report(poll_until(fds, nfds, deadline), deadline, timeout);
}

// ---- select
// ----------------------------------------------------------------------------------------------------------

namespace {

/// What makes a descriptor count as readable, writable, exceptional (fs/select.c).
constexpr u32 kSetEvents[3] = {
    fs::kPollRdNorm | fs::kPollRdBand | fs::kPollIn | fs::kPollHup | fs::kPollErr,
    fs::kPollWrBand | fs::kPollWrNorm | fs::kPollOut | fs::kPollErr,
    fs::kPollPri,
};
constexpr usize kWordBits = 64;

struct Sets {
    InOut<u64> user[3];
    Vector<u64> bits[3];

    [[nodiscard]] bool has(usize set, usize fd) const {
        return !user[set].is_null() && bits[set][fd / kWordBits] >> (fd % kWordBits) & 1;
    }
};

Result<usize> select_until(int nfds, Sets& sets, u64 deadline) {
    if (nfds < 0) return fail(Errno::kEINVAL);
    sched::Process& process = sched::current_process();
    usize count = std::min<u64>(static_cast<u64>(nfds), process.limit(kLimitFiles));
    usize words = (count + kWordBits - 1) / kWordBits;
    for (usize s = 0; s < 3; s++) {
        if (sets.user[s].is_null()) continue;
        TRY(sets.bits[s].resize(words));
        TRY(mm::read_array(sets.user[s], std::span<u64>(sets.bits[s].data(), words)));
    }
    auto wanted = [&sets](usize fd) {
        u32 events = 0;
        for (usize s = 0; s < 3; s++)
            if (sets.has(s, fd)) events |= kSetEvents[s];
        return events;
    };
    usize watched = 0;
    for (usize fd = 0; fd < count; fd++)
        if (wanted(fd)) watched++;
    fs::PollSet poll;
    TRY(poll.reserve(watched));
    for (usize fd = 0; fd < count; fd++)
        if (u32 events = wanted(fd)) poll.add(TRY(process.fds().get(static_cast<int>(fd))), events);
    TRY(poll.wait(deadline));
    usize at = 0, total = 0;
    for (usize fd = 0; fd < count; fd++) {
        if (!wanted(fd)) continue;
        u32 events = poll.events(at++);
        for (usize s = 0; s < 3; s++) {
            if (!sets.has(s, fd)) continue;
            if (events & kSetEvents[s])
                total++;
            else
                sets.bits[s][fd / kWordBits] &= ~(u64{1} << (fd % kWordBits));
        }
    }
    for (usize s = 0; s < 3; s++)
        if (!sets.user[s].is_null()) TRY(mm::write_array(sets.user[s], std::span<const u64>(sets.bits[s])));
    return total;
}

}  // namespace

SyscallResult sys_select(int nfds, InOut<u64> readfds, InOut<u64> writefds, InOut<u64> exceptfds,
                         InOut<TimeVal> timeout) {
    u64 deadline = sched::kForever;
    if (!timeout.is_null()) {
        TimeVal t = TRY(mm::read(timeout));
        if (t.sec < 0 || t.usec < 0) return fail(Errno::kEINVAL);
        // More than a second of microseconds is carried over, as Linux does.
        deadline = TRY(deadline_in(TimeSpec{t.sec + t.usec / 1'000'000, t.usec % 1'000'000 * 1000}));
    }
    Sets sets{.user = {readfds, writefds, exceptfds}, .bits = {}};
    return report(select_until(nfds, sets, deadline), deadline, timeout);
}

SyscallResult sys_pselect6(int nfds, InOut<u64> readfds, InOut<u64> writefds, InOut<u64> exceptfds,
                           InOut<TimeSpec> timeout, In<u64> sigmask) {
    u64 deadline = TRY(read_deadline(timeout));
    if (!sigmask.is_null()) {
        // The sixth argument is a pair: address and size of the mask.
        u64 pair[2];
        TRY(mm::read_array(sigmask, std::span<u64>(pair)));
        TRY(use_mask(In<SigSet>(UserAddr(pair[0])), pair[1]));
    }
    Sets sets{.user = {readfds, writefds, exceptfds}, .bits = {}};
    return report(select_until(nfds, sets, deadline), deadline, timeout);
}

}  // namespace astra::syscalls
