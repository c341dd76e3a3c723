// First instructions of a program on the astra ABI, and the note that says it is one.
#ifndef ASTRA_RUNTIME_LINUX
    .section .note.astra, "a", @note
    .align 4
    .long 6, 4, 1               // name size, descriptor size, type: ABI version
    .asciz "ASTRA"
    .align 4
    .long 1
#endif

    .text
    .globl _start
    .type _start, @function
_start:                         // rsp → argc, argv…, null, envp…, null, auxv (System V ABI, 3.4.1)
    xor %ebp, %ebp
    mov %rsp, %rdi
    and $-16, %rsp
    call astra_start
    ud2

    .section .note.GNU-stack, "", @progbits
