// First instructions of the kernel: PVH entry in 32-bit protected mode, static page tables, long mode, boot_main.
// The entry state is that of the x86/HVM direct boot ABI (xen/docs/misc/pvh.pandoc): paging off, flat segments,
// ebx = physical address of struct hvm_start_info.
#include "guest_kernel/arch/x86_64/layout.h"

#define per_cpu _ZN5astra4arch7per_cpuE
#define PHYS(symbol) (symbol - ASTRA_KERNEL_OFFSET)
#if ASTRA_BUILD_FLAT
#define TABLE_FLAGS 0x007       // present, writable, user: the kernel runs at CPL3
#define LEAF_FLAGS  0x087       // the same, 2 MiB
#else
#define TABLE_FLAGS 0x003       // present, writable
#define LEAF_FLAGS  0x083       // the same, 2 MiB
#endif

    .section .note.Xen, "a", @note
    .align 4
    .long 4, 8, 18              // name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad PHYS(pvh_entry)

    .section .text.boot, "ax", @progbits
    .code32
    .globl pvh_entry
pvh_entry:
    cli
    cld
    rdtsc
    mov %eax, PHYS(boot_tsc)
    mov %edx, PHYS(boot_tsc) + 4
    lgdt PHYS(boot_gdt_pointer)
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
    ljmp $ASTRA_KERNEL_CS, $PHYS(boot_long_mode)

    .code64
boot_long_mode:
    movabs $boot_high, %rax
    jmp *%rax
boot_high:
    xor %eax, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %eax, %fs
    mov %eax, %gs
    lea boot_stack_top(%rip), %rsp
    xor %ebp, %ebp
#if ASTRA_BUILD_FLAT
    mov $per_cpu, %rdi
    mov %rsp, %rsi
    mov $boot_main, %rdx
    mov %ebx, %eax
    jmp flat_leave_cpl0
#else
    mov %ebx, %edi
    call boot_main
    ud2
#endif

    .section .data.boot, "aw", @progbits
    .align 4096
    .globl boot_pml4, boot_pdpt, boot_pd
boot_pml4:                      // identity, direct map and image: the same first GiB three times
    .quad PHYS(boot_pdpt) + TABLE_FLAGS
    .fill ASTRA_DIRECT_MAP_SLOT - 1, 8, 0
    .quad PHYS(boot_pdpt) + TABLE_FLAGS
    .fill 511 - ASTRA_DIRECT_MAP_SLOT - 1, 8, 0
    .quad PHYS(boot_pdpt_high) + TABLE_FLAGS
boot_pdpt:
    .quad PHYS(boot_pd) + TABLE_FLAGS
    .fill 511, 8, 0
boot_pdpt_high:
    .fill 510, 8, 0
    .quad PHYS(boot_pd) + TABLE_FLAGS
    .quad 0
boot_pd:
    .set page, 0
    .rept 512
    .quad page * 0x200000 + LEAF_FLAGS
    .set page, page + 1
    .endr

    .align 8
    .globl boot_tsc             // u64: the TSC at entry, where the kernel's time begins
boot_tsc:
    .quad 0
boot_gdt:
    .quad 0, 0
    .quad 0x00af9b000000ffff    // ASTRA_KERNEL_CS: 64-bit code
    .quad 0x00cf93000000ffff    // ASTRA_KERNEL_DS: data
boot_gdt_pointer:
    .word . - boot_gdt - 1
    .long PHYS(boot_gdt)

    .section .bss.boot, "aw", @nobits
    .align 4096
boot_stack:
    .skip 32768
    .globl boot_stack_top
boot_stack_top:
