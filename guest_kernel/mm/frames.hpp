// Physical memory in frames of 4 KiB: allocation, reference counts, leak counters.
#pragma once
#include <span>

#include "guest_kernel/arch/upcalls.hpp"

namespace astra::mm {

/// Takes over the machine's RAM. Called once, before anything else here.
void init_frames(std::span<const BootInfo::Range> ram);

enum class Zero : bool { No, Yes };
/// One frame with one reference; ENOMEM when none is left.
Result<PhysAddr> alloc_frame(Zero zero);
/// 2^order consecutive, naturally aligned frames; freed with free_frames(…, order). Order 9 is a 2 MiB page.
Result<PhysAddr> alloc_frames(u32 order, Zero zero);
void free_frames(PhysAddr base, u32 order);

/// References: frames outside RAM (the image slot) are not counted and never freed; both calls accept them.
void ref_frame(PhysAddr frame);
/// Frees the frame at the last reference.
void unref_frame(PhysAddr frame);
[[nodiscard]] u32 frame_refs(PhysAddr frame);  // ~0u for frames outside RAM

/// The frame of zeros that read faults map; shared by all, never freed, never written.
PhysAddr zero_frame();

/// Page-table frames, for arch code: zeroed, never reference-counted.
Result<PhysAddr> alloc_page_table_frame();
void free_page_table_frame(PhysAddr frame);

/// Tells frame_stats how many frames kernel stacks gained (or gave back: negative).
void account_kernel_stack(i64 frames);

struct FrameStats {
    u64 total, free, page_tables, kernel_stacks;
};
FrameStats frame_stats();

/// A counted reference to a frame.
class FrameRef {
  public:
    FrameRef() = default;
    static FrameRef adopt(PhysAddr frame) {
        FrameRef r;
        r.frame_ = frame;
        return r;
    }
    static FrameRef share(PhysAddr frame) {
        ref_frame(frame);
        return adopt(frame);
    }
    FrameRef(FrameRef&& o) noexcept : frame_(o.leak()) {}
    FrameRef& operator=(FrameRef&& o) noexcept {
        PhysAddr f = frame_;
        frame_ = o.frame_;
        o.frame_ = f;
        return *this;
    }
    ~FrameRef() {
        if (!frame_.is_null()) unref_frame(frame_);
    }
    [[nodiscard]] PhysAddr frame() const { return frame_; }
    [[nodiscard]] u8* data() const { return static_cast<u8*>(arch::phys_to_virt(frame_)); }
    PhysAddr leak() {
        PhysAddr f = frame_;
        frame_ = PhysAddr();
        return f;
    }
    explicit operator bool() const { return !frame_.is_null(); }

  private:
    PhysAddr frame_;
};

}  // namespace astra::mm
