// Descriptors as calls that move bytes take them.
#pragma once
#include "guest_kernel/fs/file.hpp"
#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

/// No transfer is longer; longer ones are cut (MAX_RW_COUNT).
inline constexpr usize kMaxTransfer = 0x7fff'f000;

/// Errors: EBADF.
inline Result<Ref<fs::File>> file_of(int fd) { return sched::current_process().fds().get(fd); }
/// Errors: EBADF, also when it is not open for reading.
inline Result<Ref<fs::File>> reader(int fd) {
    Ref<fs::File> file = TRY(file_of(fd));
    return file->readable() ? Result<Ref<fs::File>>(std::move(file)) : fail(Errno::kEBADF);
}
/// Errors: EBADF, also when it is not open for writing.
inline Result<Ref<fs::File>> writer(int fd) {
    Ref<fs::File> file = TRY(file_of(fd));
    return file->writable() ? Result<Ref<fs::File>>(std::move(file)) : fail(Errno::kEBADF);
}

/// Installs two files under the lowest free numbers and writes those to `numbers`; `flags` may hold
/// O_CLOEXEC. Errors: EMFILE, EFAULT; nothing stays installed then.
Result<void> install_pair(Ref<fs::File> first, Ref<fs::File> second, u32 flags, Out<int> numbers);

}  // namespace astra::syscalls
