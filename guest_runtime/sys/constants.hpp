// Flags and constants of the system calls that the runtime makes; values are Linux's
// (include/uapi/asm-generic, linux/*.h), names without their prefixes' capitals.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::sys {

// open(2)
inline constexpr int kReadOnly = 0, kWriteOnly = 1, kReadWrite = 2, kCreate = 0100, kExclusive = 0200,
                     kTruncate = 01000, kAppend = 02000, kNonBlock = 04000, kDirectory = 0200000,
                     kNoFollow = 0400000, kCloseOnExec = 02000000;
// *at(2)
inline constexpr int kAtCwd = -100, kSymlinkNoFollow = 0x100, kRemoveDir = 0x200, kEmptyPath = 0x1000;
// inode(7)
inline constexpr u32 kTypeMask = 0170000, kTypeSocket = 0140000, kTypeLink = 0120000, kTypeFile = 0100000,
                     kTypeBlock = 0060000, kTypeDirectory = 0040000, kTypeChar = 0020000, kTypeFifo = 0010000;
// fcntl(2)
inline constexpr int kDupFd = 0, kGetFd = 1, kSetFd = 2, kGetFlags = 3, kSetFlags = 4,
                     kDupFdCloseOnExec = 1030;
// mmap(2)
inline constexpr int kProtNone = 0, kProtRead = 1, kProtWrite = 2, kMapPrivate = 2, kMapAnonymous = 0x20,
                     kMapNoReserve = 0x4000, kMapStack = 0x20000;
// clone(2)
inline constexpr u64 kCloneVm = 0x100, kCloneFs = 0x200, kCloneFiles = 0x400, kCloneSighand = 0x800,
                     kCloneVfork = 0x4000, kCloneThread = 0x10000, kCloneSysvSem = 0x40000,
                     kCloneSetTls = 0x80000, kCloneParentSetTid = 0x100000, kCloneChildClearTid = 0x200000;
inline constexpr u64 kArchSetFs = 0x1002;
// futex(2)
inline constexpr int kFutexWait = 0, kFutexWake = 1, kFutexWaitBitset = 9, kFutexPrivate = 128;
// clock_gettime(2)
inline constexpr int kClockRealtime = 0, kClockMonotonic = 1;
// signal(7)
inline constexpr int kSigAbort = 6, kSigKill = 9, kSigSegv = 11, kSigPipe = 13, kSigTerm = 15, kSigChild = 17;
inline constexpr u64 kSaSigInfo = 4, kSaOnStack = 0x08000000, kSaRestorer = 0x04000000,
                     kSaResetHand = 0x80000000;
inline constexpr u64 kSigDefault = 0, kSigIgnore = 1;
// poll(2)
inline constexpr i16 kPollIn = 1, kPollOut = 4, kPollErr = 8, kPollHup = 16;
// wait4(2)
inline constexpr int kWaitNoHang = 1;
// socket(2), ip(7), tcp(7)
inline constexpr int kInet = 2, kInet6 = 10, kStream = 1, kDatagram = 2, kSockCloseOnExec = 02000000,
                     kSockNonBlock = 04000, kMsgPeek = 2, kMsgNoSignal = 0x4000;
inline constexpr int kSolSocket = 1, kReuseAddress = 2, kSocketError = 4, kBroadcast = 6,
                     kReceiveTimeout = 20, kSendTimeout = 21;
inline constexpr int kProtoIp = 0, kIpTtl = 2, kProtoTcp = 6, kTcpNoDelay = 1, kProtoIp6 = 41, kIp6Only = 26;

}  // namespace astra::sys
