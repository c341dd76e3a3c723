// Where programs, and exceptions and interrupts of any origin, come into the flat kernel, and how it goes back: all at
// CPL3, natively. While RIP lies in [flat_stubs_start, flat_stubs_end) the gate treats interrupts as masked: it notes
// them and turns IF off; every way through looks at the note right after it leaves the range.
#include "guest_kernel/arch/x86_64/flat/gate_block.h"
#include "guest_kernel/arch/x86_64/layout.h"

#define FLAT_SYSCALL_STUB_SIZE 128
#define FLAG_NT_AC 0x44000
#define NO_SYSCALL -1           // UserRegisters::orig_rax of anything but a system call

    .section .text.entry, "ax", @progbits
    .globl flat_stubs_start, flat_stubs_end, flat_syscall_common, flat_exit_start, flat_entry_end

// rdi … r15 behind what is already on the stack: completes a UserRegisters.
.macro PUSH_REGISTERS
    push %rdi
    push %rsi
    push %rdx
    push %rcx
    push %rax
    push %r8
    push %r9
    push %r10
    push %r11
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
.endm
.macro POP_REGISTERS
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rax
    pop %rcx
    pop %rdx
    pop %rsi
    pop %rdi
.endm
// The topmost word of the kernel stack is the program's GS base. While it is 0 the GS base stays the CPU's block, by which
// flat_direct_entry knows its CPU.
.macro LOAD_PROGRAM_GS
    mov REGS_SIZE(%rsp), %rax
    test %rax, %rax
    jz 99f
    wrgsbase %rax
99:
.endm

flat_stubs_start:

// `syscall` lands in its CPU's stub (MSR_LSTAR differs per CPU): the block's address is part of the code. Only rcx and
// r11 are free, and nothing may be pushed on the program's stack.
    .globl flat_syscall_stubs
    .balign FLAT_SYSCALL_STUB_SIZE
flat_syscall_stubs:
    .set cpu, 0
    .rept 8
    .balign FLAT_SYSCALL_STUB_SIZE
    mov %rsp, FLAT_GATE_BLOCKS + cpu * GATE_BLOCK_SIZE + PERCPU_USER_SP
    mov FLAT_GATE_BLOCKS + cpu * GATE_BLOCK_SIZE + PERCPU_KERNEL_STACK, %rsp
    pushq $ASTRA_USER_DS
    pushq FLAT_GATE_BLOCKS + cpu * GATE_BLOCK_SIZE + PERCPU_USER_SP
    push %r11
    pushq $ASTRA_USER_CS
    push %rcx
    push %rax
    PUSH_REGISTERS
    mov $(FLAT_GATE_BLOCKS + cpu * GATE_BLOCK_SIZE), %rbx
    jmp flat_syscall_common
    .set cpu, cpu + 1
    .endr

flat_syscall_common:
    rdgsbase %rax
    cmp %rax, %rbx
    je syscall_entered
    mov %rax, REGS_SIZE(%rsp)
    wrgsbase %rbx
    jmp syscall_entered

// From a bridge (bridges.hpp): r11 = the address behind the `syscall` it stands for, rcx is free, flags are the program's
// until they are saved. The GS base tells the CPU, unless the program has one of its own, which its topmost byte shows:
// then the instruction itself must do.
.macro JUMP_IF_KERNEL_GS target // rcx is lost
    rdgsbase %rcx
    bswap %rcx
    movzbl %cl, %ecx
    not %cl
    jrcxz \target
.endm
    .globl flat_direct_entry
    .balign 16
flat_direct_entry:
    JUMP_IF_KERNEL_GS 1f
    lea -2(%r11), %rcx
    jmp *%rcx

// From a detour (detours.hpp): the same, but r11 = where to come back to, and there is no instruction left that could do:
// an exception gets it back.
    .globl flat_detour_entry, flat_detour_refused
    .balign 16
flat_detour_entry:
    JUMP_IF_KERNEL_GS 1f
