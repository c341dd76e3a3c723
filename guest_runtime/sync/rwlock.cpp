// Many readers or one writer. Sleepers count themselves before they look at the state a last time (in
// futex_wait), and unlocking changes the state before it looks at the count: one of the two always sees the
// other.
#include "guest_runtime/sync/rwlock.hpp"

namespace astra::sync {

void RawRwLock::sleep(u32 seen) {
    sleepers_.fetch_add(1);
    futex_wait(state_, seen);
    sleepers_.fetch_sub(1);
}

void RawRwLock::wake() {
    if (sleepers_.load()) futex_wake_all(state_);
}

bool RawRwLock::try_read() {
    u32 state = state_.load(std::memory_order_relaxed);
    while (!(state & (kWriter | kWriterWaits))) {
        if ((state & kReaders) == kReaders) panic("too many readers of a RwLock");
        if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acquire)) return true;
    }
    return false;
}

void RawRwLock::read() {
    while (!try_read()) {
        u32 state = state_.load(std::memory_order_relaxed);
        if (state & (kWriter | kWriterWaits)) sleep(state);
    }
}

void RawRwLock::unlock_read() {
    u32 before = state_.fetch_sub(1);
    if ((before & kReaders) == 1) wake();
}

bool RawRwLock::try_write() {
    u32 state = state_.load(std::memory_order_relaxed);
    while (!(state & ~kWriterWaits))  // taking it clears the mark; writers that still wait set it again
        if (state_.compare_exchange_weak(state, kWriter, std::memory_order_acquire)) return true;
    return false;
}

void RawRwLock::write() {
    while (!try_write()) {
        u32 state = state_.load(std::memory_order_relaxed);
        if (!(state & ~kWriterWaits)) continue;
        if (!(state & kWriterWaits) && !state_.compare_exchange_strong(state, state | kWriterWaits)) continue;
        sleep(state | kWriterWaits);
    }
}

void RawRwLock::unlock_write() {
    state_.fetch_and(~kWriter);
    wake();
}

}  // namespace astra::sync
