// The programs the self-test kernel runs at CPL3: position-independent, in one page, entered with rdi = argument.
// Each ends with system call 1000, rdi = its result.
#define EXIT 1000

    .section .rodata.program, "a", @progbits
    .balign 4096
    .globl program_start
program_start:

exit_rdi:
    mov $EXIT, %eax
    syscall
    ud2

    // Calls the kernel rdi times with known registers; result: how many came back with one changed.
    .globl program_syscalls
program_syscalls:
    mov %rdi, %rbp
    xor %ebx, %ebx
    mov $0x12, %r12d
    mov $0x13, %r13d
    mov $0x14, %r14d
    mov $0x15, %r15d
1:  mov $0x1d1, %edi
    mov $0x1d2, %esi
    mov $0x1d3, %edx
    mov $0x1d4, %r10d
    mov $0x1d5, %r8d
    mov $0x1d6, %r9d
    mov $7, %eax
    std
    syscall
    pushf
    pop %rcx
    test $0x400, %ecx
    jz 2f
    cld
    cmp $0x1d1 + 7, %rax
    jne 2f
    cmp $0x1d1, %edi
    jne 2f
    cmp $0x1d2, %esi
    jne 2f
    cmp $0x1d3, %edx
    jne 2f
    cmp $0x1d4, %r10d
    jne 2f
    cmp $0x1d5, %r8d
    jne 2f
    cmp $0x1d6, %r9d
    jne 2f
    cmp $0x12, %r12d
    jne 2f
    cmp $0x13, %r13d
    jne 2f
    cmp $0x14, %r14d
    jne 2f
    cmp $0x15, %r15d
    je 3f
2:  inc %ebx
    cld
3:  dec %rbp
    jnz 1b
    mov %ebx, %edi
    jmp exit_rdi

    // Reads the word at rdi, adds one and stores it; result: what it read.
    .globl program_increment
program_increment:
    mov (%rdi), %rax
    inc %rax
    mov %rax, (%rdi)
    lea -1(%rax), %rdi
    jmp exit_rdi

    // Spins until the word at rdi is not zero.
    .globl program_spin
program_spin:
1:  mov (%rdi), %rax
    pause
    test %rax, %rax
    jz 1b
    mov %rax, %rdi
    jmp exit_rdi

    // One exception after the other: the kernel skips each by its length, counted in rdi.
    .globl program_exceptions
program_exceptions:
    xor %edi, %edi
    xor %edx, %edx
    xor %ecx, %ecx
    mov $1, %eax
    div %ecx                    // #DE, 2 bytes
    int3                        // #BP, reported after it
    ud2                         // #UD, 2 bytes
    hlt                         // #GP, 1 byte
    int $0x80                   // #GP, 2 bytes
    in $0x40, %al               // #GP, 2 bytes
    pushf
    orl $0x100, (%rsp)          // TF: #DB after the next instruction
    popf
    nop
    jmp exit_rdi

    // Single-steps over a system call: TF must not reach the kernel.
    .globl program_step_syscall
program_step_syscall:
    pushf
    orl $0x100, (%rsp)
    popf
    mov $7, %eax
    syscall
    nop
    pushf
    andl $~0x100, (%rsp)
    popf
    jmp exit_rdi

    // Fills vector registers from rdi, calls the kernel, compares; result 1 when they are as before.
    .globl program_vectors
program_vectors:
    movq %rdi, %xmm0
    movq %rdi, %xmm15
    punpcklqdq %xmm15, %xmm15
    fld1
    mov $7, %eax
    syscall
    fld1
    fcomip %st(1), %st
    fstp %st(0)
    jne 1f
    movq %xmm0, %rax
    cmp %rax, %rdi
    jne 1f
    psrldq $8, %xmm15
    movq %xmm15, %rax
    cmp %rax, %rdi
    jne 1f
    mov $1, %edi
    jmp exit_rdi
1:  xor %edi, %edi
    jmp exit_rdi

    // Reads a word at offset 8 through FS and GS; result: their difference.
    .globl program_segments
