// What the allocators know about each frame of RAM. Private to mm.
#pragma once
#include "guest_kernel/mm/frames.hpp"

namespace astra::mm {

enum class FrameState : u8 {
    Free,     // head of a free block of 2^order frames, on a free list
    Block,    // head of an allocated block of 2^order frames; order 0: counted by `refs`
    Slab,     // a page of small heap objects
    Reserved  // the zero page: never freed
};

/// One per frame, 16 bytes. Only heads of blocks are kept up to date; metadata of memory that was never
/// handed out is never touched, so that boot costs nothing per byte of RAM.
struct Frame {
    u32 next, prev;  // frame numbers, 0: none. Links of free lists, of a class's slabs, of frames awaiting a
                     // TLB flush
    union {
        u32 refs;
        struct {
            u16 free_object;  // first free object of a slab, in units of 16 bytes; kNoObject: full
            u16 used_objects;
        };
    };
    FrameState state;
    u8 order;
    u8 size_class = 0;  // slabs
    u8 rewritten = 0;   // a copy of a file's page with code changed by the kernel (rewrite.cpp)
};
static_assert(sizeof(Frame) == 16);
inline constexpr u16 kNoObject = 0xffff;

/// Metadata of the frame with this number (address / 4096); nullptr outside RAM.
Frame* find_frame(u32 number);
inline u32 frame_number(PhysAddr frame) { return static_cast<u32>(frame.raw() >> kPageShift); }
inline PhysAddr frame_address(u32 number) { return PhysAddr(u64{number} << kPageShift); }

/// Some frames are kept back for the kernel itself, so that killing a program for want of memory can still
/// work.
enum class Reserve : bool { Keep, Use };
/// 2^order frames, not zeroed, one reference. ENOMEM when none is left.
Result<PhysAddr> take_frames(u32 order, Reserve reserve);

/// Drops the last reference of every frame linked through Frame::next from `first`, in one go.
void free_frame_chain(u32 first);
/// Makes 2^order frames allocated together into single frames with a reference each.
void split_frames(PhysAddr base, u32 order);

}  // namespace astra::mm
