// The built vDSO as bytes of the kernel.
    .section .rodata
    .balign 4096
    .globl astra_vdso_start, astra_vdso_end
astra_vdso_start:
    .incbin ASTRA_VDSO_FILE
astra_vdso_end:
    .section .note.GNU-stack, "", @progbits
