// The kernel's own symbols. Layout, written by embed_symbols.py: u32 count, u32 base_low (address bits 31..0
// of the lowest function), count × {u32 offset, u32 name_offset} sorted by offset, then NUL-terminated names.
#include "guest_kernel/drivers/symbols.hpp"

namespace astra {

namespace {

constexpr usize kTableBytes = 384 * 1024;
struct Entry {
    u32 offset, name;
};
struct Table {
    u32 count, unused;
    u64 base;
    u8 rest[kTableBytes - 16];
};
// In its own section so that the build can replace its bytes; volatile: the compiler must not know it is
// zero.
[[gnu::section(".astra_symbols"), gnu::used]] volatile const Table kTable = {};

}  // namespace

Symbol find_symbol(u64 address) {
    const auto& table = const_cast<const Table&>(kTable);
    u32 count = kTable.count;
    u64 base = kTable.base;
    if (count == 0 || address < base || count > sizeof table.rest / sizeof(Entry)) return {};
    const auto* entries = reinterpret_cast<const Entry*>(table.rest);
    u32 low = 0, high = count;
    while (high - low > 1) {
        u32 middle = (low + high) / 2;
        if (entries[middle].offset <= address - base)
            low = middle;
        else
            high = middle;
    }
    u64 offset = address - base - entries[low].offset;
    constexpr u64 kLongestFunction = 64 * 1024;
    if (offset > kLongestFunction || entries[low].name >= sizeof table.rest) return {};
    return {reinterpret_cast<const char*>(table.rest + entries[low].name), offset};
}

}  // namespace astra
