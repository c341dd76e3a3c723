// Waiting for a lock: a short spin, since most locks are held for less than a system call takes, then sleep.
#include "guest_runtime/sync/raw_mutex.hpp"

namespace astra::sync {

void RawMutex::lock_contended() {
    for (int spins = 100; spins > 0 && word_.load(std::memory_order_relaxed) == 1; spins--)
        __builtin_ia32_pause();
    if (try_lock()) return;
    while (word_.exchange(2, std::memory_order_acquire) != 0) futex_wait(word_, 2);
}

}  // namespace astra::sync
