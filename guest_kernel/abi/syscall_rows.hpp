// The syscall table as data: one row per call, and the maps from each ABI's numbers to rows.
#pragma once
#include <array>
#include <string_view>

#include "guest_kernel/abi/syscall_table.hpp"
#include "guest_kernel/base/types.hpp"

namespace astra::abi {

struct SyscallRow {
    static constexpr u16 kNone = 0xffff;
    u16 linux_number, astra_number;
    std::string_view name, summary, arguments;  // arguments: "fd, buf, count"
};

inline constexpr auto kSyscallTable = [] {
    constexpr u16 kNone = SyscallRow::kNone;
    return std::to_array<SyscallRow>({
#define ASTRA_SYSCALL_ROW(linux_nr, astra_nr, name, summary, names, ...) \
    SyscallRow{linux_nr, astra_nr, #name, summary, names},
        ASTRA_SYSCALL_TABLE(ASTRA_SYSCALL_ROW)
#undef ASTRA_SYSCALL_ROW
    });
}();
inline constexpr u32 kSyscallRows = kSyscallTable.size();

/// Numbers at or above this have no row in either ABI.
inline constexpr u32 kSyscallNumbers = 512;

namespace detail {
constexpr auto rows_by_number(u16 SyscallRow::*number) {
    std::array<u16, kSyscallNumbers> rows{};
    rows.fill(SyscallRow::kNone);
    for (u16 row = 0; row < kSyscallRows; row++)
        if (kSyscallTable[row].*number != SyscallRow::kNone) rows[kSyscallTable[row].*number] = row;
    return rows;
}
}  // namespace detail

/// Row of a number in an ABI; SyscallRow::kNone: none.
inline constexpr auto kLinuxRows = detail::rows_by_number(&SyscallRow::linux_number);
inline constexpr auto kAstraRows = detail::rows_by_number(&SyscallRow::astra_number);

}  // namespace astra::abi
