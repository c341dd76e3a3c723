// Threads' stacks: mapped with a guard page, kept for the next thread of the same size.
#pragma once
#include <atomic>

#include "guest_runtime/io/error.hpp"

namespace astra::thread {

/// One mapping holds, from below: the alternate signal stack, a guard page, the stack, this, and the
/// thread-local storage.
struct Stack {
    Stack* next;            // among those that are kept
    u64 mapping;            // start
    usize size;             // of it all, bytes
    std::atomic<u32> busy;  // cleared by the kernel when the thread has left for good
    void* argument;         // for the thread that begins here

    [[nodiscard]] u64 guard() const;
    /// Where the thread's storage lies (thread/local_storage.hpp); cleared.
    [[nodiscard]] void* storage();
};

/// A stack of at least `size` bytes for use. OutOfMemory.
io::Result<Stack*> take_stack(usize size);

/// For a thread's own end: keeps the stack it runs on for another thread, which may use it when `busy` is
/// cleared. False when enough are kept: then the thread must unmap it.
bool keep_stack(Stack* stack);

/// Unmaps a stack that nobody runs on.
void unmap_stack(Stack* stack);

}  // namespace astra::thread
