// Waiting for a word in memory to change (futex(2)).
#pragma once
#include <atomic>
#include <optional>

#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/sys/syscall.hpp"
#include "guest_runtime/time/duration.hpp"

namespace astra::sync {

inline u32* raw_word(std::atomic<u32>& word) { return reinterpret_cast<u32*>(&word); }

/// Sleeps while `word` is `expected`, until woken, or until `timeout` has passed. False only for the timeout;
/// a true answer may be spurious: look at the word again.
inline bool futex_wait(std::atomic<u32>& word, u32 expected, std::optional<time::Duration> timeout = {}) {
    abi::TimeSpec span{};
    if (timeout) span = {static_cast<i64>(timeout->as_secs()), timeout->subsec_nanos()};
    i64 answer = sys::futex(raw_word(word), sys::kFutexWait | sys::kFutexPrivate, expected,
                            timeout ? reinterpret_cast<u64>(&span) : 0, nullptr, 0);
    return answer != -static_cast<i64>(Errno::kETIMEDOUT);
}
/// Wakes one sleeper; answers whether there was one.
inline bool futex_wake(std::atomic<u32>& word) {
    return sys::futex(raw_word(word), sys::kFutexWake | sys::kFutexPrivate, 1, 0, nullptr, 0) > 0;
}
/// Wakes all sleepers.
inline void futex_wake_all(std::atomic<u32>& word) {
    sys::futex(raw_word(word), sys::kFutexWake | sys::kFutexPrivate, 0x7fffffff, 0, nullptr, 0);
}

}  // namespace astra::sync
