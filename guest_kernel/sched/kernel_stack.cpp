// The cache of kernel stacks.
#include "guest_kernel/sched/kernel_stack.hpp"

#include "guest_kernel/mm/frames.hpp"

namespace astra::sched {

namespace {

struct Cache {
    static constexpr u32 kMost = 32;
    KernelStack stacks[kMost];
    u32 count = 0;
};
SpinLocked<Cache, Rank::KernelStacks> g_cache;

void free_frames(const KernelStack& stack) {
    for (PhysAddr frame : stack.frames)
        if (!frame.is_null()) mm::unref_frame(frame);
}

}  // namespace

Result<KernelStack> take_kernel_stack() {
    {
        auto cache = g_cache.lock();
        if (cache->count) return cache->stacks[--cache->count];
    }
    KernelStack stack;
    for (PhysAddr& frame : stack.frames) {
        Result<PhysAddr> allocated = mm::alloc_frame(mm::Zero::No);
        if (!allocated) {
            free_frames(stack);
            return fail(allocated.error());
        }
        frame = *allocated;
    }
    Result<void*> base = arch::map_kernel_stack(stack.frames);
    if (!base) {
        free_frames(stack);
        return fail(base.error());
    }
    stack.base = *base;
    return stack;
}

void return_kernel_stack(const KernelStack& stack) {
    {
        auto cache = g_cache.lock();
        if (cache->count < Cache::kMost) {
            cache->stacks[cache->count++] = stack;
            return;
        }
    }
    arch::unmap_kernel_stack(stack.base, KernelStack::kPages);
    free_frames(stack);
}

}  // namespace astra::sched
