// Sending and receiving messages through sockets, with the control data that passes files and credentials.
#include <algorithm>

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/deadline.hpp"
#include "guest_kernel/syscalls/sockets.hpp"

namespace astra::syscalls {

namespace {

using net::Address;
using net::Incoming;
using net::Outgoing;
using net::Socket;

constexpr i32 kSocketLevel = 1;               // SOL_SOCKET
constexpr i32 kRights = 1, kCredentials = 2;  // SCM_RIGHTS, SCM_CREDENTIALS
constexpr usize kMaxFiles = 253;              // SCM_MAX_FD
constexpr usize kMaxControl = 20480;          // net.core.optmem_max
constexpr usize kMaxTransfer = 0x7fff'f000;   // MAX_RW_COUNT
constexpr u64 kMaxSegments = 1024;            // UIO_MAXIOV
constexpr usize kHead = sizeof(CMsgHdr);

constexpr usize align(usize length) { return (length + 7) & ~usize{7}; }

Result<fs::UserBuffer> user_buffer(UserAddr at, usize length) {
    length = std::min(length, kMaxTransfer);
    if (!mm::is_user_range(at, length)) return fail(Errno::kEFAULT);
    return fs::UserBuffer(at, length);
}

Result<fs::IovecBuffer> segments(const MsgHdr& message) {
    if (message.iovlen > kMaxSegments) return fail(Errno::kEMSGSIZE);
    return fs::IovecBuffer::from(In<IoVec>(UserAddr(message.iov)), message.iovlen);
}

/// May the caller say that a message comes from `claimed`? Errors: EPERM.
Result<void> check_credentials(const UCred& claimed) {
    sched::Process& process = sched::current_process();
    sched::Credentials own = process.credentials();
    auto among = [](u32 id, u32 a, u32 b, u32 c) { return id == a || id == b || id == c; };
    bool allowed = claimed.pid == process.pid() && among(claimed.uid, own.uid, own.euid, own.suid) &&
                   among(claimed.gid, own.gid, own.egid, own.sgid);
    if (!allowed && !own.is_privileged()) return fail(Errno::kEPERM);
    return {};
}

Result<void> take_files(Outgoing& out, std::span<const u8> numbers) {
    usize count = numbers.size() / sizeof(int);
    if (out.files.size() + count > kMaxFiles) return fail(Errno::kEINVAL);
    for (usize i = 0; i < count; i++) {
        int fd;
        __builtin_memcpy(&fd, numbers.data() + i * sizeof fd, sizeof fd);
        TRY(out.files.push_back(TRY(sched::current_process().fds().get(fd, true))));
    }
    return {};
}

/// Reads the control messages of a message to send. Errors: EINVAL, EBADF, EPERM, ENOBUFS, EFAULT.
Result<void> read_control(const MsgHdr& message, Outgoing& out) {
    if (message.control == 0 || message.controllen == 0) return {};
    if (message.controllen > kMaxControl) return fail(Errno::kENOBUFS);
    Vector<u8> control;
    TRY(control.resize(message.controllen));
    TRY(mm::copy_in({control.data(), control.size()}, UserAddr(message.control)));
    for (usize at = 0; at + kHead <= control.size();) {
        CMsgHdr head;
        __builtin_memcpy(&head, control.data() + at, kHead);
        if (head.len < kHead || head.len > control.size() - at) return fail(Errno::kEINVAL);
        std::span<const u8> data(control.data() + at + kHead, head.len - kHead);
        at += align(head.len);
        if (head.level != kSocketLevel) continue;
        if (head.type == kRights) {
            TRY(take_files(out, data));
        } else if (head.type == kCredentials && data.size() == sizeof(UCred)) {
            UCred claimed;
            __builtin_memcpy(&claimed, data.data(), sizeof claimed);
            TRY(check_credentials(claimed));
            out.credentials = claimed;
        } else {
            return fail(Errno::kEINVAL);
        }
    }
    return {};
}

/// Where control messages for the program go.
class ControlWriter {
  public:
    ControlWriter(u64 at, u64 room) : at_(at), room_(at ? room : 0) {}
    /// Room for data in one more control message.
    [[nodiscard]] usize data_room() const { return room_ > kHead ? room_ - kHead : 0; }
    /// Writes one, cut where the room ends. True: it was cut.
    Result<bool> write(i32 type, std::span<const u8> data) {
        if (room_ < kHead) return true;
        usize fits = std::min(data.size(), data_room());
        TRY(mm::copy_out(UserAddr(at_ + kHead), data.first(fits)));
        TRY(mm::write(Out<CMsgHdr>(UserAddr(at_)), CMsgHdr{kHead + fits, kSocketLevel, type}));
        usize step = std::min<usize>(align(kHead + fits), room_);
        at_ += step;
        room_ -= step;
        written_ += step;
        return fits < data.size();
    }
    [[nodiscard]] usize written() const { return written_; }

