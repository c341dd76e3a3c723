// The flag words of open(2), the *at calls, mount(2) and fallocate(2), as Linux x86-64 has them
// (include/uapi/asm-generic/fcntl.h, linux/fcntl.h, linux/mount.h, linux/falloc.h).
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::fs {

enum OpenFlags : u32 {
    kOReadOnly = 0,
    kOWriteOnly = 1,
    kOReadWrite = 2,
    kOAccessMode = 3,
    kOCreate = 0100,
    kOExclusive = 0200,
    kONoCtty = 0400,
    kOTruncate = 01000,
    kOAppend = 02000,
    kONonblock = 04000,
    kODsync = 010000,
    kOAsync = 020000,
    kODirect = 040000,
    kOLargeFile = 0100000,
    kODirectory = 0200000,
    kONoFollow = 0400000,
    kONoAtime = 01000000,
    kOCloseOnExec = 02000000,
    kOSync = 04000000 | kODsync,
    kOPath = 010000000,
    kOTmpfileBit = 020000000,
    kOTmpfile = kOTmpfileBit | kODirectory,
    /// Every flag open knows; openat2 refuses others, open and openat ignore them.
    kOAll = kOAccessMode | kOCreate | kOExclusive | kONoCtty | kOTruncate | kOAppend | kONonblock | kODirect |
            kOAsync | kOLargeFile | kODirectory | kONoFollow | kONoAtime | kOCloseOnExec | kOSync | kOPath |
            kOTmpfile,
    /// What only the open itself uses: not kept in File::flags.
    kOOnlyAtOpen = kOCreate | kOExclusive | kONoCtty | kOTruncate | kOCloseOnExec,
};

inline constexpr int kAtCwd = -100;
enum AtFlags : u32 {
    kAtSymlinkNoFollow = 0x100,
    kAtRemoveDirectory = 0x200,
    kAtEffectiveIds = 0x200,
    kAtSymlinkFollow = 0x400,
    kAtNoAutomount = 0x800,
    kAtEmptyPath = 0x1000,
    kAtStatxSyncType = 0x6000,
};

enum RenameFlags : u32 { kRenameNoReplace = 1, kRenameExchange = 2, kRenameWhiteout = 4 };

enum AllocateMode : u32 { kKeepSize = 1, kPunchHole = 2 };

enum MountFlags : u64 {
    kMountReadOnly = 1,
    kMountNoSuid = 2,
    kMountNoDevices = 4,
    kMountNoExec = 8,
    kMountRemount = 32,
    kMountNoAtime = 1024,
    kMountNoDirAtime = 2048,
    kMountBind = 4096,
    kMountMove = 8192,
    kMountRecursive = 16384,
    kMountSilent = 32768,
    kMountPropagation = (1 << 17) | (1 << 18) | (1 << 19) | (1 << 20),
    kMountRelatime = 1 << 21,
    kMountStrictAtime = 1 << 24,
    /// The flags a mount keeps.
    kMountKept =
        kMountReadOnly | kMountNoSuid | kMountNoDevices | kMountNoExec | kMountNoAtime | kMountNoDirAtime,
};
enum UnmountFlags : u32 { kUnmountForce = 1, kUnmountDetach = 2, kUnmountExpire = 4, kUnmountNoFollow = 8 };

}  // namespace astra::fs
