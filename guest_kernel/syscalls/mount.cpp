// mount, umount2, pivot_root.
#include "guest_kernel/fs/mount.hpp"

#include "guest_kernel/syscalls/path_arguments.hpp"

namespace astra::syscalls {

namespace {

/// A string argument that may be absent.
Result<String> read_optional(UserString text) {
    if (text.is_null()) return String();
    return mm::read_string(text, fs::kPathMax, Errno::kEINVAL);
}

}  // namespace

SyscallResult sys_mount(UserString source, UserString target, UserString type, u64 flags, u64 data) {
    // Programs of old put a magic number in the upper half (mount(2), MS_MGC_VAL).
    constexpr u64 kMagic = 0xc0ed0000, kMagicMask = 0xffff0000;
    if ((flags & kMagicMask) == kMagic) flags &= ~kMagicMask;
    String kind = TRY(read_optional(type)), from = TRY(read_optional(source));
    String options = TRY(read_optional(UserString(UserAddr(data))));
    fs::Path place = TRY(find_path(fs::kAtCwd, target, fs::kFollow));
    constexpr u64 kNoType = fs::kMountRemount | fs::kMountBind | fs::kMountMove | fs::kMountPropagation;
    if (type.is_null() && !(flags & kNoType)) return fail(Errno::kEINVAL);
    TRY(fs::mount(from, place, kind, flags, options));
    return 0;
}

SyscallResult sys_umount2(UserString target, int flags) {
    u32 bits = static_cast<u32>(flags);
    u32 walk = bits & fs::kUnmountNoFollow ? 0 : u32{fs::kFollow};
    TRY(fs::unmount(TRY(find_path(fs::kAtCwd, target, walk)), bits));
    return 0;
}

SyscallResult sys_pivot_root(UserString new_root, UserString put_old) {
    fs::Path top = TRY(find_path(fs::kAtCwd, new_root, fs::kFollow | fs::kDirectory));
    fs::Path old = TRY(find_path(fs::kAtCwd, put_old, fs::kFollow | fs::kDirectory));
    TRY(fs::pivot_root(top, old));
    return 0;
}

}  // namespace astra::syscalls
