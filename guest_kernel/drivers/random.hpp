// The kernel's random number generator: ChaCha20 (RFC 8439) with fast key erasure, seeded from RDRAND, the
// virtio entropy device and the time stamp counter.
#pragma once
#include <span>

#include "guest_kernel/base/types.hpp"

namespace astra {

/// Fills `to` with unpredictable bytes. Any context.
void random_bytes(std::span<u8> to);
/// Mixes entropy in.
void add_entropy(std::span<const u8> bytes);

}  // namespace astra
