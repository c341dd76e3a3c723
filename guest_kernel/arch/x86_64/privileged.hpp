// Privileged operations: what only CPL0 may do, as the rest of arch code asks for it. The isolated build
// executes the instruction in place, the flat build calls its gate. Both headers define the same functions:
//
//   load_root(PhysAddr)            CR3: switch address space, flush all but global translations
//   invalidate_page(u64 address)   invlpg
//   flush_program()                every translation but global ones
//   flush_all()                    every translation, global ones too
//   read_msr, write_msr            model-specific registers
//   in8 … out32                    port I/O
//   interrupts_disable() …        this CPU's interrupt flag, as the arch contract has it
//   let_interrupts_in()            for loops that wait for an interrupt: makes sure that one can come
//   halt_enabled()                 enable interrupts and halt in one step; returns with them off
//   halt_forever()                 the end of this CPU
//   set_xcr0(features)             which state XSAVE keeps; false: does not work here, OSXSAVE is off again
//   cpuid                          what the VMM tells this guest
//   fault_address()                CR2 of the page fault being handled
//   kAcknowledgedAtEntry           whether the LAPIC has its EOI before the handler runs
#pragma once
#if ASTRA_BUILD_FLAT
#include "guest_kernel/arch/x86_64/flat/privileged.hpp"
#else
#include "guest_kernel/arch/x86_64/isolated/privileged.hpp"
#endif