  private:
    u64 at_, room_, written_ = 0;
};

/// Gives the received files descriptors, as many as there is room for, and tells them. True: not all.
Result<bool> hand_over_files(Incoming& in, ControlWriter& control) {
    sched::Process& process = sched::current_process();
    usize fits = std::min(in.files.size(), control.data_room() / sizeof(int));
    bool close_on_exec = in.flags & net::kControlCloseOnExec;
    Vector<int> numbers;
    TRY(numbers.reserve(fits));
    for (usize i = 0; i < fits; i++) {
        Result<int> fd = process.fds().install(in.files[i], close_on_exec, process.limit(sched::kLimitFiles));
        if (!fd) break;
        TRY(numbers.push_back(*fd));
    }
    bool all = numbers.size() == in.files.size();
    if (numbers.empty()) return !all;
    Result<bool> told =
        control.write(kRights, {reinterpret_cast<const u8*>(numbers.data()), numbers.size() * sizeof(int)});
    if (told) return !all;
    for (int fd : numbers) (void)process.fds().close(fd);
    return fail(told.error());
}

/// sendmsg(2)'s work for one message.
Result<usize> send_message(Socket& socket, const MsgHdr& message, u32 flags) {
    Address to;
    // A longer address is cut, as Linux does.
    if (message.name && message.namelen > 0)
        to = TRY(read_address(In<u8>(UserAddr(message.name)),
                              static_cast<int>(std::min<usize>(message.namelen, sizeof to.bytes))));
    fs::IovecBuffer buffer = TRY(segments(message));
    Outgoing out{.data = buffer, .flags = flags};
    if (to.length > 0) out.to = &to;
    TRY(read_control(message, out));
    return socket.send(out);
}

/// recvmsg(2)'s work for one message, which is changed to tell what came.
Result<usize> receive_message(Socket& socket, MsgHdr& message, u32 flags) {
    if (message.name && static_cast<i32>(message.namelen) < 0) return fail(Errno::kEINVAL);
    fs::IovecBuffer buffer = TRY(segments(message));
    Incoming in{.data = buffer, .flags = flags};
    usize received = TRY(socket.receive(in));
    if (message.name) {
        TRY(write_address(Out<u8>(UserAddr(message.name)), message.namelen, in.from));
        message.namelen = static_cast<u32>(in.from.length);
    }
    ControlWriter control(message.control, message.controllen);
    bool cut = false;
    if (in.credentials)
        cut |=
            TRY(control.write(kCredentials, {reinterpret_cast<const u8*>(&*in.credentials), sizeof(UCred)}));
    if (!in.files.empty()) cut |= TRY(hand_over_files(in, control));
    message.controllen = control.written();
    message.flags =
        in.message_flags | (flags & net::kControlCloseOnExec) | (cut ? u32{net::kControlTruncated} : 0);
    return received;
}

constexpr u32 kMaxBatch = 1024;  // UIO_MAXIOV

// Carries out `transfer` on each message and writes back what became of it, while `more` says so. The number
// of messages done; an error only when it is the first one's.
template <class Transfer, class More = bool (*)()>
SyscallResult for_each_message(
    InOut<MMsgHdr> messages, u32 count, Transfer transfer, More more = [] { return true; }) {
    auto one = [&](InOut<MMsgHdr> at) -> Result<void> {
        MMsgHdr message = TRY(mm::read(at));
        message.length = static_cast<u32>(TRY(transfer(message.header)));
        return mm::write(at, message);
    };
    u32 done = 0;
    while (done < std::min(count, kMaxBatch)) {
        if (Result<void> outcome = one(messages + done); !outcome) {
            if (done == 0) return fail(outcome.error());
            break;
        }
        done++;
        if (!more()) break;
    }
    return static_cast<i64>(done);
}

}  // namespace

SyscallResult sys_sendto(int fd, In<u8> buf, usize length, u32 flags, In<u8> addr, int addrlen) {
    fs::UserBuffer buffer = TRY(user_buffer(buf.address(), length));
    Ref<Socket> socket = TRY(socket_of(fd));
    Outgoing out{.data = buffer, .flags = flags};
    Address to;
    if (!addr.is_null()) to = TRY(read_address(addr, addrlen));
    if (to.length > 0) out.to = &to;
    return static_cast<i64>(TRY(socket->send(out)));
}

SyscallResult sys_sendmsg(int fd, In<MsgHdr> msg, u32 flags) {
    Ref<Socket> socket = TRY(socket_of(fd));
    return static_cast<i64>(TRY(send_message(*socket, TRY(mm::read(msg)), flags)));
}

SyscallResult sys_sendmmsg(int fd, InOut<MMsgHdr> messages, u32 count, u32 flags) {
    Ref<Socket> socket = TRY(socket_of(fd));
    return for_each_message(messages, count,
                            [&](MsgHdr& message) { return send_message(*socket, message, flags); });
}

SyscallResult sys_recvfrom(int fd, Out<u8> buf, usize length, u32 flags, Out<u8> addr, InOut<int> addrlen) {
    fs::UserBuffer buffer = TRY(user_buffer(buf.address(), length));
    Ref<Socket> socket = TRY(socket_of(fd));
    Incoming in{.data = buffer, .flags = flags};
    usize received = TRY(socket->receive(in));
    TRY(answer_address(addr, addrlen, in.from));
    return static_cast<i64>(received);
}

SyscallResult sys_recvmsg(int fd, InOut<MsgHdr> msg, u32 flags) {
    Ref<Socket> socket = TRY(socket_of(fd));
    MsgHdr message = TRY(mm::read(msg));
    usize received = TRY(receive_message(*socket, message, flags));
    TRY(mm::write(msg, message));
    return static_cast<i64>(received);
}

SyscallResult sys_recvmmsg(int fd, InOut<MMsgHdr> messages, u32 count, u32 flags, InOut<TimeSpec> timeout) {
    Ref<Socket> socket = TRY(socket_of(fd));
    u64 deadline = sched::kForever;
    if (!timeout.is_null()) deadline = TRY(deadline_in(TRY(mm::read(timeout))));
    // The timeout is looked at after each message only (recvmmsg(2), BUGS).
    return for_each_message(
        messages, count,
        [&](MsgHdr& message) { return receive_message(*socket, message, flags & ~u32{net::kWaitForOne}); },
        [&] {
            if (flags & net::kWaitForOne) flags |= net::kDontWait;
            return arch::now_ns() < deadline;
        });
}

}  // namespace astra::syscalls