flat_detour_refused:
    ud2
1:  rdgsbase %rcx
    mov %rsp, PERCPU_USER_SP(%rcx)
    mov PERCPU_KERNEL_STACK(%rcx), %rsp
    pushq $ASTRA_USER_DS
    pushq PERCPU_USER_SP(%rcx)
    pushfq
    pushq $ASTRA_USER_CS
    push %r11
    push %rax
    mov %r11, %rcx              // as the instruction leaves both
    mov REGS_RFLAGS - REGS_ORIG_RAX(%rsp), %r11
    PUSH_REGISTERS
    jmp direct_entered

// From the gate: rsp + 8 → cr2, vector, error, rip, cs, rflags, rsp, ss on the exception stack. Moves the frame to the
// kernel stack: its top, or, when the kernel itself was interrupted, below what is in use.
    .globl flat_exception_entry
flat_exception_entry:
    push %rax
    push %rbx
    push %rcx                   // now cr2 at 32(%rsp), vector 40, error 48, rip 56, cs 64, rflags 72, rsp 80, ss 88
    mov %rsp, %rbx
    and $GATE_BLOCK_MASK, %rbx
    mov 56(%rsp), %rcx          // from the kernel when RIP and RSP both lie in its half: a program can lose its way
    and 80(%rsp), %rcx
    js 1f
    mov PERCPU_KERNEL_STACK(%rbx), %rax
    rdgsbase %rcx
    cmp %rcx, %rbx
    je 2f
    mov %rcx, (%rax)
    wrgsbase %rbx
    jmp 2f
1:  mov 80(%rsp), %rax
    sub $128, %rax
    and $-16, %rax
2:  .irp offset, 88, 80, 72, 64, 56
    mov \offset(%rsp), %rcx
    mov %rcx, \offset - 96(%rax)
    .endr
    movq $NO_SYSCALL, -48(%rax)
    // The vector, error code and cr2 go below the registers to come.
    mov 40(%rsp), %rcx
    mov %rcx, -REGS_SIZE - 8(%rax)
    mov 48(%rsp), %rcx
    mov %rcx, -REGS_SIZE - 16(%rax)
    mov 32(%rsp), %rcx
    mov %rcx, -REGS_SIZE - 24(%rax)
    mov (%rsp), %rcx
    mov 8(%rsp), %rbx
    push 16(%rsp)
    pop -88(%rax)               // where the pushes below put rax: kept there while rsp moves
    lea -48(%rax), %rsp
    mov -40(%rsp), %rax
    PUSH_REGISTERS
    jmp exception_entered

// From the gate, interrupts off: rsp + 8 → vector, rip, cs, rflags, rsp, ss on the interrupt stack.
    .globl flat_interrupt_entry
flat_interrupt_entry:
    push %rax
    push %rbx
    push %rcx                   // now vector at 32(%rsp), rip 40, cs 48, rflags 56, rsp 64, ss 72
    mov %rsp, %rbx
    and $GATE_BLOCK_MASK, %rbx
    movb $1, GATE_MASKED(%rbx)
    mov 40(%rsp), %rcx
    and 64(%rsp), %rcx
    js 1f
    mov PERCPU_KERNEL_STACK(%rbx), %rax
    rdgsbase %rcx
    cmp %rcx, %rbx
    je 2f
    mov %rcx, (%rax)
    wrgsbase %rbx
    jmp 2f
1:  mov 64(%rsp), %rax
    sub $128, %rax
    and $-16, %rax
2:  .irp offset, 72, 64, 56, 48, 40
    mov \offset(%rsp), %rcx
    mov %rcx, \offset - 80(%rax)
    .endr
    movq $NO_SYSCALL, -48(%rax)
    mov 32(%rsp), %rcx
    mov %rcx, -REGS_SIZE - 8(%rax)
    mov (%rsp), %rcx
    mov 8(%rsp), %rbx
    push 16(%rsp)
    pop -88(%rax)
    lea -48(%rax), %rsp
    mov -40(%rsp), %rax
    PUSH_REGISTERS
    jmp interrupt_entered

