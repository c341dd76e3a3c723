// The structs that cross the system call boundary, laid out as Linux x86-64 has them (include/uapi), under
// our names so that they can stand beside a libc's. `Astra*` are the astra ABI's own.
#pragma once
#include "guest_kernel/abi/ipc.hpp"
#include "guest_kernel/base/types.hpp"

namespace astra::abi {

struct TimeSpec {
    i64 sec;
    i64 nsec;
};
struct TimeVal {
    i64 sec;
    i64 usec;
};
struct TimeZone {
    i32 minutes_west;
    i32 dst_time;
};
struct ITimerVal {
    TimeVal interval, value;
};
struct ITimerSpec {
    TimeSpec interval, value;
};
struct Tms {
    i64 utime, stime, cutime, cstime;
};

struct Stat {
    u64 dev, ino, nlink;
    u32 mode, uid, gid, pad0;
    u64 rdev;
    i64 size, blksize, blocks;
    TimeSpec atime, mtime, ctime;
    i64 unused[3];
};
/// The astra ABI's struct stat (spec, "Phase 2: Enhanced File I/O").
struct AstraStat {
    u64 st_size, st_mode, st_mtime;
};
struct StatxTimestamp {
    i64 sec;
    u32 nsec;
    i32 pad;
};
struct Statx {
    u32 mask, blksize;
    u64 attributes;
    u32 nlink, uid, gid;
    u16 mode, pad0;
    u64 ino, size, blocks, attributes_mask;
    StatxTimestamp atime, btime, ctime, mtime;
    u32 rdev_major, rdev_minor, dev_major, dev_minor;
    u64 mnt_id;
    u64 pad1[13];
};
struct StatFs {
    i64 type, bsize;
    u64 blocks, bfree, bavail, files, ffree;
    i32 fsid[2];
    i64 namelen, frsize, flags, spare[4];
};
/// Followed by the NUL-terminated name; `reclen` is a multiple of 8.
struct Dirent64Head {
    u64 ino;
    i64 off;
    u16 reclen;
    u8 type;
} __attribute__((packed));
/// getdents(2)'s older record: the type byte is the record's last.
struct DirentHead {
    u64 ino, off;
    u16 reclen;
} __attribute__((packed));
struct IoVec {
    u64 base, len;
};
struct OpenHow {
    u64 flags, mode, resolve;
};
/// Sockets (linux/socket.h, linux/un.h).
struct MsgHdr {
    u64 name;
    u32 namelen, pad0;
    u64 iov, iovlen, control, controllen;
    u32 flags, pad1;
};
/// One message of sendmmsg(2) and recvmmsg(2), and its length once it was sent or received.
struct MMsgHdr {
    MsgHdr header;
    u32 length, pad;
};
/// Followed by its data; headers start at multiples of 8.
struct CMsgHdr {
    u64 len;
    i32 level, type;
};
struct UCred {
    i32 pid;
    u32 uid, gid;
    friend bool operator==(const UCred&, const UCred&) = default;
};
struct Linger {
    i32 on, seconds;
};
struct SockAddrUn {
    u16 family;
    char path[108];
};

struct PollFd {
    i32 fd;
    i16 events, revents;
};
struct EpollEvent {
    u32 events;
    u64 data;
} __attribute__((packed));
/// kcmp_epoll_slot of kcmp(2).
struct KcmpEpollSlot {
    u32 epoll_fd, watched_fd, number;
};
struct FLock {
    i16 type, whence;
    i32 pad;
    i64 start, len;
    i32 pid, pad2;
};
struct Winsize {
    u16 rows, columns, xpixel, ypixel;
};
/// The kernel's struct termios (asm-generic/termbits.h), not libc's.
struct Termios {
    u32 iflag, oflag, cflag, lflag;
    u8 line;
    u8 cc[19];
};

using SigSet = u64;
struct SigAction {
    u64 handler, flags, restorer;
    SigSet mask;
};
struct SigStack {
    u64 sp;
    i32 flags, pad;
    u64 size;
};
struct SigInfo {
    i32 signo, error, code, pad0;
    union {
        struct {
            i32 pid;
            u32 uid;
            u64 value;
        } sender;  // kill, sigqueue
        struct {
            i32 timer, overrun;
            u64 value;
        } timer;  // POSIX timers
        struct {
            i32 pid;
            u32 uid;
            i32 status, pad;
            i64 utime, stime;
        } child;  // SIGCHLD
        struct {
            u64 address;
            i16 lsb;
        } fault;  // SIGSEGV, SIGBUS, SIGILL, SIGFPE
        struct {
            i64 band;
            i32 fd;
        } poll;  // SIGIO
        u8 bytes[112];
    };
};
static_assert(sizeof(SigInfo) == 128);
struct SigEvent {
    u64 value;
    i32 signo, notify, tid, pad[11];
};

struct RLimit {
    u64 current, maximum;
};
struct RUsage {
    TimeVal utime, stime;
    i64 maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv, nsignals, nvcsw,
        nivcsw;
};
struct SysInfo {
    i64 uptime;
    u64 loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
    u16 procs, pad, pad2[2];
    u64 totalhigh, freehigh;
    u32 mem_unit, pad3;
};
struct UtsName {
    char sysname[65], nodename[65], release[65], version[65], machine[65], domainname[65];
};
struct CloneArgs {
    u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
        cgroup;
};
struct SchedParam {
    i32 priority;
};
/// sched_setattr(2); programs may know only its first 48 bytes.
struct SchedAttr {
    u32 size, policy;
    u64 flags;
    i32 nice;
    u32 priority;
    u64 runtime, deadline, period;
    u32 util_min, util_max;
};
/// adjtimex(2).
struct Timex {
    u32 modes, pad0;
    i64 offset, freq, maxerror, esterror;
    i32 status, pad1;
    i64 constant, precision, tolerance;
    TimeVal time;
    i64 tick, ppsfreq, jitter;
    i32 shift, pad2;
    i64 stabil, jitcnt, calcnt, errcnt, stbcnt;
    i32 tai, pad3[11];
};
/// futex_waitv(2).
struct FutexWaitV {
    u64 value, address;
    u32 flags, reserved;
};
/// signalfd(2)'s record.
struct SignalFdInfo {
    u32 signo;
    i32 error, code;
    u32 pid, uid;
    i32 fd;
    u32 timer, band, overrun, trapno;
    i32 status, value;
    u64 pointer, utime, stime, address;
    u16 address_lsb, pad0;
    i32 syscall;
    u64 call_address;
    u32 arch;
    u8 pad1[28];
};
struct RobustList {
    u64 next;
};
struct RobustListHead {
    u64 list;
    i64 futex_offset;
    u64 pending;
};
struct CapHeader {
    u32 version;
    i32 pid;
};
struct CapData {
    u32 effective, permitted, inheritable;
};

static_assert(sizeof(Stat) == 144 && sizeof(Statx) == 256 && sizeof(StatFs) == 120 &&
              sizeof(EpollEvent) == 12);
static_assert(sizeof(SysInfo) == 112 && sizeof(UtsName) == 390 && sizeof(CloneArgs) == 88 &&
              sizeof(RUsage) == 144);
static_assert(sizeof(MMsgHdr) == 64 && sizeof(MsgHdr) == 56 && sizeof(CMsgHdr) == 16 && sizeof(SockAddrUn) == 110);
static_assert(sizeof(SchedAttr) == 56 && sizeof(Timex) == 208 && sizeof(FutexWaitV) == 24 &&
              sizeof(SignalFdInfo) == 128);
static_assert(sizeof(SigEvent) == 64 && sizeof(Termios) == 36 && sizeof(FLock) == 32 && sizeof(Statx) == 256);

}  // namespace astra::abi
