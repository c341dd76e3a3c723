// How the CPU enters the kernel (CPL0) from a program (CPL3) or from itself, and how it goes back. Every entry builds
// a struct UserRegisters; entries from a program build it at the top of the thread's kernel stack.
#include "guest_kernel/arch/x86_64/layout.h"
#include "guest_kernel/arch/x86_64/percpu.h"
#include "guest_kernel/arch/x86_64/smap.h"

#define MSR_GS_BASE 0xc0000101
#define ENOSYS 38
// RFLAGS a SYSRET may load besides IF and the fixed bit: CF PF AF ZF SF DF OF NT AC ID.
#define SYSRET_FLAGS 0x244cd5

// The registers below rdi, which the stub or the system call entry has pushed already.
.macro push_registers
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

.macro pop_registers
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

// Completes a stub's frame: rdi = vector, rsi = error code, rdx = registers; the stack aligned for a call.
.macro finish_frame
    push_registers
    cld
    CLAC
    mov REGS_ORIG_RAX(%rsp), %rsi
    movq $-1, REGS_ORIG_RAX(%rsp)
    mov %rsp, %rdx
    sub $8, %rsp
.endm

    .text
    // One stub per vector, 16 bytes apart: error code (or 0), rdi, vector.
    .balign 16
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 256
    .balign 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    push $0
    .endif
    push %rdi
    mov $vector, %edi
    .if vector == 2 || vector == 8 || vector == 18
    jmp emergency_entry
    .else
    jmp trap_entry
    .endif
    .set vector, vector + 1
    .endr

trap_entry:
    finish_frame
    testb $3, 8 + REGS_CS(%rsp)
    jz 1f
    swapgs
    xor %ebp, %ebp              // backtraces end here
    call astra_trap_from_user   // returns with interrupts off
    add $8, %rsp
return_by_iret:
    pop_registers
    add $8, %rsp                // orig_rax
    swapgs
    iretq
1:  call astra_trap_from_kernel
    add $8, %rsp
    pop_registers
    add $8, %rsp
    iretq

    // NMI, #DF, #MC: may hit before swapgs or on a bad stack. They have stacks of their own, above whose first frame
    // lies the PerCpu address; GS is set from it and put back as it was.
emergency_entry:
    finish_frame
    mov %rdi, %rbx
    mov $MSR_GS_BASE, %ecx
    mov %rdx, %r14
    rdmsr
    mov %eax, %r12d
    mov %edx, %r13d
    mov 8 + REGS_SIZE(%rsp), %eax
    mov 8 + REGS_SIZE + 4(%rsp), %edx
    wrmsr
    mov %rbx, %rdi
    mov %r14, %rdx
    call astra_emergency_trap
    mov $MSR_GS_BASE, %ecx
    mov %r12d, %eax
    mov %r13d, %edx
    wrmsr
    add $8, %rsp
    pop_registers
    add $8, %rsp
    iretq

    // SYSCALL: rcx = rip, r11 = rflags, interrupts off by FMASK, the stack still the program's.
    .balign 16
    .globl syscall_entry
syscall_entry:
    swapgs
    mov %rsp, %gs:PERCPU_USER_SP
    mov %gs:PERCPU_KERNEL_STACK, %rsp
    push $ASTRA_USER_DS
    push %gs:PERCPU_USER_SP
    push %r11
    push $ASTRA_USER_CS
    push %rcx
    push %rax
    push %rdi
    push_registers
    sti
    xor %ebp, %ebp
    mov %rsp, %rdi
    sub $8, %rsp
    call astra_handle_syscall
    add $8, %rsp
    cli
    // Back by SYSRET when nothing is left to do and SYSRET can restore what the registers say (Intel SDM vol. 2,
    // SYSRET: a non-canonical rip would fault at CPL0 on the program's stack).
    cmpl $0, %gs:PERCPU_RECHECK
    jne return_slowly
    mov REGS_RIP(%rsp), %rcx
    cmp %rcx, REGS_RCX(%rsp)
    jne return_slowly
    shr $47, %rcx
    jnz return_slowly
    mov REGS_RFLAGS(%rsp), %r11
    cmp %r11, REGS_R11(%rsp)
    jne return_slowly
    and $~SYSRET_FLAGS, %r11
    cmp $0x202, %r11
    jne return_slowly
    cmpq $ASTRA_USER_CS, REGS_CS(%rsp)
    jne return_slowly
    cmpq $ASTRA_USER_DS, REGS_SS(%rsp)
    jne return_slowly
    pop_registers
    mov REGS_RSP - REGS_ORIG_RAX(%rsp), %rsp
    swapgs
    sysretq
return_slowly:
    mov %rsp, %rdi
    sub $8, %rsp
    call astra_finish_return
    add $8, %rsp
    jmp return_by_iret

    // [[noreturn]] void astra_resume_user(rdi registers): interrupts off, registers checked.
    .globl astra_resume_user
astra_resume_user:
    mov %rdi, %rsp
    jmp return_by_iret

    // SYSCALL from 32-bit code lands here on AMD CPUs; there are no 32-bit programs.
    .globl syscall32_entry
syscall32_entry:
    mov $-ENOSYS, %eax
    sysretl
