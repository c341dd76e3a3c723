// Flag values of mmap(2), mremap(2), madvise(2) and msync(2) (include/uapi/asm-generic/mman*.h,
// linux/mman.h).
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::mm {

enum MapFlags : u32 {
    kMapShared = 0x1,
    kMapPrivate = 0x2,
    kMapSharedValidate = 0x3,
    kMapTypeMask = 0xf,
    kMapFixed = 0x10,
    kMapAnonymous = 0x20,
    kMap32Bit = 0x40,
    kMapGrowsDown = 0x100,
    kMapDenyWrite = 0x800,
    kMapExecutable = 0x1000,
    kMapLocked = 0x2000,
    kMapNoReserve = 0x4000,
    kMapPopulate = 0x8000,
    kMapNonBlock = 0x10000,
    kMapStack = 0x20000,
    kMapHugeTlb = 0x40000,
    kMapSync = 0x80000,
    kMapFixedNoReplace = 0x100000,
};
/// MAP_32BIT places mappings here (arch/x86/kernel/sys_x86_64.c).
inline constexpr u64 kMap32BitStart = 0x4000'0000, kMap32BitEnd = 0x8000'0000;

/// In mprotect's prot: from the start of a stack that grows down.
inline constexpr u32 kProtGrowsDown = 0x0100'0000;
inline constexpr u32 kProtGrowsUp = 0x0200'0000;

enum RemapFlags : u32 { kRemapMayMove = 1, kRemapFixed = 2, kRemapDontUnmap = 4 };

enum SyncFlags : u32 { kSyncAsync = 1, kSyncInvalidate = 2, kSyncSync = 4 };

enum Advice : int {
    kAdviseNormal = 0,
    kAdviseRandom = 1,
    kAdviseSequential = 2,
    kAdviseWillNeed = 3,
    kAdviseDontNeed = 4,
    kAdviseFree = 8,
    kAdviseRemove = 9,
    kAdviseDontFork = 10,
    kAdviseDoFork = 11,
    kAdviseMergeable = 12,
    kAdviseUnmergeable = 13,
    kAdviseHugePage = 14,
    kAdviseNoHugePage = 15,
    kAdviseDontDump = 16,
    kAdviseDoDump = 17,
    kAdviseWipeOnFork = 18,
    kAdviseKeepOnFork = 19,
    kAdviseCold = 20,
    kAdvisePageOut = 21,
    kAdvisePopulateRead = 22,
    kAdvisePopulateWrite = 23,
    kAdviseDontNeedLocked = 24,
};

}  // namespace astra::mm
