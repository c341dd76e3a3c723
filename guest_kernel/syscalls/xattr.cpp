// Extended attributes (xattr(7)): arguments; what they mean is fs/xattrs.
#include "guest_kernel/fs/xattrs.hpp"

#include "guest_kernel/syscalls/path_arguments.hpp"

namespace astra::syscalls {

namespace {

constexpr u32 kFollow = 0, kNoFollow = fs::kAtSymlinkNoFollow;
constexpr usize kListMax = 64 << 10;  // XATTR_LIST_MAX

/// Errors: ERANGE (empty or too long), EFAULT.
Result<String> read_name(UserString name) {
    String text = TRY(mm::read_string(name, fs::kXattrNameMax + 1, Errno::kERANGE));
    return text.empty() ? fail(Errno::kERANGE) : Result<String>(std::move(text));
}

Result<fs::Path> object(UserString path, u32 follow) {
    return TRY(find_object(fs::kAtCwd, path, follow)).place();
}
/// Not O_PATH. Errors: EBADF; EOPNOTSUPP for files without a place.
Result<fs::Path> object(int fd) {
    Ref<fs::File> file = TRY(sched::current_process().fds().get(fd));
    const fs::Path* place = file->path();
    return place ? Result<fs::Path>(*place) : fail(Errno::kENOTSUP);
}

/// Errors: EINVAL (flags), E2BIG, EFAULT, ENOMEM.
Result<Vector<u8>> read_value(In<u8> value, usize size, int flags) {
    if (static_cast<u32>(flags) & ~u32(fs::kXattrCreate | fs::kXattrReplace)) return fail(Errno::kEINVAL);
    if (size > fs::kXattrValueMax) return fail(Errno::kE2BIG);
    Vector<u8> bytes;
    TRY(bytes.resize(size));
    TRY(mm::copy_in({bytes.data(), size}, value.address()));
    return bytes;
}

/// Answers the size; copies when there is somewhere to copy to. Errors: ERANGE when it is too small, EFAULT.
SyscallResult give(std::span<const u8> bytes, Out<u8> to, usize size) {
    if (size && size < bytes.size()) return fail(Errno::kERANGE);
    if (size) TRY(mm::copy_out(to.address(), bytes));
    return static_cast<i64>(bytes.size());
}

// In what order the arguments are checked is seen only when several are wrong.

template <class... Where>
SyscallResult set(UserString name, In<u8> value, usize size, int flags, Where... where) {
    fs::Path path = TRY(object(where...));
    String text = TRY(read_name(name));
    Vector<u8> bytes = TRY(read_value(value, size, flags));
    TRY(fs::set_xattr(path, text.view(), bytes, static_cast<u32>(flags)));
    return 0;
}
template <class... Where>
SyscallResult get(UserString name, Out<u8> to, usize size, Where... where) {
    fs::Path path = TRY(object(where...));
    return give(TRY(fs::get_xattr(path, TRY(read_name(name)).view())), to, size);
}
template <class... Where>
SyscallResult remove(UserString name, Where... where) {
    fs::Path path = TRY(object(where...));
    TRY(fs::remove_xattr(path, TRY(read_name(name)).view()));
    return 0;
}
template <class... Where>
SyscallResult list(Out<u8> to, usize size, Where... where) {
    String names = TRY(fs::list_xattrs(TRY(object(where...))));
    if (names.size() > kListMax) return fail(Errno::kE2BIG);
    return give({reinterpret_cast<const u8*>(names.view().data()), names.size()}, to, size);
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
SyscallResult sys_getxattr(UserString path, UserString name, Out<u8> to, usize size) {
    return get(name, to, size, path, kFollow);
}
SyscallResult sys_lgetxattr(UserString path, UserString name, Out<u8> to, usize size) {
    return get(name, to, size, path, kNoFollow);
}
SyscallResult sys_fgetxattr(int fd, UserString name, Out<u8> to, usize size) {
    return get(name, to, size, fd);
}
SyscallResult sys_listxattr(UserString path, Out<u8> to, usize size) { return list(to, size, path, kFollow); }
SyscallResult sys_llistxattr(UserString path, Out<u8> to, usize size) {
    return list(to, size, path, kNoFollow);
}
SyscallResult sys_flistxattr(int fd, Out<u8> to, usize size) { return list(to, size, fd); }
SyscallResult sys_removexattr(UserString path, UserString name) { return remove(name, path, kFollow); }
SyscallResult sys_lremovexattr(UserString path, UserString name) { return remove(name, path, kNoFollow); }
SyscallResult sys_fremovexattr(int fd, UserString name) { return remove(name, fd); }

}  // namespace astra::syscalls
