// Function-local static objects are made once, whichever thread comes first (Itanium C++ ABI, 3.3.3). The
// guard's first byte says "made"; its second word is a futex: 0 nobody, 1 being made, 2 being made and waited
// for.
#include "guest_runtime/sync/futex.hpp"

extern "C" {

int __cxa_guard_acquire(astra::u64* guard) {
    using namespace astra;
    auto& made = *reinterpret_cast<std::atomic<u8>*>(guard);
    auto& state = *reinterpret_cast<std::atomic<u32>*>(reinterpret_cast<u32*>(guard) + 1);
    for (;;) {
        if (made.load(std::memory_order_acquire)) return 0;
        u32 seen = 0;
        if (state.compare_exchange_strong(seen, 1, std::memory_order_acquire)) {
            if (!made.load(std::memory_order_acquire)) return 1;
            if (state.exchange(0) == 2) sync::futex_wake_all(state);
            return 0;
        }
        if (seen == 1 && !state.compare_exchange_strong(seen, 2)) continue;
        sync::futex_wait(state, 2);
    }
}

void __cxa_guard_release(astra::u64* guard) {
    using namespace astra;
    reinterpret_cast<std::atomic<u8>*>(guard)->store(1, std::memory_order_release);
    auto& state = *reinterpret_cast<std::atomic<u32>*>(reinterpret_cast<u32*>(guard) + 1);
    if (state.exchange(0, std::memory_order_release) == 2) sync::futex_wake_all(state);
}
}
