// Random bytes, fit for hash keys and cryptography.
#pragma once
#include <span>

#include "guest_kernel/base/types.hpp"
#include "guest_runtime/io/error.hpp"

namespace astra::random {

/// Fills `to`: from RDRAND when the CPU has it and it works, otherwise from the kernel (getrandom(2)). Panics
/// when neither gives any: there is no safe way on.
void fill_bytes(std::span<u8> to);
/// A random number.
u64 next_u64();
/// A random number below `limit` (> 0), all equally likely.
u64 below(u64 limit);

/// The two ways on their own. False when the CPU has no RDRAND or it failed (it is then not asked again).
bool fill_from_cpu(std::span<u8> to);
io::Result<void> fill_from_kernel(std::span<u8> to);

}  // namespace astra::random
