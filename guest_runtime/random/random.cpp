// Random bytes: RDRAND (Intel SDM volume 1, 7.3.17), or getrandom(2).
#include "guest_runtime/random/random.hpp"

#include <algorithm>
#include <atomic>

#include "guest_runtime/os/os.hpp"
#include "guest_runtime/os/panic.hpp"

namespace astra::random {

namespace {

constexpr u32 kRdrandBit = 1u << 30;  // CPUID 1, ECX

/// False when ten tries gave nothing (the SDM's advice).
bool rdrand(u64& value) {
    for (int tries = 0; tries < 10; tries++) {
        bool good;
        asm volatile("rdrand %0" : "=r"(value), "=@ccc"(good));
        if (good) return true;
    }
    return false;
}

/// Whether RDRAND is there and its values differ: some CPUs answered all ones after a sleep.
bool probe() {
    u32 a = 1, b, c = 0, d;
    asm("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (!(c & kRdrandBit)) return false;
    u64 first = 0, next = 0;
    if (!rdrand(first)) return false;
    for (int i = 0; i < 4; i++)
        if (rdrand(next) && next != first) return true;
    return false;
}

enum : u8 { kUnknown, kWorks, kDoesNot };
std::atomic<u8> cpu_state{kUnknown};

}  // namespace

bool fill_from_cpu(std::span<u8> to) {
    if (cpu_state.load(std::memory_order_relaxed) == kUnknown) cpu_state = probe() ? kWorks : kDoesNot;
    if (cpu_state == kDoesNot) return false;
    while (!to.empty()) {
        u64 value = 0;
        if (!rdrand(value)) {
            cpu_state = kDoesNot;
            return false;
        }
        usize count = std::min(to.size(), sizeof value);
        std::copy_n(reinterpret_cast<const u8*>(&value), count, to.data());
        to = to.subspan(count);
    }
    return true;
}

io::Result<void> fill_from_kernel(std::span<u8> to) {
    while (!to.empty()) {
        i64 count = TRY(io::retry([&] { return os::check(sys::getrandom(to.data(), to.size(), 0)); }));
        to = to.subspan(static_cast<usize>(count));
    }
    return {};
}

void fill_bytes(std::span<u8> to) {
    if (!fill_from_cpu(to) && !fill_from_kernel(to)) panic("there is no source of random bytes");
}

u64 next_u64() {
    u64 value = 0;
    fill_bytes({reinterpret_cast<u8*>(&value), sizeof value});
    return value;
}

u64 below(u64 limit) {
    assert_that(limit > 0, "a random number below 0 was asked for");
    // Values below 2^64 mod limit would make small results likelier.
    u64 reject = (0 - limit) % limit, value;
    do value = next_u64();
    while (value < reject);
    return value % limit;
}

}  // namespace astra::random
