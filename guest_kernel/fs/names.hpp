// Changes to the tree of names by path: what mkdir, mknod, symlink, link, unlink, rmdir and rename do, with
// their permission checks (the current process's) and error numbers.
#pragma once
#include "guest_kernel/fs/vfs.hpp"

namespace astra::fs {

/// mknod(2): a fifo, socket, device or empty regular file; `mode` carries the type, the umask is applied.
/// Returns the new object's place.
Result<Path> make_node(const Path& base, std::string_view path, u32 mode, u64 rdev);
Result<void> make_directory(const Path& base, std::string_view path, u32 mode);
Result<void> make_symlink(const Path& base, std::string_view path, std::string_view target);
/// link(2): another name for `existing`.
Result<void> link(const Path& existing, const Path& base, std::string_view path);
Result<void> unlink(const Path& base, std::string_view path);
Result<void> remove_directory(const Path& base, std::string_view path);
/// renameat2(2) with RenameFlags.
Result<void> rename(const Path& old_base, std::string_view old_path, const Path& new_base,
                    std::string_view new_path, u32 flags);

}  // namespace astra::fs
