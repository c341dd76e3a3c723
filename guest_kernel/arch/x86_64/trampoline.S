// What a starting CPU runs: real mode at ASTRA_TRAMPOLINE_PHYS, protected mode, long mode on the boot tables (identity and
// image), then the kernel's own tables and stack as start_cpu left them. All but the end is copied below 1 MiB.
#include "guest_kernel/arch/x86_64/layout.h"

#define PHYS(symbol) (symbol - ASTRA_KERNEL_OFFSET)
#define LOW(symbol) (symbol - trampoline_start + ASTRA_TRAMPOLINE_PHYS)

    .section .rodata.trampoline, "a", @progbits
    .globl trampoline_start, trampoline_end
    .code16
trampoline_start:
    cli
    cld
    xor %ax, %ax
    mov %ax, %ds
    lgdtl LOW(gdt_pointer)
    mov $0x11, %eax             // CR0: ET PE
    mov %eax, %cr0
    ljmpl $0x08, $LOW(protected_mode)

    .code32
protected_mode:
    mov $ASTRA_KERNEL_DS, %eax
    mov %eax, %ds
    mov $0x20, %eax             // CR4.PAE
    mov %eax, %cr4
    mov $PHYS(boot_pml4), %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx       // EFER: SCE, LME, NXE
    rdmsr
    or $0x901, %eax
    wrmsr
    mov $0x80050033, %eax       // CR0: PG AM WP NE ET MP PE
    mov %eax, %cr0
    ljmpl $ASTRA_KERNEL_CS, $LOW(long_mode)

    .code64
long_mode:
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %eax, %fs
    mov %eax, %gs
    xor %ebp, %ebp
    movabs $secondary_high, %rax
    jmp *%rax

    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff    // 0x08: 32-bit code
    .quad 0x00af9b000000ffff    // ASTRA_KERNEL_CS: 64-bit code
    .quad 0x00cf93000000ffff    // ASTRA_KERNEL_DS: data
gdt_pointer:
    .word . - gdt - 1
    .long LOW(gdt)
trampoline_end:

    .text
secondary_high:
    mov secondary_root(%rip), %rax
    mov %rax, %cr3
    mov secondary_stack(%rip), %rsp
#if ASTRA_BUILD_FLAT
    mov secondary_cpu(%rip), %rdi
    mov %rsp, %rsi
    mov $secondary_main, %rdx
    jmp flat_leave_cpl0
#else
    call secondary_main
    ud2
#endif
