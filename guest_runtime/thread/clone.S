// The bare making and leaving of threads; see clone.hpp.
    .text
    .globl astra_clone
    .type astra_clone, @function
astra_clone:                    // rdi flags, rsi stack top, rdx run, rcx argument, r8 tls, r9 child_tid
    and $-16, %rsi
    sub $16, %rsi
    mov %rdx, (%rsi)            // popped by the new thread
    mov %rcx, 8(%rsi)
    xor %edx, %edx
    mov %r9, %r10
    mov $56, %eax
    syscall
    test %eax, %eax
    jz 1f
    ret
1:  xor %ebp, %ebp
    pop %rax
    pop %rdi
    call *%rax
    ud2

    .globl astra_leave_thread
    .type astra_leave_thread, @function
astra_leave_thread:             // rdi stack, rsi size
    mov $11, %eax               // munmap
    syscall
    xor %edi, %edi
    mov $60, %eax               // exit
    syscall
    ud2

    .section .note.GNU-stack, "", @progbits
