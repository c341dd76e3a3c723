// Extended attributes: the names and values one inode has beside its contents (xattr(7)).
#pragma once
#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/fs/path.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::fs {

inline constexpr usize kXattrNameMax = 255, kXattrValueMax = 64 << 10;  // XATTR_NAME_MAX, XATTR_SIZE_MAX
/// setxattr(2)'s XATTR_CREATE and XATTR_REPLACE.
enum XattrFlags : u32 { kXattrCreate = 1, kXattrReplace = 2 };

/// One inode's attributes; any thread may use it.
class Xattrs {
  public:
    /// Bytes of names and values one inode may have.
    static constexpr usize kMostBytes = 128 << 10;

    /// Errors: EEXIST, ENODATA (as `flags` ask); ENOSPC, ENOMEM.
    Result<void> set(std::string_view name, std::span<const u8> value, u32 flags);
    /// Errors: ENODATA, ENOMEM.
    Result<Vector<u8>> get(std::string_view name);
    /// Errors: ENODATA.
    Result<void> remove(std::string_view name);
    /// The names, each with a NUL after it; those of the class trusted only when `trusted`. Errors: ENOMEM.
    Result<String> names(bool trusted);

  private:
    struct Attribute {
        String name;
        Vector<u8> value;
    };
    using List = Vector<Attribute>;
    static Attribute* find(List& list, std::string_view name);
    sched::MutexLocked<List, sched::Rank::Inode> list_;
};

// The calls on an object, on behalf of the current process, whose rights are checked (fs/xattr.c of Linux).
// Errors besides those above: EOPNOTSUPP (no such class of attributes, or a file system without any), EPERM,
// EACCES, EROFS, EINVAL.
Result<void> set_xattr(const Path& path, std::string_view name, std::span<const u8> value, u32 flags);
Result<Vector<u8>> get_xattr(const Path& path, std::string_view name);
Result<void> remove_xattr(const Path& path, std::string_view name);
Result<String> list_xattrs(const Path& path);

}  // namespace astra::fs
