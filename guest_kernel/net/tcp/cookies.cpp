// SYN cookies: 5 bits of a slow clock, 3 for the segment size, 24 of a secret hash.
#include "guest_kernel/net/tcp/cookies.hpp"

namespace astra::inet::tcp {

namespace {

constexpr u16 kSizes[8] = {88, 536, 1220, 1300, 1440, 1460, 4312, 8960};
constexpr u32 kHashBits = 24, kHashMask = (u32{1} << kHashBits) - 1;

u32 clock(Stack& stack) { return static_cast<u32>(stack.now() / (kCookieLifeNs / 2)) & 31; }

u32 cookie(Stack& stack, const Endpoint& local, const Endpoint& remote, u32 sequence, u32 time, u32 size) {
    const u64 more = u64{sequence} << 32 | time << 3 | size;
    return time << 27 | size << kHashBits | (stack.secret_hash(local, remote, more) & kHashMask);
}

}  // namespace

u32 make_cookie(Stack& stack, const Endpoint& local, const Endpoint& remote, const Header& syn) {
    const u16 offered = syn.mss ? syn.mss : 536;
    u32 size = 7;
    while (size > 0 && kSizes[size] > offered) size--;
    return cookie(stack, local, remote, syn.sequence, clock(stack), size);
}

u16 check_cookie(Stack& stack, const Endpoint& local, const Endpoint& remote, const Header& ack) {
    const u32 found = ack.acknowledgement - 1, time = found >> 27, size = found >> kHashBits & 7;
    if (((clock(stack) - time) & 31) > 1) return 0;
    return found == cookie(stack, local, remote, ack.sequence - 1, time, size) ? kSizes[size] : u16{0};
}

}  // namespace astra::inet::tcp