program_segments:
    mov $7, %eax
    syscall
    mov %fs:8, %rdi
    sub %gs:8, %rdi
    jmp exit_rdi

    // Jumps to rdi.
    .globl program_jump
program_jump:
    jmp *%rdi

    // Calls the kernel with the same number again and again until the answer is not zero; result: the answer.
    .globl program_poll
program_poll:
    mov $7, %eax
    syscall
    test %rax, %rax
    jz program_poll
    mov %rax, %rdi
    jmp exit_rdi

    // Enters the kernel by a page fault on the page at rdi and by system call 8, which answers 0x108, by the instruction
    // and as bridges do (flat/bridges.hpp), with known values in all registers, flags, bases and the red zone. Result 0,
    // or an undefined instruction where one had changed.
.macro FILL
    mov $0x1b, %ebx
    mov $0x1c, %ecx
    mov $0x1d, %edx
    mov $0x15, %esi
    .irp n, 8, 9, 10, 11, 12, 13, 14, 15
    mov $0x100 + \n, %r\n
    .endr
    mov %rsi, -8(%rsp)
    mov %rdx, -128(%rsp)
.endm
.macro EXPECT value, where
    cmp $\value, \where
    jne 9f
.endm
.macro EXPECT_FILLED
    EXPECT 0x1b, %rbx
    EXPECT 0x1d, %rdx
    EXPECT 0x15, %rsi
    .irp n, 8, 9, 10, 12, 13, 14, 15
    EXPECT 0x100 + \n, %r\n
    .endr
    EXPECT 0x15, -8(%rsp)
    EXPECT 0x1d, -128(%rsp)
    rdfsbase %rsi
    EXPECT 0x1f5, %rsi
.endm
.macro EXPECT_GS
    rdgsbase %rsi
    EXPECT 0x165, %rsi
.endm
    // System call 8 with alignment checks on, DF and all arithmetic flags set.
.macro DIRECT_CALL by
    FILL
    lea -256(%rsp), %rsp
    pushq $0x40cd7
    popf
    lea 256(%rsp), %rsp
    mov $8, %eax
    mov $0, %edi
.ifc \by, bridge
    lea 7f(%rip), %r11
    jmp *flat_direct_pointer
    syscall                     // of those with a GS base of their own
.else
    lea 6f(%rip), %r11
    jmp *flat_detour_pointer    // of those with a GS base of their own an exception, which window.cpp makes the call
6:  lea 7f(%rip), %rcx
.endif
7:  lea -256(%rsp), %rsp
    pushf
    pop %r11
    pushq $2
    popf
    lea 256(%rsp), %rsp
    and $0x40cd5, %r11
    EXPECT 0x40cd5, %r11
    EXPECT 0x108, %rax
    EXPECT 0, %rdi
    EXPECT_FILLED
.endm
    .weak flat_direct_pointer, flat_detour_pointer
    .globl program_window, program_window_interrupted
program_window:
    mov %rdi, %rbp
    mov $0x1f5, %eax
    wrfsbase %rax
    DIRECT_CALL bridge
    DIRECT_CALL detour
    mov $0x165, %eax
    wrgsbase %rax
    DIRECT_CALL bridge
    DIRECT_CALL detour
    FILL
    mov $0x1a, %eax
    mov %rsp, %rdi
    std
    stc
    mov (%rbp), %al             // faults: the page is not there
program_window_interrupted:
    jnc 9f
    EXPECT 0, %rax
    EXPECT 0x1c, %rcx
    EXPECT 0x10b, %r11
    cmp %rsp, %rdi
    jne 9f
    EXPECT_FILLED
    EXPECT_GS
    lea -256(%rsp), %rsp
    pushf
    pop %rax
    lea 256(%rsp), %rsp
    cld
    bt $10, %rax
    jnc 9f
    FILL
    mov $8, %eax
    xor %edi, %edi
    syscall
    EXPECT 0x108, %rax
    EXPECT 0, %rdi
    EXPECT_FILLED
    EXPECT_GS
    jmp exit_rdi
9:  ud2

    .balign 4096
    .globl program_end
program_end:
