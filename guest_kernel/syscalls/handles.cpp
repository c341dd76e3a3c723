// name_to_handle_at, open_by_handle_at: no file system here has handles that outlive a file's name.
#include "guest_kernel/syscalls/path_arguments.hpp"

namespace astra::syscalls {

namespace {
constexpr u32 kMostBytes = 128;  // MAX_HANDLE_SZ
}

SyscallResult sys_name_to_handle_at(int dirfd, UserString path, InOut<u32> handle, Out<int>, int flags) {
    u32 bits = static_cast<u32>(flags);
    if (bits & ~u32(fs::kAtSymlinkFollow | fs::kAtEmptyPath)) return fail(Errno::kEINVAL);
    u32 walk = bits & fs::kAtSymlinkFollow ? 0 : u32{fs::kAtSymlinkNoFollow};
    TRY(find_object(dirfd, path, walk | (bits & fs::kAtEmptyPath)));
    if (TRY(mm::read(handle)) > kMostBytes) return fail(Errno::kEINVAL);
    return fail(Errno::kENOTSUP);
}

SyscallResult sys_open_by_handle_at(int mount_fd, InOut<u32> handle, int) {
    if (!sched::current_process().credentials().is_root()) return fail(Errno::kEPERM);
    u32 bytes = TRY(mm::read(handle));
    if (bytes == 0 || bytes > kMostBytes) return fail(Errno::kEINVAL);
    TRY(find_object(mount_fd));
    return fail(Errno::kESTALE);
}

}  // namespace astra::syscalls
