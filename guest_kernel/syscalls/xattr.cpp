// Extended attributes. The file systems here have none: after the checks Linux makes first, there is nothing
// to list and everything else is EOPNOTSUPP (xattr(7)).
#include "guest_kernel/syscalls/path_arguments.hpp"

namespace astra::syscalls {

namespace {

constexpr usize kMaxName = 255, kMaxValue = 64 << 10;  // XATTR_NAME_MAX, XATTR_SIZE_MAX
constexpr u32 kFollow = 0, kNoFollow = fs::kAtSymlinkNoFollow;

/// Errors: ERANGE (empty or too long), EFAULT.
Result<void> check_name(UserString name) {
    String text = TRY(mm::read_string(name, kMaxName + 1, Errno::kERANGE));
    return text.empty() ? fail(Errno::kERANGE) : Result<void>{};
}

/// The object must be there; `fd` not O_PATH.
Result<void> check_object(UserString path, u32 follow) {
    TRY(find_object(fs::kAtCwd, path, follow));
    return {};
}
Result<void> check_object(int fd) {
    TRY(sched::current_process().fds().get(fd));
    return {};
}

Result<void> check_value(In<u8> value, usize size, int flags) {
    constexpr u32 kCreate = 1, kReplace = 2;  // XATTR_CREATE, XATTR_REPLACE
    if (static_cast<u32>(flags) & ~(kCreate | kReplace)) return fail(Errno::kEINVAL);
    if (size > kMaxValue) return fail(Errno::kE2BIG);
    Vector<u8> bytes;
    TRY(bytes.resize(size));
    return mm::copy_in({bytes.data(), size}, value.address());
}

// In what order the arguments are checked is seen only when several are wrong.

template <class... Where>
SyscallResult set(UserString name, In<u8> value, usize size, int flags, Where... where) {
    TRY(check_object(where...));
    TRY(check_name(name));
    TRY(check_value(value, size, flags));
    return fail(Errno::kENOTSUP);
}
template <class... Where>
SyscallResult get_or_remove(UserString name, Where... where) {
    TRY(check_object(where...));
    TRY(check_name(name));
    return fail(Errno::kENOTSUP);
}
template <class... Where>
SyscallResult list(Where... where) {
    TRY(check_object(where...));
    return 0;
}

}  // namespace

SyscallResult sys_setxattr(UserString path, UserString name, In<u8> value, usize size, int flags) {
    return set(name, value, size, flags, path, kFollow);
}
SyscallResult sys_lsetxattr(UserString path, UserString name, In<u8> value, usize size, int flags) {
    return set(name, value, size, flags, path, kNoFollow);
}
SyscallResult sys_fsetxattr(int fd, UserString name, In<u8> value, usize size, int flags) {
    return set(name, value, size, flags, fd);
}
SyscallResult sys_getxattr(UserString path, UserString name, Out<u8>, usize) {
    return get_or_remove(name, path, kFollow);
}
SyscallResult sys_lgetxattr(UserString path, UserString name, Out<u8>, usize) {
    return get_or_remove(name, path, kNoFollow);
}
SyscallResult sys_fgetxattr(int fd, UserString name, Out<u8>, usize) { return get_or_remove(name, fd); }
SyscallResult sys_listxattr(UserString path, Out<u8>, usize) { return list(path, kFollow); }
SyscallResult sys_llistxattr(UserString path, Out<u8>, usize) { return list(path, kNoFollow); }
SyscallResult sys_flistxattr(int fd, Out<u8>, usize) { return list(fd); }
SyscallResult sys_removexattr(UserString path, UserString name) { return get_or_remove(name, path, kFollow); }
SyscallResult sys_lremovexattr(UserString path, UserString name) {
    return get_or_remove(name, path, kNoFollow);
}
SyscallResult sys_fremovexattr(int fd, UserString name) { return get_or_remove(name, fd); }

}  // namespace astra::syscalls
