// TCP segment headers and options (RFC 9293, 3.1 and 3.2; RFC 7323; RFC 2018).
#pragma once
#include <span>

#include "guest_kernel/net/stack/wire.hpp"

namespace astra::inet::tcp {

enum Flags : u8 { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32 };

/// Sequence numbers compare modulo 2^32 (RFC 9293, 3.4).
constexpr bool before(u32 a, u32 b) { return static_cast<i32>(a - b) < 0; }
constexpr bool after(u32 a, u32 b) { return before(b, a); }
constexpr u32 later(u32 a, u32 b) { return before(a, b) ? b : a; }
constexpr u32 earlier(u32 a, u32 b) { return before(a, b) ? a : b; }

/// A stretch of sequence numbers, its end excluded.
struct Range {
    u32 begin = 0, end = 0;
    [[nodiscard]] u32 size() const { return end - begin; }
    friend bool operator==(const Range&, const Range&) = default;
};

struct Header {
    u16 source = 0, destination = 0;
    u32 sequence = 0, acknowledgement = 0;
    u8 flags = 0;
    u16 window = 0;  // as in the header, not scaled
    u16 urgent = 0;  // with kUrg: the distance to the byte behind the urgent one

    // Options; absent: 0, false.
    u16 mss = 0;
    bool has_window_shift = false;
    u8 window_shift = 0;
    bool sack_permitted = false;
    bool has_timestamps = false;
    u32 timestamp = 0, echo = 0;
    static constexpr usize kMaxSack = 4;
    u8 sack_count = 0;
    Range sack[kMaxSack]{};
};

inline constexpr usize kHeaderBytes = 20, kMaxHeaderBytes = 60;
/// What timestamps take of every segment.
inline constexpr usize kTimestampBytes = 12;

/// Reads a header; answers its length with options, 0 when it is malformed.
usize parse(std::span<const u8> segment, Header& out);
/// Length of the header that write() makes.
usize length_of(const Header& header);
/// Writes the header, its checksum field 0; `to` has length_of() bytes.
void write(const Header& header, u8* to);

}  // namespace astra::inet::tcp
