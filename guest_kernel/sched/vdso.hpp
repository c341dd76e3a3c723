// Mapping the vDSO (guest_kernel/vdso) into programs.
#pragma once
#include "guest_kernel/mm/address_space.hpp"

namespace astra::sched {

/// Maps the vDSO and its time page; returns where its ELF header is (AT_SYSINFO_EHDR). Errors: ENOMEM.
Result<UserAddr> map_vdso(mm::AddressSpace& space);
/// Tells programs of the clocks' present parameters (arch::tsc_clock(), wall_offset_ns()).
void update_time_page();

}  // namespace astra::sched
