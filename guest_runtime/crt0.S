// First instructions of a program on the astra ABI, and the note that says it is one.
    .section .note.astra, "a", @note
    .align 4
    .long 6, 4, 1               // name size, descriptor size, type: ABI version
    .asciz "ASTRA"
    .align 4
    .long 1

    .text
    .globl _start
    .type _start, @function
_start:                         // rsp → argc, argv…, null, envp…, null, auxv (System V ABI, 3.4.1)
    xor %ebp, %ebp
    mov (%rsp), %rdi
    lea 8(%rsp), %rsi
    lea 16(%rsp,%rdi,8), %rdx
    and $-16, %rsp
    call main
    mov %eax, %edi
    mov $231, %eax              // exit_group
    syscall
    ud2

    .section .note.GNU-stack, "", @progbits
