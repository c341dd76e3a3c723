// Layout of a CPU's gate block, which begins with its PerCpu: what the gate (CPL0), the entry stubs and the
// kernel (both CPL3) share about one CPU. Plain macros for assembly; flat/percpu.hpp has the C++ view.
//
//   0x0000  PerCpu (percpu.h), from 0x0100 the gate's fields, TSS, GDT
//   0x0800  top of the #DF stack (IST 2)
//   0x0c00  tops of the two #PF stacks (IST 3, in turns)
//   0x0e00
//   0x1000  top of the exception stack (RSP0)
//   0x2000  top of the interrupt stack (IST 1)
#pragma once
#include "guest_kernel/arch/x86_64/percpu.h"

#define GATE_BLOCK_SIZE 0x2000
#define GATE_BLOCK_MASK -0x2000

// u8: the kernel does not want interrupts now (its "IF"). Written by the kernel, read by the gate.
#define GATE_MASKED 0x100
// u8: the CPU's real IF is off, because the gate returned from an interrupt. Set by the gate; whoever sets IF
// clears it.
#define GATE_IF_OFF 0x101
// u32: vector of the interrupt that came while it was not wanted; 0: none. There is at most one: IF is off
// then.
#define GATE_PENDING 0x104
// u32: page faults in entry.S since the last other exception (gate_page_fault).
#define GATE_STRAY_FAULTS 0x108
#define GATE_MAX_STRAY_FAULTS 1000

// Where the gate's stubs are linked: a 64 KiB boundary near the start of the kernel (kernel.ld).
#define FLAT_GATE_STUBS 0xffffffff80210000

// Where the blocks are linked: the first of the kernel's data (kernel.ld), so that their descriptors are
// constants.
#define FLAT_GATE_BLOCKS 0xffffffff80400000

#define GATE_TSS 0x180
#define GATE_TSS_IST3 (GATE_TSS + 0x34)
#define GATE_GDT 0x200
#define GATE_GDT_POINTER 0x50  // behind the descriptors, what lgdt takes
#define GATE_FAULT_STACK_TOP 0x800
#define GATE_PAGE_FAULT_STACK_TOP 0xc00
#define GATE_PAGE_FAULT_STACK_TURN (0xc00 ^ 0xe00)  // from one to the other
#define GATE_EXCEPTION_STACK_TOP 0x1000
#define GATE_INTERRUPT_STACK_TOP 0x2000

// Operations of the gate (rax), by `int3` at flat_gate_call. Arguments and results as each says.
#define GATE_OP_LOAD_ROOT 0  // rdi = CR3
#define GATE_OP_INVLPG 1     // rdi = first page, rsi = pages
#define GATE_OP_FLUSH_ALL 2  // CR4.PGE toggled
#define GATE_OP_READ_MSR 3   // rcx = register; result in rdi
#define GATE_OP_WRITE_MSR 4  // rcx = register, rdi = value
#define GATE_OP_IN 5         // rdx = port, rcx = bytes; result in rdi
#define GATE_OP_OUT 6        // rdx = port, rcx = bytes, rdi = value
#define GATE_OP_HALT 7       // sti; hlt; cli. GATE_MASKED is set; returns with IF off, the interrupt pending
#define GATE_OP_CPUID 8      // rdi, rcx = leaf, subleaf; results in rdi (eax), rsi (ebx), rcx, rdx
#define GATE_OP_XSETBV 9     // rcx = register, rdi = value
#define GATE_OP_HALT_FOREVER 10
#define GATE_OP_FLUSH_PROGRAM 11  // CR3 again
#define GATE_OP_ENABLE 12         // IF on