// The way out to a program. The gate sends an interrupt that comes in here to flat_exit_again.
.macro LEAVE_KERNEL
    movb $0, GATE_MASKED(%rbx)
    cmpl $0, GATE_PENDING(%rbx)
    jne exit_with_pending
    cmpb $0, GATE_IF_OFF(%rbx)
    jne 1f
    LOAD_PROGRAM_GS
    POP_REGISTERS
.endm
    .balign 16
flat_exit_start:
    LEAVE_KERNEL
    add $8, %rsp
    iretq
flat_exit_by_jump:              // the same, where rcx and r11 are what rip and rflags shall be
    LEAVE_KERNEL
    lea REGS_RFLAGS - REGS_ORIG_RAX(%rsp), %rsp
    popfq
    pop %rsp
    jmp *%rcx
1:  movb $0, GATE_IF_OFF(%rbx)
    LOAD_PROGRAM_GS
    POP_REGISTERS
    add $8, %rsp
    int3
    .globl flat_gate_iret_return
flat_gate_iret_return:
flat_stubs_end:

    .globl flat_exit_again
flat_exit_again:                // rbx = block; IF off, an interrupt noted; UserRegisters still on the kernel stack
    wrgsbase %rbx
    mov PERCPU_KERNEL_STACK(%rbx), %rsp
    sub $REGS_SIZE, %rsp
exit_with_pending:
    mov %rsp, %rdi
    call flat_pending_on_exit
    jmp flat_return

syscall_entered:
    mov %rsp, %rdi
    xor %ebp, %ebp
    cld
    call flat_syscall
    jmp syscall_done

direct_entered:                 // r11 = flags: what FMASK clears for the instruction is cleared here
    test $FLAG_NT_AC, %r11d
    jz 1f
    pushq $2
    popfq
1:  mov %rsp, %rdi
    xor %ebp, %ebp
    cld
    call flat_direct_syscall
syscall_done:
    rdgsbase %rbx
    test %al, %al
    jnz flat_exit_by_jump
    jmp flat_exit_start

exception_entered:
    mov %rsp, %rdi
    mov -8(%rsp), %rsi          // vector
    mov -16(%rsp), %rdx         // error code
    mov -24(%rsp), %rcx         // cr2
    mov %rsp, %rbx
    sub $24, %rsp
    and $-16, %rsp
    cld
    call flat_exception
    mov %rbx, %rsp
    mov REGS_RIP(%rsp), %rax
    and REGS_RSP(%rsp), %rax
    jns flat_return
    POP_REGISTERS
    add $8, %rsp
    iretq

interrupt_entered:
    mov %rsp, %rdi
    mov -8(%rsp), %rsi
    mov %rsp, %rbx
    sub $24, %rsp
    and $-16, %rsp
    cld
    call flat_interrupt
    mov %rbx, %rsp
    mov REGS_RIP(%rsp), %rax
    and REGS_RSP(%rsp), %rax
    jns flat_return
    rdgsbase %rbx
    movb $0, GATE_MASKED(%rbx)
    POP_REGISTERS
    add $8, %rsp
    iretq

// The end of every entry from a program, and [[noreturn]] void flat_return_to_user(): nothing is left to do for the
// thread, interrupts are masked.
    .globl flat_return_to_user
flat_return_to_user:
    rdgsbase %rbx
    mov PERCPU_KERNEL_STACK(%rbx), %rsp
    sub $REGS_SIZE, %rsp
    jmp flat_exit_start
flat_return:
    rdgsbase %rbx
    jmp flat_exit_start
flat_entry_end:

    .section .rodata
    .balign 8
    .globl flat_direct_pointer
flat_direct_pointer:
    .quad flat_direct_entry
    .globl flat_detour_pointer
flat_detour_pointer:
    .quad flat_detour_entry
