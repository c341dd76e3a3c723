// What poll(2), select(2) and epoll(7) can wait for: the event bits files answer and wait queues announce.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::fs {

/// Values of include/uapi/asm-generic/poll.h; epoll's EPOLL* bits are the same.
enum Poll : u32 {
    kPollIn = 0x1,
    kPollPri = 0x2,
    kPollOut = 0x4,
    kPollErr = 0x8,    // always reported
    kPollHup = 0x10,   // always reported
    kPollNval = 0x20,  // the descriptor is not open
    kPollRdNorm = 0x40,
    kPollRdBand = 0x80,
    kPollWrNorm = 0x100,
    kPollWrBand = 0x200,
    kPollRdHup = 0x2000,
};
inline constexpr u32 kPollReadable = kPollIn | kPollRdNorm;
inline constexpr u32 kPollWritable = kPollOut | kPollWrNorm;

}  // namespace astra::fs
