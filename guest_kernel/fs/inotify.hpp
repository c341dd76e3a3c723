// inotify instances: files that events of watched files and directories are read from (inotify(7)).
#pragma once
#include "guest_kernel/fs/path.hpp"

namespace astra::fs {

inline constexpr u32 kMostQueuedEvents = 16384, kMostWatches = 65536;  // of an instance; of all

/// `flags`: O_NONBLOCK. Errors: ENOMEM.
Result<Ref<File>> make_inotify(u32 flags);
/// inotify_add_watch(2) on a file of FileKind::Inotify: watches `place` for `mask`; answers the watch
/// descriptor. Errors: EEXIST (IN_MASK_CREATE), ENOSPC, ENOMEM.
Result<int> add_watch(File& instance, const Path& place, u32 mask);
/// Errors: EINVAL.
Result<void> remove_watch(File& instance, int descriptor);

/// What a mask of inotify_add_watch may hold besides events.
enum WatchFlags : u32 {
    kWatchEvents = 0xfff,
    kWatchOnlyDirectory = 0x0100'0000,
    kWatchNoFollow = 0x0200'0000,
    kWatchExcludeUnlinked = 0x0400'0000,
    kWatchMaskCreate = 0x1000'0000,
    kWatchMaskAdd = 0x2000'0000,
    kWatchIsDirectory = 0x4000'0000,
    kWatchOneShot = 0x8000'0000,
    kWatchUnmount = 0x2000,
    kWatchOverflow = 0x4000,
    kWatchIgnored = 0x8000,
    kWatchAll = kWatchEvents | kWatchOnlyDirectory | kWatchNoFollow | kWatchExcludeUnlinked |
                kWatchMaskCreate | kWatchMaskAdd | kWatchIsDirectory | kWatchOneShot | kWatchUnmount |
                kWatchOverflow | kWatchIgnored,
};

}  // namespace astra::fs
