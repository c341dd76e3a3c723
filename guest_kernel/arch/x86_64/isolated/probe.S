// Which privilege level does a program's SYSCALL end up at? Software KVM leaves it at CPL3 (see probe.cpp).
#include "guest_kernel/arch/x86_64/layout.h"

    .section .text.probe, "ax", @progbits
    // eax run_syscall_probe(rdi program): enters CPL3 at `program`, which executes SYSCALL with LSTAR at an INT3; the gate
    // of vector 3 leads to syscall_probe_landing. Returns the CS the INT3 ran with. GS is the kernel's throughout.
    .globl run_syscall_probe
run_syscall_probe:
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, probe_stack(%rip)
    lea -1024(%rsp), %rax       // the program's stack: SYSCALL does not switch, and INT3 pushes on it at CPL0
    push $ASTRA_USER_DS
    push %rax
    push $2                     // rflags: interrupts off
    push $ASTRA_USER_CS
    push %rdi
    iretq
    .globl syscall_probe_landing
syscall_probe_landing:
    mov 8(%rsp), %eax           // CS of the INT3
    mov probe_stack(%rip), %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret

    // The program: SYSCALL, and where LSTAR points. Run at its identity-mapped address.
    .balign 16
    .globl syscall_probe_program, syscall_probe_target
syscall_probe_program:
    syscall
    ud2
syscall_probe_target:
    int3

    .section .bss.probe, "aw", @nobits
probe_stack:
    .skip 8
