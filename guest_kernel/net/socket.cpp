// What sockets of every family do alike: reading and writing them as files, socket options.
#include "guest_kernel/net/socket.hpp"

#include <algorithm>

#include "guest_kernel/base/format.hpp"
#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/inode.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra::net {

namespace {

constexpr u64 kSocketDevice = 8;  // 00:08
constexpr int kSocketLevel = 1;   // SOL_SOCKET

/// asm-generic/socket.h
enum Option : int {
    kReuseAddressOption = 2,
    kTypeOption = 3,
    kErrorOption = 4,
    kDontRouteOption = 5,
    kBroadcastOption = 6,
    kSendBufferOption = 7,
    kReceiveBufferOption = 8,
    kKeepAliveOption = 9,
    kOutOfBandInlineOption = 10,
    kLingerOption = 13,
    kReusePortOption = 15,
    kPassCredentialsOption = 16,
    kPeerCredentialsOption = 17,
    kReceiveTimeoutOption = 20,
    kSendTimeoutOption = 21,
    kAcceptsOption = 30,
    kProtocolOption = 38,
    kDomainOption = 39,
};

// socket(7): a size that is set is doubled, for the bookkeeping.
constexpr u32 kMaxBuffer = 212992, kMinSendBuffer = 4608, kMinReceiveBuffer = 2304;

std::atomic<u64> last_number{0};

template <class T>
Result<usize> answer(std::span<u8> to, const T& value) {
    usize length = std::min(to.size(), sizeof value);
    __builtin_memcpy(to.data(), &value, length);
    return length;
}
template <class T>
Result<T> argument(std::span<const u8> from) {
    T value;
    if (from.size() < sizeof value) return fail(Errno::kEINVAL);
    __builtin_memcpy(&value, from.data(), sizeof value);
    return value;
}

u32 buffer_size(int wanted, u32 minimum) {
    u32 bytes = std::min<u32>(static_cast<u32>(std::max(wanted, 0)), kMaxBuffer);
    return std::max(bytes * 2, minimum);
}

/// A timeout in nanoseconds; none when zero. Errors: EDOM.
Result<u64> timeout_of(const abi::TimeVal& time) {
    constexpr i64 kMicros = 1'000'000;
    if (time.usec < 0 || time.usec >= kMicros) return fail(Errno::kEDOM);
    if (time.sec < 0) return u64{0};
    u64 ns;
    if (__builtin_mul_overflow(static_cast<u64>(time.sec), u64{1'000'000'000}, &ns)) return sched::kForever;
    ns += static_cast<u64>(time.usec) * 1000;
    return ns == 0 ? sched::kForever : ns;
}
abi::TimeVal time_of(u64 timeout_ns) {
    if (timeout_ns == sched::kForever) return {};
    return {static_cast<i64>(timeout_ns / 1'000'000'000), static_cast<i64>(timeout_ns / 1000 % 1'000'000)};
}

Patience patience(bool nonblocking, u64 timeout_ns) {
    if (nonblocking || timeout_ns == 0) return {.nonblocking = true};
    if (timeout_ns == sched::kForever) return {};
    u64 deadline;
    if (__builtin_add_overflow(arch::now_ns(), timeout_ns, &deadline)) return {};
    return {.deadline_ns = deadline};
}

}  // namespace

// Options that are on or off.
const Socket::SwitchOption Socket::kSwitchOptions[] = {
    {kReuseAddressOption, kReuseAddress},
    {kDontRouteOption, kDontRoute},
    {kBroadcastOption, kBroadcast},
    {kKeepAliveOption, kKeepAlive},
    {kOutOfBandInlineOption, kOutOfBandInline},
    {kPassCredentialsOption, kPassCredentials},
    {kReusePortOption, kReusePort},
};

u32 Socket::switch_of(int option) {
    for (const SwitchOption& row : kSwitchOptions)
        if (row.option == option) return row.bit;
    return 0;
}

Socket::Socket(u32 send_buffer, u32 receive_buffer)
    : number_(last_number.fetch_add(1) + 1), send_buffer_(send_buffer), receive_buffer_(receive_buffer) {
    flags = fs::kOReadWrite;
}

std::unexpected<Errno> Socket::broken_pipe(u32 message_flags) {
    if (!(message_flags & kNoSignal) && !sched::current().is_kernel_thread())
        sched::send_signal(sched::current(), sched::kernel_signal(sched::kSigPipe));
    return fail(Errno::kEPIPE);
}

Result<void> Socket::bind(const Address&) { return fail(Errno::kENOTSUP); }
Result<void> Socket::connect(const Address&) { return fail(Errno::kENOTSUP); }
Result<void> Socket::listen(u32) { return fail(Errno::kENOTSUP); }
Result<Ref<Socket>> Socket::accept() { return fail(Errno::kENOTSUP); }

Patience Socket::receive_patience(u32 message_flags) const {
    return patience(nonblocking() || message_flags & kDontWait, receive_timeout_ns_);
}
Patience Socket::send_patience(u32 message_flags) const {
    return patience(nonblocking() || message_flags & kDontWait, send_timeout_ns_);
}

Result<usize> Socket::read(fs::Buffer& to, i64*) {
    if (to.remaining() == 0) return 0;
    Incoming message{.data = to};
    return receive(message);
}

Result<usize> Socket::write(fs::Buffer& from, i64*) {
    Outgoing message{.data = from};
    return send(message);
}

Result<void> Socket::stat(abi::Stat& out) {
    out = {};
    out.dev = kSocketDevice;
    out.ino = number_;
    out.nlink = 1;
    out.mode = fs::kTypeSocket | 0777;
    out.blksize = kPageSize;
    return {};
}

Result<String> Socket::describe() {
    char text[32];
    usize length = format_to(text, sizeof text, "socket:[%lu]", number_);
    return String::from({text, length});
}

Result<void> Socket::set_option(int level, int option, std::span<const u8> value) {
    if (level != kSocketLevel) return fail(Errno::kENOTSUP);
    int number = TRY(argument<int>(value));
    if (u32 bit = switch_of(option)) {
        number ? switches_ |= bit : switches_ &= ~bit;
        return {};
    }
    switch (option) {
        case kSendBufferOption: send_buffer_ = buffer_size(number, kMinSendBuffer); return {};
        case kReceiveBufferOption: receive_buffer_ = buffer_size(number, kMinReceiveBuffer); return {};
        case kLingerOption: {
            auto linger = TRY(argument<abi::Linger>(value));
            linger_on_ = linger.on != 0;
            linger_seconds_ = linger.seconds;
            return {};
        }
        case kReceiveTimeoutOption:
        case kSendTimeoutOption: {
            u64 timeout = TRY(timeout_of(TRY(argument<abi::TimeVal>(value))));
            (option == kSendTimeoutOption ? send_timeout_ns_ : receive_timeout_ns_) = timeout;
            return {};
        }
        default: return fail(Errno::kENOPROTOOPT);
    }
}

Result<usize> Socket::get_option(int level, int option, std::span<u8> value) {
    if (level != kSocketLevel) return fail(Errno::kENOTSUP);
    if (u32 bit = switch_of(option)) return answer(value, int{(switches_ & bit) != 0});
    switch (option) {
        case kTypeOption: return answer(value, int{type()});
        case kDomainOption: return answer(value, int{family()});
        case kProtocolOption: return answer(value, protocol());
        case kErrorOption: return answer(value, take_error());
        case kAcceptsOption: return answer(value, int{listening()});
        case kSendBufferOption: return answer(value, send_buffer_.load());
        case kReceiveBufferOption: return answer(value, receive_buffer_.load());
        case kLingerOption: return answer(value, abi::Linger{linger_on_, linger_seconds_});
        case kPeerCredentialsOption: return answer(value, peer_credentials());
        case kReceiveTimeoutOption: return answer(value, time_of(receive_timeout_ns_));
        case kSendTimeoutOption: return answer(value, time_of(send_timeout_ns_));
        default: return fail(Errno::kENOPROTOOPT);
    }
}

Result<Ref<Socket>> as_socket(Ref<fs::File> file) {
    if (file->kind() != fs::FileKind::Socket) return fail(Errno::kENOTSOCK);
    return Ref<Socket>::adopt(static_cast<Socket*>(file.leak()));
}

}  // namespace astra::net
