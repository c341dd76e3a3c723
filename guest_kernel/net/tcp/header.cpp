// TCP headers: reading is defensive, for anybody may have sent them.
#include "guest_kernel/net/tcp/header.hpp"

#include <algorithm>

namespace astra::inet::tcp {

namespace {

enum Option : u8 {
    kEnd = 0,
    kNop = 1,
    kMss = 2,
    kWindowScale = 3,
    kSackPermitted = 4,
    kSack = 5,
    kTimestamps = 8
};
constexpr u8 kMaxShift = 14;  // RFC 7323, 2.3

void take_option(u8 kind, std::span<const u8> value, Header& out) {
    if (kind == kMss && value.size() == 2) {
        out.mss = load16(value.data());
    } else if (kind == kWindowScale && value.size() == 1) {
        out.has_window_shift = true;
        out.window_shift = std::min(value[0], kMaxShift);
    } else if (kind == kSackPermitted && value.empty()) {
        out.sack_permitted = true;
    } else if (kind == kTimestamps && value.size() == 8) {
        out.has_timestamps = true;
        out.timestamp = load32(value.data());
        out.echo = load32(value.data() + 4);
    } else if (kind == kSack && value.size() % 8 == 0) {
        for (; !value.empty() && out.sack_count < Header::kMaxSack; value = value.subspan(8))
            out.sack[out.sack_count++] = {load32(value.data()), load32(value.data() + 4)};
    }
}

}  // namespace

usize parse(std::span<const u8> segment, Header& out) {
    if (segment.size() < kHeaderBytes) return 0;
    const u8* at = segment.data();
    const usize length = usize{at[12]} >> 4 << 2;
    if (length < kHeaderBytes || length > segment.size()) return 0;
    out = {};
    out.source = load16(at);
    out.destination = load16(at + 2);
    out.sequence = load32(at + 4);
    out.acknowledgement = load32(at + 8);
    out.flags = at[13] & 0x3f;
    out.window = load16(at + 14);
    out.urgent = load16(at + 18);
    std::span<const u8> options = segment.subspan(kHeaderBytes, length - kHeaderBytes);
    while (!options.empty() && options[0] != kEnd) {
        if (options[0] == kNop) {
            options = options.subspan(1);
            continue;
        }
        if (options.size() < 2 || options[1] < 2 || options[1] > options.size()) break;
        take_option(options[0], options.subspan(2, options[1] - 2u), out);
        options = options.subspan(options[1]);
    }
    return length;
}

usize length_of(const Header& header) {
    usize length = kHeaderBytes;
    if (header.mss) length += 4;
    if (header.has_window_shift) length += 4;
    if (header.has_timestamps)
        length += kTimestampBytes;
    else if (header.sack_permitted)
        length += 4;
    if (header.sack_count) length += 4 + 8 * header.sack_count;
    return length;
}

void write(const Header& header, u8* to) {
    const usize length = length_of(header);
    store16(to, header.source);
    store16(to + 2, header.destination);
    store32(to + 4, header.sequence);
    store32(to + 8, header.acknowledgement);
    to[12] = static_cast<u8>(length / 4 << 4);
    to[13] = header.flags;
    store16(to + 14, header.window);
    store16(to + 16, 0);  // checksum
    store16(to + 18, header.urgent);
    u8* at = to + kHeaderBytes;
    auto put = [&at](std::initializer_list<u8> bytes) { at = std::copy(bytes.begin(), bytes.end(), at); };
    auto put32 = [&at](u32 value) {
        store32(at, value);
        at += 4;
    };
    if (header.mss) put({kMss, 4, static_cast<u8>(header.mss >> 8), static_cast<u8>(header.mss)});
    if (header.has_window_shift) put({kNop, kWindowScale, 3, header.window_shift});
    // Aligned as RFC 7323, appendix A, has it; SACK-permitted takes the place of the padding.
    if (header.sack_permitted)
        put({kSackPermitted, 2});
    else if (header.has_timestamps)
        put({kNop, kNop});
    if (header.sack_permitted && !header.has_timestamps) put({kNop, kNop});
    if (header.has_timestamps) {
        put({kTimestamps, 10});
        put32(header.timestamp);
        put32(header.echo);
    }
    if (!header.sack_count) return;
    put({kNop, kNop, kSack, static_cast<u8>(2 + 8 * header.sack_count)});
    for (u8 i = 0; i < header.sack_count; i++) {
        put32(header.sack[i].begin);
        put32(header.sack[i].end);
    }
}

}  // namespace astra::inet::tcp
