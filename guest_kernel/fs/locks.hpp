// Advisory locks on files: POSIX record locks (fcntl(2) F_SETLK, owned by a process's descriptor table),
// their open-file-description form (F_OFD_SETLK), and flock(2).
#pragma once
#include "guest_kernel/fs/file.hpp"

namespace astra::fs {

/// Values of include/uapi/asm-generic/fcntl.h.
enum LockType : i16 { kLockRead = 0, kLockWrite = 1, kUnlock = 2 };
enum FlockOperation : int { kFlockShared = 1, kFlockExclusive = 2, kFlockNonblock = 4, kFlockUnlock = 8 };

/// A record lock as one of these calls means it: [start, end] inclusive.
struct RecordLock {
    LockType type;
    u64 start, end;
};

/// Sets, converts or removes (kUnlock) `owner`'s locks in the range; waits for others' when `wait`. Errors:
/// EAGAIN, EDEADLK (EDEADLOCK), kRestartSys, ENOMEM (ENOLCK).
Result<void> set_record_lock(Inode& inode, const void* owner, int pid, const RecordLock& wanted, bool wait);
/// The first lock that keeps `owner` from setting `wanted`: its range and type replace `wanted`, its process
/// `pid`; type kUnlock when there is none.
void test_record_lock(Inode& inode, const void* owner, RecordLock& wanted, int& pid);
/// Drops every record lock of `owner` on `inode`.
void release_posix_locks(Inode& inode, const void* owner);

/// flock(2) on the description. Errors: EAGAIN (EWOULDBLOCK), EINVAL, kRestartSys, ENOMEM (ENOLCK).
Result<void> flock(File& file, int operation);

/// Drops what the description itself owns: its flock and its F_OFD locks. At its end.
void release_description_locks(File& file);

}  // namespace astra::fs
