// Sizes that small blocks come in: multiples of 16 up to 128, then four to a doubling, so that at most a
// fifth is wasted.
#pragma once
#include <bit>

#include "guest_kernel/base/types.hpp"

namespace astra::alloc {

/// Number of classes: 8 linear ones, then 4 for each doubling from 128 to 32 KiB.
inline constexpr u32 kClasses = 8 + 8 * 4;

/// Bytes of a block of class `c`.
constexpr usize class_size(u32 c) {
    if (c < 8) return 16 * (usize{c} + 1);
    usize base = usize{128} << (c - 8) / 4;
    return base + base / 4 * ((c - 8) % 4 + 1);
}

/// The smallest class whose blocks hold `size` bytes (at most 32 KiB).
constexpr u32 class_of(usize size) {
    if (size <= 128) return size == 0 ? 0 : static_cast<u32>((size - 1) / 16);
    u32 doubling = static_cast<u32>(std::bit_width(size - 1)) - 8;  // 129..256: 0
    return 8 + doubling * 4 + static_cast<u32>((size - 1) >> (doubling + 5)) - 4;
}

}  // namespace astra::alloc
