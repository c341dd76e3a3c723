// Threads' stacks. Mapping one costs three system calls and the page faults of its first use, so a few are
// kept.
#include "guest_runtime/thread/stack.hpp"

#include <algorithm>

#include "guest_runtime/os/os.hpp"
#include "guest_runtime/sync/raw_mutex.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/thread/local_storage.hpp"
#include "guest_runtime/thread/stack_guard.hpp"

namespace astra::thread {

namespace {

constexpr usize kLeast = 16 * 1024, kMost = usize{1} << 46;
constexpr usize kKept = 16, kKeptSize = 4 * 1024 * 1024;

struct Kept {
    sync::RawMutex mutex;
    Stack* first = nullptr;
    usize count = 0;
};
constinit Kept kept;

usize storage_alignment_or_line() { return std::max<usize>(storage_alignment(), 64); }

/// A kept stack of this size that its thread has left.
Stack* reuse(usize size) {
    sync::RawGuard guard(kept.mutex);
    for (Stack** at = &kept.first; *at; at = &(*at)->next) {
        Stack* stack = *at;
        if (stack->size != size || stack->busy.load(std::memory_order_acquire)) continue;
        *at = stack->next;
        kept.count--;
        return stack;
    }
    return nullptr;
}

}  // namespace

u64 Stack::guard() const { return mapping + kAlternateStack; }

void* Stack::storage() {
    auto* memory =
        reinterpret_cast<u8*>(align_up(reinterpret_cast<u64>(this + 1), storage_alignment_or_line()));
    std::fill_n(memory, storage_size(), u8{0});
    return memory;
}

io::Result<Stack*> take_stack(usize size) {
    if (size > kMost) return std::unexpected(io::Error(Errno::kENOMEM));
    usize above = align_up(sizeof(Stack) + storage_size() + storage_alignment_or_line(), 64);
    usize whole = kAlternateStack + kPageSize + align_up(std::max(size, kLeast) + above, kPageSize);
    if (Stack* stack = reuse(whole)) return stack;
    i64 mapped = TRY(os::check(
        sys::mmap(0, whole, sys::kProtRead | sys::kProtWrite,
                  sys::kMapPrivate | sys::kMapAnonymous | sys::kMapNoReserve | sys::kMapStack, -1, 0)));
    auto mapping = static_cast<u64>(mapped);
    auto guarded = os::check_done(sys::mprotect(mapping + kAlternateStack, kPageSize, sys::kProtNone));
    if (!guarded) {
        sys::munmap(mapping, whole);
        return std::unexpected(guarded.error());
    }
    auto* stack = reinterpret_cast<Stack*>(mapping + whole - above);
    stack->mapping = mapping;
    stack->size = whole;
    return stack;
}

bool keep_stack(Stack* stack) {
    if (stack->size > kKeptSize) return false;
    sync::RawGuard guard(kept.mutex);
    if (kept.count == kKept) return false;
    stack->next = kept.first;
    kept.first = stack;
    kept.count++;
    return true;
}

void unmap_stack(Stack* stack) { sys::munmap(stack->mapping, stack->size); }

}  // namespace astra::thread
