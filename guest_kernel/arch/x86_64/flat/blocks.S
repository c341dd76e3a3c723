// The gate blocks of all CPUs with their GDT and TSS, complete as linked, and the step from CPL0 down to CPL3 that every
// CPU takes once.
#include "guest_kernel/arch/x86_64/flat/gate_block.h"
#include "guest_kernel/arch/x86_64/layout.h"

#define MAX_CPUS 8
#define CR4_PGE_OSFXSR_OSXMMEXCPT_FSGSBASE 0x10680
#define CR4_OSXSAVE 0x40000
#define CPUID_1_ECX_XSAVE 26

    .section .data.gate, "aw", @progbits
    .balign GATE_BLOCK_SIZE
    .globl flat_gate_blocks
flat_gate_blocks:
    .globl _ZN5astra4arch7per_cpuE       // PerCpu astra::arch::per_cpu[]
_ZN5astra4arch7per_cpuE:
    .set cpu, 0
    .rept MAX_CPUS
    .set block, FLAT_GATE_BLOCKS + cpu * GATE_BLOCK_SIZE
    .set start, cpu * GATE_BLOCK_SIZE
    .org start + GATE_MASKED
    .byte 1                                 // masked until the kernel is ready
    .org start + GATE_TSS + 4
    .quad block + GATE_EXCEPTION_STACK_TOP  // RSP0
    .org start + GATE_TSS + 0x24
    .quad block + GATE_INTERRUPT_STACK_TOP  // IST1
    .quad block + GATE_FAULT_STACK_TOP      // IST2
    .quad block + GATE_PAGE_FAULT_STACK_TOP // IST3
    .org start + GATE_TSS + 0x66
    .word 0x68                              // no I/O bitmap
    .org start + GATE_GDT
    .quad 0, 0
    .quad 0x00af9b000000ffff                // ASTRA_KERNEL_CS
    .quad 0x00cf93000000ffff                // ASTRA_KERNEL_DS
    .quad 0x00cffb000000ffff                // ASTRA_USER32_CS
    .quad 0x00cff3000000ffff                // ASTRA_USER_DS
    .quad 0x00affb000000ffff                // ASTRA_USER_CS
    .quad 0
    .word 0x67, (block + GATE_TSS) & 0xffff // ASTRA_TSS
    .byte ((block + GATE_TSS) >> 16) & 0xff, 0x89, 0, ((block + GATE_TSS) >> 24) & 0xff
    .long block >> 32, 0
    .org start + GATE_GDT + GATE_GDT_POINTER
    .word GATE_GDT_POINTER - 1
    .quad block + GATE_GDT
    .set cpu, cpu + 1
    .endr
    .org MAX_CPUS * GATE_BLOCK_SIZE

flat_idt_pointer:
    .word 256 * 16 - 1
    .quad flat_idt

// rdi = gate block, rsi = stack, rdx = where to go on at CPL3, rax = its argument. At CPL0 in long mode on final or boot
// tables; never comes back.
    .section .text.boot, "ax", @progbits
    .globl flat_leave_cpl0
flat_leave_cpl0:
    mov %rax, %r9
    lgdt GATE_GDT + GATE_GDT_POINTER(%rdi)
    lidt flat_idt_pointer
    mov $ASTRA_TSS, %eax
    ltr %ax
    mov %rdx, %r8
    mov $1, %eax
    cpuid
    mov %cr4, %rax
    or $CR4_PGE_OSFXSR_OSXMMEXCPT_FSGSBASE, %eax
    bt $CPUID_1_ECX_XSAVE, %ecx
    jnc 1f
    or $CR4_OSXSAVE, %eax
1:  mov %rax, %cr4
    mov $0xc0000101, %ecx                   // GS base: the block
    mov %rdi, %rax
    mov %rdi, %rdx
    shr $32, %rdx
    wrmsr
    mov $ASTRA_USER_DS, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %r9, %rdi
    pushq $ASTRA_USER_DS
    push %rsi
    pushq $2
    pushq $ASTRA_USER_CS
    push %r8
    iretq

    .section .text, "ax", @progbits
    .globl flat_gate_call, flat_gate_call_return
flat_gate_call:
    int3
flat_gate_call_return:
    ret

// u64 flat_syscall_level(): CS after a `syscall` whose LSTAR is flat_syscall_probe.
    .globl flat_syscall_level, flat_syscall_probe
flat_syscall_level:
    push %r11
    syscall
    pop %r11
    ret
flat_syscall_probe:
    mov %cs, %eax
    jmp *%rcx
