// Switching kernel stacks. Knows only the System V ABI: compiled for the host's unit tests as well.
    .text
    // void astra_switch_stack(rdi u64* save_sp, rsi u64 load_sp): prepare_stack lays out what the pops expect.
    .globl astra_switch_stack
    .type astra_switch_stack, @function
astra_switch_stack:
    push %rbp
    push %rbx
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rsp, (%rdi)
    mov %rsi, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbx
    pop %rbp
    ret

    // A fresh stack's first return address: r13 = function, r12 = its argument.
    .globl astra_stack_start
    .type astra_stack_start, @function
astra_stack_start:
    mov %r12, %rdi
    call *%r13
    ud2

    .section .note.GNU-stack, "", @progbits
