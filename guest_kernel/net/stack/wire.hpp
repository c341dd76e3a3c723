// Numbers in network byte order, and the Internet checksum (RFC 1071).
#pragma once
#include <span>

#include "guest_kernel/base/types.hpp"

namespace astra::inet {

constexpr u16 load16(const u8* at) { return static_cast<u16>(at[0] << 8 | at[1]); }
constexpr u32 load32(const u8* at) { return u32{load16(at)} << 16 | load16(at + 2); }
constexpr void store16(u8* at, u16 value) {
    at[0] = static_cast<u8>(value >> 8);
    at[1] = static_cast<u8>(value);
}
constexpr void store32(u8* at, u32 value) {
    store16(at, static_cast<u16>(value >> 16));
    store16(at + 2, static_cast<u16>(value));
}

/// One's complement sum of big-endian words, to be continued: only the last part may have an odd length.
u64 checksum_add(u64 sum, std::span<const u8> bytes);
/// The sum folded to 16 bits, not inverted.
u16 checksum_fold(u64 sum);
/// What a header's checksum field holds; a whole header with its field in it gives 0.
inline u16 checksum(u64 sum) { return static_cast<u16>(~checksum_fold(sum)); }

/// IP protocol numbers (IANA, Assigned Internet Protocol Numbers).
enum Protocol : u8 { kIcmp = 1, kTcp = 6, kUdp = 17, kIcmpV6 = 58 };

}  // namespace astra::inet
