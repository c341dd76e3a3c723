// epoll(7): which of many files are ready, kept up to date by their wait queues.
#pragma once
#include "guest_kernel/fs/file.hpp"

namespace astra::fs {

/// A new epoll instance. Errors: ENOMEM.
Result<Ref<File>> make_epoll();

enum EpollOperation : int { kEpollAdd = 1, kEpollDelete = 2, kEpollModify = 3 };
/// epoll_ctl(2). Errors: EINVAL (not an epoll instance, itself, bad EPOLLEXCLUSIVE), EEXIST, ENOENT, EPERM
/// (always ready), ELOOP, ENOMEM.
Result<void> control_epoll(File& epoll, int operation, int fd, const Ref<File>& file,
                           const abi::EpollEvent& event);
/// epoll_wait(2): events into the program's array, until `deadline_ns` (arch::now_ns time; 0: do not wait).
/// Errors: EINVAL, EFAULT, EINTR.
Result<int> wait_epoll(File& epoll, abi::Out<abi::EpollEvent> events, int capacity, u64 deadline_ns);

/// The `number`th (from 0) of the files that `epoll` watches as descriptor `fd`; only to be compared. Errors:
/// EINVAL (not an epoll instance), ENOENT.
Result<const File*> watched_by(File& epoll, int fd, u32 number);

/// Takes a file that is about to be destroyed out of every epoll instance.
void forget_watched(File& file);

}  // namespace astra::fs
