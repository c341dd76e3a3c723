// The kernel's random number generator.
#include "guest_kernel/drivers/random.hpp"

#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra {

namespace {

struct Generator {
    u32 key[8] = {};
    u64 counter = 0;
    bool seeded = false;

    // One ChaCha20 block (RFC 8439, 2.3) with a 64-bit counter and no nonce.
    void block(u32 (&out)[16]) {
        u32 state[16] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
        for (int i = 0; i < 8; i++) state[4 + i] = key[i];
        state[12] = static_cast<u32>(counter);
        state[13] = static_cast<u32>(counter++ >> 32);
        for (int i = 0; i < 16; i++) out[i] = state[i];
        auto quarter = [&](int a, int b, int c, int d) {
            auto mix = [&](int x, int y, int z, int n) {
                out[x] += out[y];
                out[z] ^= out[x];
                out[z] = out[z] << n | out[z] >> (32 - n);
            };
            mix(a, b, d, 16), mix(c, d, b, 12), mix(a, b, d, 8), mix(c, d, b, 7);
        };
        for (int round = 0; round < 10; round++) {
            quarter(0, 4, 8, 12), quarter(1, 5, 9, 13), quarter(2, 6, 10, 14), quarter(3, 7, 11, 15);
            quarter(0, 5, 10, 15), quarter(1, 6, 11, 12), quarter(2, 7, 8, 13), quarter(3, 4, 9, 14);
        }
        for (int i = 0; i < 16; i++) out[i] += state[i];
    }
    void rekey() {  // fast key erasure: what was given out cannot be computed again from this state
        u32 out[16];
        block(out);
        for (int i = 0; i < 8; i++) key[i] = out[i];
    }
    void mix(std::span<const u8> bytes) {
        for (usize i = 0; i < bytes.size(); i++) {
            key[i / 4 % 8] ^= u32{bytes[i]} << (i % 4 * 8);
            if (i % 32 == 31 || i + 1 == bytes.size()) rekey();
        }
    }
    void seed() {
        for (int i = 0; i < 8; i++) {
            u64 value = arch::read_tsc(), hardware;
            if (arch::hardware_random(hardware)) value ^= hardware;
            mix({reinterpret_cast<u8*>(&value), sizeof value});
        }
        seeded = true;
    }
};
constinit sched::SpinLocked<Generator, sched::Rank::Log> generator;

}  // namespace

void random_bytes(std::span<u8> to) {
    auto g = generator.lock();
    if (!g->seeded) g->seed();
    while (!to.empty()) {
        u32 out[16];
        g->block(out);
        usize count = to.size() < sizeof out ? to.size() : sizeof out;
        __builtin_memcpy(to.data(), out, count);
        to = to.subspan(count);
    }
    g->rekey();
}

void add_entropy(std::span<const u8> bytes) {
    auto g = generator.lock();
    if (!g->seeded) g->seed();
    g->mix(bytes);
}

}  // namespace astra
