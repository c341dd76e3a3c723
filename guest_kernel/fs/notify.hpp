// What happens to files, told to those who watch them (inotify(7)). Cheap when nobody does.
#pragma once
#include <atomic>

#include "guest_kernel/fs/path.hpp"

namespace astra::fs {

/// include/uapi/linux/inotify.h.
enum NotifyEvent : u32 {
    kNotifyAccess = 0x1,
    kNotifyModify = 0x2,
    kNotifyAttributes = 0x4,
    kNotifyCloseWrite = 0x8,
    kNotifyCloseNoWrite = 0x10,
    kNotifyOpen = 0x20,
    kNotifyMovedFrom = 0x40,
    kNotifyMovedTo = 0x80,
    kNotifyCreate = 0x100,
    kNotifyDelete = 0x200,
    kNotifyDeleteSelf = 0x400,
    kNotifyMoveSelf = 0x800,
};

namespace notify {

inline std::atomic<u32> watch_count{0};

// The same below, when there are watches. See the functions that call them.
void tell_object(Dentry& object, u32 event);
void tell_entry(Inode& directory, std::string_view name, u32 event, bool is_directory, u32 cookie);
void tell_self(Inode& inode, u32 event);
void tell_gone(Inode& inode);
u32 next_cookie();

}  // namespace notify

/// Something happened to `object`: its watchers and those of its directory hear of it. No spin locks held.
inline void notify_object(Dentry& object, u32 event) {
    if (notify::watch_count.load(std::memory_order_relaxed)) notify::tell_object(object, event);
}
/// The entry `name` of `directory` came, went or moved; `cookie` ties both halves of a move together.
inline void notify_entry(Inode& directory, std::string_view name, u32 event, bool is_directory,
                         u32 cookie = 0) {
    if (notify::watch_count.load(std::memory_order_relaxed))
        notify::tell_entry(directory, name, event, is_directory, cookie);
}
/// Only the watchers of `inode` itself hear.
inline void notify_self(Inode& inode, u32 event) {
    if (notify::watch_count.load(std::memory_order_relaxed)) notify::tell_self(inode, event);
}
/// A name of `inode` went; when it was the last one, so do its watches.
inline void notify_unlinked(Inode& inode) {
    if (notify::watch_count.load(std::memory_order_relaxed)) notify::tell_gone(inode);
}

}  // namespace astra::fs
