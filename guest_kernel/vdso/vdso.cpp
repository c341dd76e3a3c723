// The vDSO (vdso(7)): code of the kernel's that runs in programs, to read clocks without a system call. Built
// as a shared object of its own and mapped into every program.
#include "guest_kernel/abi/structs.hpp"
#include "guest_kernel/vdso/time_page.hpp"

namespace {

using namespace astra;

constexpr int kRealtime = 0, kMonotonic = 1, kMonotonicRaw = 4, kRealtimeCoarse = 5, kMonotonicCoarse = 6,
              kBoottime = 7, kTai = 11;
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

// Nanoseconds, monotonic or wall clock; false when only the kernel knows.
bool read_clock(bool wall, u64& ns) {
    const volatile vdso::TimePage& page = astra_time_page;
    for (;;) {
        u32 before = page.sequence;
        if (before & 1) {
            asm volatile("pause");
            continue;
        }
        asm volatile("" ::: "memory");
        u64 scale = page.ns_per_tick, start = page.start_tsc, offset = wall ? page.wall_offset_ns : 0;
        u64 ticks = ordered_tsc() - start;
        asm volatile("" ::: "memory");
        if (page.sequence != before) continue;
        ns = static_cast<u64>((static_cast<unsigned __int128>(ticks) * scale) >> 32) + offset;
        return scale != 0;
    }
}

bool is_wall(int clock) { return clock == kRealtime || clock == kRealtimeCoarse || clock == kTai; }
bool is_monotonic(int clock) {
    return clock == kMonotonic || clock == kMonotonicRaw || clock == kMonotonicCoarse || clock == kBoottime;
}

// clock_gettime(2); `number` is what asks the kernel for it.
int clock_time(long number, int clock, abi::TimeSpec* time) {
    u64 ns;
    bool wall = is_wall(clock);
    if ((!wall && !is_monotonic(clock)) || !read_clock(wall, ns))
        return static_cast<int>(call_kernel(number, clock, reinterpret_cast<long>(time)));
    time->sec = static_cast<i64>(ns / kNsPerSecond);
    time->nsec = static_cast<i64>(ns % kNsPerSecond);
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
    if (is_wall(clock) || is_monotonic(clock)) {
        if (resolution) *resolution = {0, 1};
        return 0;
    }
    return static_cast<int>(call_kernel(kSysClockGetres, clock, reinterpret_cast<long>(resolution)));
}

int __vdso_gettimeofday(abi::TimeVal* time, abi::TimeZone* zone) {
    u64 ns;
    if (!read_clock(true, ns))
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
    if (!read_clock(true, ns)) return call_kernel(kSysTime, reinterpret_cast<long>(result), 0);
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
