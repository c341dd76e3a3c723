// The vDSO (vdso(7)): code of the kernel's that runs in programs, to read clocks without a system call. Built
// as a shared object of its own and mapped into every program.
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/vdso/time_page.hpp"

namespace {

using namespace astra;

/// Clocks read here, as bits: CLOCK_REALTIME, _REALTIME_COARSE and _TAI; CLOCK_MONOTONIC, _MONOTONIC_RAW,
/// _MONOTONIC_COARSE and _BOOTTIME.
constexpr u32 kWallClocks = 1u << 0 | 1u << 5 | 1u << 11,
              kMonotonicClocks = 1u << 1 | 1u << 4 | 1u << 6 | 1u << 7;
constexpr long kSysGettimeofday = 96, kSysTime = 201, kSysClockGettime = 228, kSysClockGetres = 229,
               kSysGetcpu = 309;
constexpr long kAstraClockGettime = 96;  // the astra ABI's
constexpr u64 kNsPerSecond = 1'000'000'000;

extern "C" __attribute__((visibility("hidden"))) const volatile vdso::TimePage astra_time_page;  // vdso.ld

long call_kernel(long number, long a, long b, long c = 0) {
    long result;
    asm volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

u64 ordered_tsc() {
    u32 low, high;
    asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return u64{high} << 32 | low;
}

// Nanoseconds of the monotonic clock or (wall = 1) of the real one; false when only the kernel knows.
[[gnu::always_inline]] inline bool read_clock(u32 wall, u64& ns) {
    const volatile vdso::TimePage& page = astra_time_page;
    for (;;) {
        u32 before = page.sequence;
        if (before & 1) [[unlikely]] {
            asm volatile("pause");
            continue;
        }
        asm volatile("" ::: "memory");
        u64 scale = page.ns_per_tick, start = page.start_tsc, offset = page.offset_ns[wall];
        u64 ticks = ordered_tsc() - start;
        asm volatile("" ::: "memory");
        if (page.sequence != before) [[unlikely]]
            continue;
        ns = static_cast<u64>((static_cast<unsigned __int128>(ticks) * scale) >> 32) + offset;
        return scale != 0;
    }
}

[[gnu::always_inline]] inline bool is_one_of(u32 clocks, int clock) {
    return static_cast<u32>(clock) < 32 && clocks >> clock & 1;
}

// clock_gettime(2); `number` is what asks the kernel for it.
[[gnu::always_inline]] inline int clock_time(long number, int clock, abi::TimeSpec* time) {
    u64 ns;
    if (!is_one_of(kWallClocks | kMonotonicClocks, clock) || !read_clock(kWallClocks >> clock & 1, ns))
        [[unlikely]]
        return static_cast<int>(call_kernel(number, clock, reinterpret_cast<long>(time)));
    u64 seconds = ns / kNsPerSecond;
    time->sec = static_cast<i64>(seconds);
    time->nsec = static_cast<i64>(ns - seconds * kNsPerSecond);
    return 0;
}

}  // namespace

extern "C" {

int __vdso_clock_gettime(int clock, abi::TimeSpec* time) { return clock_time(kSysClockGettime, clock, time); }

// For programs on the astra ABI, where the kernel has another number for it.
int __vdso_astra_clock_gettime(int clock, abi::TimeSpec* time) {
    return clock_time(kAstraClockGettime, clock, time);
}

int __vdso_clock_getres(int clock, abi::TimeSpec* resolution) {
    if (is_one_of(kWallClocks | kMonotonicClocks, clock)) {
        if (resolution) *resolution = {0, 1};
        return 0;
    }
    return static_cast<int>(call_kernel(kSysClockGetres, clock, reinterpret_cast<long>(resolution)));
}

int __vdso_gettimeofday(abi::TimeVal* time, abi::TimeZone* zone) {
    u64 ns;
    if (!read_clock(1, ns))
        return static_cast<int>(
            call_kernel(kSysGettimeofday, reinterpret_cast<long>(time), reinterpret_cast<long>(zone)));
    if (time) {
        time->sec = static_cast<i64>(ns / kNsPerSecond);
        time->usec = static_cast<i64>(ns % kNsPerSecond / 1000);
    }
    if (zone) *zone = {};
    return 0;
}

i64 __vdso_time(i64* result) {
    u64 ns;
    if (!read_clock(1, ns)) return call_kernel(kSysTime, reinterpret_cast<long>(result), 0);
    auto seconds = static_cast<i64>(ns / kNsPerSecond);
    if (result) *result = seconds;
    return seconds;
}

// Which CPU a thread runs on is the kernel's secret: no register that programs can read tells it on every
// host.
long __vdso_getcpu(u32* cpu, u32* node, void*) {
    return call_kernel(kSysGetcpu, reinterpret_cast<long>(cpu), reinterpret_cast<long>(node));
}

int clock_gettime(int clock, abi::TimeSpec* time) __attribute__((weak, alias("__vdso_clock_gettime")));
int clock_getres(int clock, abi::TimeSpec* time) __attribute__((weak, alias("__vdso_clock_getres")));
int gettimeofday(abi::TimeVal* time, abi::TimeZone* zone) __attribute__((weak, alias("__vdso_gettimeofday")));
i64 time(i64* result) __attribute__((weak, alias("__vdso_time")));
long getcpu(u32* cpu, u32* node, void* unused) __attribute__((weak, alias("__vdso_getcpu")));

}  // extern "C"
