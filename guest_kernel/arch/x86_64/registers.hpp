// Control registers, MSRs and flags by name (Intel SDM vol. 3, 2.5 and vol. 4).
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::arch {

inline constexpr u64 kCr4Tsd = 1 << 2, kCr4Pge = 1 << 7, kCr4OsFxsr = 1 << 9, kCr4OsXmmExcept = 1 << 10,
                     kCr4Umip = 1 << 11, kCr4FsGsBase = 1 << 16, kCr4OsXsave = 1 << 18, kCr4Smep = 1 << 20,
                     kCr4Smap = 1 << 21;

inline constexpr u32 kMsrApicBase = 0x1b, kMsrTscDeadline = 0x6e0, kMsrX2ApicBase = 0x800,
                     kMsrEfer = 0xc000'0080, kMsrStar = 0xc000'0081, kMsrLstar = 0xc000'0082,
                     kMsrCstar = 0xc000'0083, kMsrFmask = 0xc000'0084, kMsrFsBase = 0xc000'0100,
                     kMsrGsBase = 0xc000'0101, kMsrKernelGsBase = 0xc000'0102;

inline constexpr u64 kFlagCarry = 1 << 0, kFlagFixed = 1 << 1, kFlagTrap = 1 << 8, kFlagInterrupt = 1 << 9,
                     kFlagDirection = 1 << 10, kFlagNested = 1 << 14, kFlagResume = 1 << 16,
                     kFlagAlign = 1 << 18, kFlagId = 1 << 21;
/// What a program may set by itself: CF PF AF ZF SF TF DF OF NT RF AC ID.
inline constexpr u64 kUserFlags = 0xcd5 | kFlagTrap | kFlagNested | kFlagResume | kFlagAlign | kFlagId;

}  // namespace astra::arch
