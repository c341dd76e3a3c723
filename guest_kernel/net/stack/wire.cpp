// The Internet checksum.
#include "guest_kernel/net/stack/wire.hpp"

namespace astra::inet {

// Words are summed as the machine reads them and the result is swapped once: the sum does not care (RFC 1071,
// 2).
u64 checksum_add(u64 sum, std::span<const u8> bytes) {
    u64 swapped = 0;
    const u8* at = bytes.data();
    usize left = bytes.size();
    for (; left >= 8; at += 8, left -= 8) {
        u64 word;
        __builtin_memcpy(&word, at, sizeof word);
        swapped += word & 0xffff'ffff;
        swapped += word >> 32;
    }
    for (; left >= 2; at += 2, left -= 2) swapped += static_cast<u64>(at[0]) | static_cast<u64>(at[1]) << 8;
    if (left) swapped += at[0];
    return sum + __builtin_bswap16(checksum_fold(swapped));
}

u16 checksum_fold(u64 sum) {
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<u16>(sum);
}

}  // namespace astra::inet
