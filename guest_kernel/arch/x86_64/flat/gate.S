// The gate: all that runs at CPL0 once the kernel is up. On the hosts this build is for, CPL0 is emulated instruction by
// instruction (a few million a second), so the gate only hands over: exceptions and interrupts continue at CPL3 in
// entry.S, on the stack the CPU pushed their frame to; an int3 at two known places asks for what only CPL0 may do.
//
// Every stack the gate uses lies in the CPU's gate block (gate_block.h), so `rsp & GATE_BLOCK_MASK` finds the block.
#include "guest_kernel/arch/x86_64/flat/gate_block.h"
#include "guest_kernel/arch/x86_64/layout.h"

#define MSR_X2APIC_EOI 0x80b
#define FLAG_IF 0x200

    .section .text.gate, "ax", @progbits

// One stub a vector, 16 bytes each, at FLAT_GATE_STUBS (kernel.ld checks), so that the IDT is a constant: pushes what the
// CPU did not (error code, cr2's place), the vector, and goes on. Exceptions leave: cr2, vector, error, rip, cs, rflags, rsp, ss. Interrupts: vector, rip, cs, rflags, rsp, ss.
    .balign 0x10000
    .globl flat_gate_stubs
flat_gate_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if vector >= 32
    pushq $vector
    jmp gate_interrupt
    .elseif vector == 3
    jmp gate_breakpoint
    .elseif vector == 14
    pushq $vector
    jmp gate_page_fault
    .elseif vector == 8 || (vector >= 10 && vector <= 13) || vector == 17 || vector == 21 || vector == 29 || vector == 30
    pushq $vector
    jmp gate_exception
    .else
    pushq $0
    pushq $vector
    jmp gate_exception
    .endif
    .set vector, vector + 1
    .endr

// The stacks of page faults take turns: the frame on one is safe from a fault that comes before entry.S has moved it.
// entry.S itself touches only memory that is always mapped. A fault in it is a stray one (a stale translation): the
// instruction is just executed again, but not for ever.
gate_page_fault:
    push %rax
    mov %rsp, %rax
    and $GATE_BLOCK_MASK, %rax
    xorl $GATE_PAGE_FAULT_STACK_TURN, GATE_TSS_IST3(%rax)
    cmpq $flat_stubs_start, 24(%rsp)
    jb 2f
    cmpq $flat_entry_end, 24(%rsp)
    jb gate_stray_fault
2:  mov %cr2, %rax
    xchg %rax, (%rsp)
    jmp 1f
gate_exception:
    pushq $0
1:  // Continue at CPL3 on this very stack, interrupts on: entry.S's range counts as masked until it has left the stack.
    pushq $ASTRA_USER_DS
    push %rsp
    pushq 56(%rsp)              // IF as it was where the exception came from
    andl $FLAG_IF, (%rsp)
    pushq $ASTRA_USER_CS
    pushq $flat_exception_entry
    iretq

    .globl gate_stray_fault
gate_stray_fault:
    incl GATE_STRAY_FAULTS(%rax)
    cmpl $GATE_MAX_STRAY_FAULTS, GATE_STRAY_FAULTS(%rax)
    ja 1f
    xorl $GATE_PAGE_FAULT_STACK_TURN, GATE_TSS_IST3(%rax)
    pop %rax
    add $16, %rsp               // vector, error code
    iretq
1:  movq $8, 8(%rsp)            // as good as a double fault
    jmp 2b

gate_interrupt:
    push %rax
    push %rcx
    push %rdx
    xor %eax, %eax
    xor %edx, %edx
    mov $MSR_X2APIC_EOI, %ecx
    wrmsr
    mov %rsp, %rax
    and $GATE_BLOCK_MASK, %rax
    movb $1, GATE_IF_OFF(%rax)
    cmpb $0, GATE_MASKED(%rax)
    jne gate_note
    mov 32(%rsp), %rcx
    cmp $flat_stubs_end, %rcx
    jae 1f
    cmp $flat_stubs_start, %rcx
    jae gate_note_in_stub
1:  pop %rdx
    pop %rcx
    pop %rax
    pushq $ASTRA_USER_DS
    push %rsp
    pushq $2                    // interrupts off
    pushq $ASTRA_USER_CS
    pushq $flat_interrupt_entry
    iretq

