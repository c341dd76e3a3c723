// Structs and numbers of System V IPC as Linux x86-64 has them (asm/ipcbuf.h, shmbuf.h, sembuf.h, msgbuf.h).
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::abi {

struct IpcPerm {
    i32 key;
    u32 uid, gid, cuid, cgid, mode;
    u16 seq, pad0;
    u32 pad1;
    u64 unused[2];
};
struct ShmDs {
    IpcPerm perm;
    u64 size;
    i64 attach_time, detach_time, change_time;
    i32 creator, last;
    u64 attached, unused[2];
};
struct SemDs {
    IpcPerm perm;
    i64 operation_time;
    u64 unused0;
    i64 change_time;
    u64 unused1, count, unused2[2];
};
struct MsgDs {
    IpcPerm perm;
    i64 send_time, receive_time, change_time;
    u64 bytes, messages, most_bytes;
    i32 last_sender, last_receiver;
    u64 unused[2];
};
static_assert(sizeof(IpcPerm) == 48 && sizeof(ShmDs) == 112 && sizeof(SemDs) == 104 && sizeof(MsgDs) == 120);

/// One operation of semop(2).
struct SemBuf {
    u16 number;
    i16 change;
    i16 flags;
};
/// What IPC_INFO answers (shmctl(2), semctl(2), msgctl(2)).
struct ShmLimits {
    u64 most_bytes, least_bytes, most_segments, most_per_process, most_pages, unused[4];
};
struct SemLimits {
    i32 map, sets, semaphores, undos, per_set, operations, undos_per_process, undo_size, value, adjust;
};
struct MsgLimits {
    i32 pool, map, most_bytes, queue_bytes, queues, segment_size, headers;
    u16 segments, pad;
};

/// Flags of the get calls, above the permission bits, and commands of the ctl calls.
enum IpcFlag : u32 { kIpcCreate = 01000, kIpcExclusive = 02000, kIpcNoWait = 04000 };
enum IpcCommand : int { kIpcRemove = 0, kIpcSet = 1, kIpcStat = 2, kIpcInfo = 3 };
inline constexpr i32 kIpcPrivate = 0;

}  // namespace astra::abi
