// TLB shootdowns: asking other CPUs to forget translations.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::arch {

/// Does what other CPUs have asked this one to forget. Interrupts off.
void serve_flush_requests();
/// Forgets every kernel translation on every CPU.
void flush_kernel_everywhere();

}  // namespace astra::arch