gate_note_in_stub:
    cmp $flat_exit_start, %rcx
    jb gate_note
    // On its way out: registers are already the program's, so start the way out anew.
    mov 24(%rsp), %rcx
    mov %ecx, GATE_PENDING(%rax)
    movq $flat_exit_again, 32(%rsp)
    andl $~FLAG_IF, 48(%rsp)
    mov %rax, %rbx
    add $32, %rsp
    iretq

gate_note:
    mov 24(%rsp), %rcx
    mov %ecx, GATE_PENDING(%rax)
    andl $~FLAG_IF, 48(%rsp)
    pop %rdx
    pop %rcx
    pop %rax
    add $8, %rsp
    iretq

gate_breakpoint:
    cmpq $flat_gate_call_return, (%rsp)
    je gate_call
    cmpq $flat_gate_iret_return, (%rsp)
    je gate_iret
    pushq $0
    pushq $3
    jmp gate_exception

// To the program with interrupts on: the caller's stack pointer is at an iret frame.
gate_iret:
    mov 24(%rsp), %rsp
    orl $FLAG_IF, 16(%rsp)
    iretq

gate_call:
    jmp *gate_operations(, %rax, 8)

gate_load_root:
    mov %rdi, %cr3
    iretq
gate_flush_program:
    mov %cr3, %rax
    mov %rax, %cr3
    iretq
gate_invlpg:
1:  invlpg (%rdi)
    add $4096, %rdi
    dec %rsi
    jnz 1b
    iretq
gate_flush_all:
    mov %cr4, %rax
    btr $7, %rax
    mov %rax, %cr4
    bts $7, %rax
    mov %rax, %cr4
    iretq
gate_read_msr:
    push %rdx
    rdmsr
    shl $32, %rdx
    or %rdx, %rax
    mov %rax, %rdi
    pop %rdx
    iretq
gate_write_msr:
    push %rdx
    mov %rdi, %rax
    mov %rdi, %rdx
    shr $32, %rdx
    wrmsr
    pop %rdx
    iretq
gate_in:
    xor %eax, %eax
    cmp $2, %ecx
    je 2f
    ja 4f
    in %dx, %al
    mov %rax, %rdi
    iretq
2:  in %dx, %ax
    mov %rax, %rdi
    iretq
4:  in %dx, %eax
    mov %rax, %rdi
    iretq
gate_out:
    mov %rdi, %rax
    cmp $2, %ecx
    je 2f
    ja 4f
    out %al, %dx
    iretq
2:  out %ax, %dx
    iretq
4:  out %eax, %dx
    iretq
gate_enable:
    orl $FLAG_IF, 16(%rsp)
    iretq
gate_halt:
    sti
    hlt
    cli
    andl $~FLAG_IF, 16(%rsp)
    iretq
gate_cpuid:
    push %rbx
    mov %edi, %eax
    cpuid
    mov %rax, %rdi
    mov %rbx, %rsi
    pop %rbx
    iretq
gate_xsetbv:
    push %rdx
    mov %rdi, %rax
    mov %rdi, %rdx
    shr $32, %rdx
    xsetbv
    pop %rdx
    iretq
gate_halt_forever:
    cli
    hlt
    jmp gate_halt_forever

    .section .rodata.gate, "a", @progbits
    .balign 8
gate_operations:
    .quad gate_load_root, gate_invlpg, gate_flush_all, gate_read_msr, gate_write_msr, gate_in, gate_out, gate_halt
    .quad gate_cpuid, gate_xsetbv, gate_halt_forever, gate_flush_program, gate_enable

    // Every gate may be used from CPL3 only by the CPU itself, but for int3. Interrupts have their own stack (IST 1), so
    // that one that comes while an exception's frame is being moved cannot overwrite it; #DF has IST 2, #PF IST 3.
    .balign 16
    .globl flat_idt
flat_idt:
    .set vector, 0
    .rept 256
    .word (FLAT_GATE_STUBS + vector * 16) & 0xffff
    .word ASTRA_KERNEL_CS
    .byte ((vector >= 32) & 1) + 2 * ((vector == 8) & 1) + 3 * ((vector == 14) & 1)
    .byte 0x8e + ((vector == 3) & 1) * 0x60
    .word ((FLAT_GATE_STUBS + vector * 16) >> 16) & 0xffff
    .long FLAT_GATE_STUBS >> 32
    .long 0
    .set vector, vector + 1
    .endr
