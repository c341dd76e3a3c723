// Sockets as the system calls see them, whatever their family.
#pragma once
#include <optional>

#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/fs/file.hpp"

namespace astra::net {

/// Address families (linux/socket.h).
enum Family : u16 { kUnspecified = 0, kUnixFamily = 1, kInet = 2, kInet6 = 10, kNetlink = 16 };
/// What socket(2) takes as `type` (linux/net.h).
enum SocketType : int { kStream = 1, kDatagram = 2, kRaw = 3, kSeqPacket = 5 };
/// send(2), recv(2) and msg_flags bits (linux/socket.h).
enum MessageFlags : u32 {
    kOutOfBand = 1,
    kPeek = 2,
    kControlTruncated = 8,
    kTruncated = 0x20,
    kDontWait = 0x40,
    kWaitAll = 0x100,
    kNoSignal = 0x4000,
    kMore = 0x8000,
    kWaitForOne = 0x1'0000,
    kControlCloseOnExec = 0x4000'0000,
};
/// What shutdown(2) has ended.
enum Shutdown : u32 { kReceiveEnded = 1, kSendEnded = 2, kBothEnded = 3 };

/// A socket address as programs pass it: struct sockaddr_storage, of which `length` bytes count; 0: none.
struct Address {
    u8 bytes[128] = {};
    usize length = 0;
    [[nodiscard]] u16 family() const { return static_cast<u16>(bytes[0] | bytes[1] << 8); }
};

/// A message to send: its bytes, where to (null: the peer), MessageFlags, and what travels with it.
struct Outgoing {
    fs::Buffer& data;
    u32 flags = 0;
    const Address* to = nullptr;
    Vector<Ref<fs::File>> files = {};            // SCM_RIGHTS
    std::optional<abi::UCred> credentials = {};  // SCM_CREDENTIALS, checked; absent: the caller's
};
/// Where a received message goes, and what came with it.
struct Incoming {
    fs::Buffer& data;
    u32 flags = 0;
    u32 message_flags = 0;  // kTruncated…
    Address from = {};
    Vector<Ref<fs::File>> files = {};
    std::optional<abi::UCred> credentials = {};  // when the socket has SO_PASSCRED
};

/// How long a call may sleep. After a signal, one with a timeout is not restarted (signal(7)).
struct Patience {
    bool nonblocking = false;
    u64 deadline_ns = sched::kForever;
    /// Errors: EAGAIN (at once, or at the deadline), EINTR, kRestartSys.
    template <class Ready>
    Result<void> wait(sched::WaitQueue& queue, Ready&& ready) const {
        if (nonblocking) return fail(Errno::kEAGAIN);
        Result<void> slept = queue.wait(ready, sched::Sleep::Interruptible, deadline_ns);
        if (slept) return {};
        if (slept.error() == Errno::kETIMEDOUT) return fail(Errno::kEAGAIN);
        return fail(deadline_ns == sched::kForever ? slept.error() : Errno::kEINTR);
    }
};

/// An open socket. Calls that a family or type does not have are EOPNOTSUPP.
class Socket : public fs::File {
  public:
    [[nodiscard]] fs::FileKind kind() const override { return fs::FileKind::Socket; }
    [[nodiscard]] virtual Family family() const = 0;
    [[nodiscard]] virtual SocketType type() const = 0;

    /// Answers the bytes sent. Errors as send(2); EPIPE raises SIGPIPE as the flags say.
    virtual Result<usize> send(Outgoing& message) = 0;
    /// Answers the bytes received; 0: the end. Errors as recv(2).
    virtual Result<usize> receive(Incoming& message) = 0;
    virtual Result<void> bind(const Address& address);
    virtual Result<void> connect(const Address& address);
    virtual Result<void> listen(u32 backlog);
    virtual Result<Ref<Socket>> accept();
    /// `what`: Shutdown bits.
    virtual Result<void> shutdown(u32 what) = 0;
    virtual Result<Address> name() = 0;
    virtual Result<Address> peer_name() = 0;  // ENOTCONN

    /// setsockopt(2) and getsockopt(2). get_option answers how many bytes of `value` count. Errors:
    /// ENOPROTOOPT, EINVAL, EDOM, EOPNOTSUPP (levels the family has not).
    virtual Result<void> set_option(int level, int option, std::span<const u8> value);
    virtual Result<usize> get_option(int level, int option, std::span<u8> value);

    Result<usize> read(fs::Buffer& to, i64*) override;
    Result<usize> write(fs::Buffer& from, i64*) override;
    Result<void> stat(abi::Stat& out) override;
    Result<Ref<fs::File>> reopen(u32) override { return fail(Errno::kENXIO); }
    Result<String> describe() override;

    /// Patience of a call with these MessageFlags.
    [[nodiscard]] Patience receive_patience(u32 message_flags) const;
    [[nodiscard]] Patience send_patience(u32 message_flags) const;

  protected:
    /// The sizes SO_SNDBUF and SO_RCVBUF have until they are set: net.core.[rw]mem_default.
    static constexpr u32 kDefaultBuffer = 212992;
    explicit Socket(u32 send_buffer = kDefaultBuffer, u32 receive_buffer = kDefaultBuffer);
    /// What a send answers whose peer takes nothing more: EPIPE, with SIGPIPE unless the flags say otherwise.
    static std::unexpected<Errno> broken_pipe(u32 message_flags);
    /// SO_PROTOCOL.
    [[nodiscard]] virtual int protocol() const { return 0; }
    [[nodiscard]] virtual bool listening() const { return false; }
    /// SO_ERROR: the pending error, cleared; 0: none.
    virtual int take_error() = 0;
    /// SO_PEERCRED; pid 0 and ids of ~0 when there is none.
    [[nodiscard]] virtual abi::UCred peer_credentials() = 0;
    [[nodiscard]] bool passes_credentials() const { return switches_ & kPassCredentials; }
    /// SO_SNDBUF: bytes that may wait to be received.
    [[nodiscard]] usize send_buffer() const { return send_buffer_; }
    [[nodiscard]] usize receive_buffer() const { return receive_buffer_; }
    /// SO_LINGER's seconds; -1: off.
    [[nodiscard]] int linger() const { return linger_on_ ? linger_seconds_.load() : -1; }
    enum Switch : u32 {
        kReuseAddress = 1,
        kDontRoute = 2,
        kBroadcast = 4,
        kKeepAlive = 8,
        kOutOfBandInline = 16,
        kPassCredentials = 32,
        kReusePort = 64,
    };
    [[nodiscard]] bool has(Switch bit) const { return switches_ & bit; }
    [[nodiscard]] u64 number() const { return number_; }

  private:
    struct SwitchOption {
        int option;
        Switch bit;
    };
    static const SwitchOption kSwitchOptions[];
    static u32 switch_of(int option);

    const u64 number_;
    std::atomic<u32> switches_{0}, send_buffer_, receive_buffer_;
    std::atomic<u64> receive_timeout_ns_{sched::kForever}, send_timeout_ns_{sched::kForever};
    std::atomic<int> linger_on_{0}, linger_seconds_{0};
};

/// The file as a socket. Errors: ENOTSOCK.
Result<Ref<Socket>> as_socket(Ref<fs::File> file);

}  // namespace astra::net
