// SipHash-1-3.
#include "guest_runtime/container/sip_hash.hpp"

#include <atomic>
#include <bit>

#include "guest_runtime/random/random.hpp"

namespace astra {

namespace {

void round(u64 (&v)[4]) {
    v[0] += v[1], v[1] = std::rotl(v[1], 13) ^ v[0], v[0] = std::rotl(v[0], 32);
    v[2] += v[3], v[3] = std::rotl(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = std::rotl(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = std::rotl(v[1], 17) ^ v[2], v[2] = std::rotl(v[2], 32);
}

}  // namespace

SipKeys random_sip_keys() {
    // Asked once a process: random numbers cost a system call where the CPU has none.
    static const SipKeys first{random::next_u64(), random::next_u64()};
    static std::atomic<u64> tables{0};
    return {first.k0 + tables.fetch_add(1, std::memory_order_relaxed), first.k1};
}

void SipHasher::write(std::span<const u8> bytes) {
    for (u8 byte : bytes) {
        tail_ |= u64{byte} << 8 * (length_ % 8);
        if (++length_ % 8) continue;
        v_[3] ^= tail_;
        round(v_);
        v_[0] ^= tail_;
        tail_ = 0;
    }
}

u64 SipHasher::finish() const {
    u64 v[4] = {v_[0], v_[1], v_[2], v_[3]};
    u64 last = tail_ | u64{length_ & 0xff} << 56;
    v[3] ^= last;
    round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

}  // namespace astra
