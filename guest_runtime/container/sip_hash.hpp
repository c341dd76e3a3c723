// SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012; one compression round, three
// at the end, as Rust's and Python's hash tables use it).
#pragma once
#include <span>

#include "guest_kernel/base/types.hpp"

namespace astra {

struct SipKeys {
    u64 k0 = 0, k1 = 0;
};

/// Keys for a hash table: the first are random, each further table's differ from them.
SipKeys random_sip_keys();

/// Hashes bytes written in any number of pieces.
class SipHasher {
  public:
    explicit SipHasher(const SipKeys& keys)
        : v_{keys.k0 ^ 0x736f6d6570736575, keys.k1 ^ 0x646f72616e646f6d, keys.k0 ^ 0x6c7967656e657261,
             keys.k1 ^ 0x7465646279746573} {}
    void write(std::span<const u8> bytes);
    [[nodiscard]] u64 finish() const;

  private:
    u64 v_[4];
    u64 tail_ = 0;
    usize length_ = 0;
};

}  // namespace astra
