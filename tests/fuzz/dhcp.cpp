// Fuzzes what the DHCP client makes of a server's answers. The input is an answer; an even first byte has
// what every server would get right put in (operation, transaction, hardware address, cookie), or little
// would get as far as the options.
#include <cstdlib>

#include "guest_kernel/net/stack/dhcp.hpp"
#include "guest_kernel/net/stack/wire.hpp"

namespace astra::inet {
namespace {

constexpr MacAddress kOwn{{2, 0, 0, 0, 0, 1}};
constexpr u32 kTransaction = 0x1234'5678;

void play(std::span<const u8> input) {
    if (input.empty()) return;
    const bool raw = input[0] & 1;
    Own<Packet> message = *Packet::make(input.size() - 1, 0);
    u8* at = message->data();
    __builtin_memcpy(at, input.data() + 1, message->size());
    if (!raw && message->size() >= 240) {
        at[0] = 2;
        store32(at + 4, kTransaction);
        __builtin_memcpy(at + 28, kOwn.bytes, sizeof kOwn.bytes);
        store32(at + 236, 0x6382'5363);
    }
    dhcp::Lease lease;
    if (!dhcp::parse(message->bytes(), kOwn, kTransaction, lease)) return;
    if (lease.prefix > 32) std::abort();
    // The request for what was offered goes out, and no server's answer to somebody else is taken for one.
    Own<Packet> request = *dhcp::compose(kOwn, kTransaction, &lease);
    dhcp::Lease other;
    if (dhcp::parse(request->bytes(), kOwn, kTransaction, other) ||
        dhcp::parse(message->bytes(), kOwn, kTransaction + 1, other))
        std::abort();
}

}  // namespace
}  // namespace astra::inet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    astra::inet::play({data, size});
    return 0;
}
