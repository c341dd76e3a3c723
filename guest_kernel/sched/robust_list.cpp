// What a thread's end does to words of its program's memory: robust futexes (set_robust_list(2)) and
// CLONE_CHILD_CLEARTID.
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/futex.hpp"
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

namespace {

constexpr u32 kMostEntries = 2048;      // Linux ROBUST_LIST_LIMIT: the list may be a ring
constexpr u64 kPriorityInheriting = 1;  // low bit of an entry's address

// Marks a mutex whose owner died and wakes one waiter; orphan_mutexes() wakes those the kernel hands mutexes
// to. A word that is gone is nobody's mutex any more.
void release_mutex(UserAddr word, u32 tid, bool kernel_hands_over) {
    if (!is_aligned(word.raw(), sizeof(u32)) || !mm::is_user_range(word, sizeof(u32))) return;
    auto value = mm::read(abi::In<u32>(word));
    if (!value) return;
    u32 seen = *value;
    for (;;) {
        if ((seen & kFutexTidMask) != tid) return;
        u32 expected = seen;
        if (!arch::user_compare_exchange(word, expected, (seen & kFutexWaiters) | kFutexOwnerDied, seen))
            return;
        if (seen == expected) break;
    }
    if (seen & kFutexWaiters && !kernel_hands_over)
        (void)futex_wake(word, FutexScope::Shared, 1, kFutexAnyBits);
}

Result<u64> next_entry(u64 entry) { return mm::read(abi::In<u64>(UserAddr(entry & ~kPriorityInheriting))); }

// Errors end the walk: the list is the program's own, and the program is ending.
Result<void> walk_robust_list(UserAddr head_address, u32 tid) {
    auto head = TRY(mm::read(abi::In<abi::RobustListHead>(head_address)));
    auto word_of = [&](u64 entry) {
        return UserAddr((entry & ~kPriorityInheriting) + static_cast<u64>(head.futex_offset));
    };
    u64 entry = head.list;
    for (u32 i = 0; i < kMostEntries && (entry & ~kPriorityInheriting) != head_address.raw(); i++) {
        // Read the link first: a woken waiter may free the entry.
        Result<u64> next = next_entry(entry);
        if (entry != head.pending) release_mutex(word_of(entry), tid, entry & kPriorityInheriting);
        entry = TRY(next);
    }
    if (head.pending) release_mutex(word_of(head.pending), tid, head.pending & kPriorityInheriting);
    return {};
}

}  // namespace

void leave_user_memory(Thread& thread) {
    if (!thread.robust_list.is_null()) {
        UserAddr head = std::exchange(thread.robust_list, UserAddr());
        (void)walk_robust_list(head, static_cast<u32>(thread.tid()));
    }
    orphan_mutexes(thread);
    UserAddr word = std::exchange(thread.clear_child_tid, UserAddr());
    // Nobody is left to see it when this is the last user of the memory.
    if (word.is_null()) return;
    if (mm::write(abi::Out<u32>(word), u32{0})) (void)futex_wake(word, FutexScope::Shared, 1, kFutexAnyBits);
}

}  // namespace astra::sched
