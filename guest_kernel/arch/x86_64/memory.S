// memcpy, memmove, memset and memcmp for the kernel: the compiler calls them, <cstring> declares them. Short runs go
// through registers, long ones through string instructions, whose start-up then no longer counts.
#define LONG 256                // bytes from which string instructions win

    .section .text.memory, "ax", @progbits
    .globl memcpy, memmove, memset, memcmp

    // rax memcpy(rdi to, rsi from, rdx count)
    .balign 16
    .type memcpy, @function
memcpy:
    mov %rdi, %rax
copy_forward:
    cmp $16, %rdx
    jb 3f
    cmp $LONG, %rdx
    jae 2f
    // The last 16 bytes, read before anything is written and written last: they may overlap what the loop copies.
    mov -16(%rsi,%rdx), %r8
    mov -8(%rsi,%rdx), %r9
    lea -16(%rdi,%rdx), %r10
1:  mov (%rsi), %rcx
    mov 8(%rsi), %r11
    mov %rcx, (%rdi)
    mov %r11, 8(%rdi)
    add $16, %rsi
    add $16, %rdi
    cmp %r10, %rdi
    jb 1b
    mov %r8, (%r10)
    mov %r9, 8(%r10)
    ret
2:  mov %rdx, %rcx
    shr $3, %rcx
    rep movsq
    mov %edx, %ecx
    and $7, %ecx
    rep movsb
    ret
3:  cmp $8, %edx
    jb 4f
    mov (%rsi), %rcx
    mov -8(%rsi,%rdx), %r8
    mov %rcx, (%rdi)
    mov %r8, -8(%rdi,%rdx)
    ret
4:  cmp $4, %edx
    jb 5f
    mov (%rsi), %ecx
    mov -4(%rsi,%rdx), %r8d
    mov %ecx, (%rdi)
    mov %r8d, -4(%rdi,%rdx)
    ret
5:  test %edx, %edx
    jz 6f
    movzbl (%rsi), %ecx         // 1, 2 or 3 bytes: first, middle, last
    movzbl -1(%rsi,%rdx), %r8d
    mov %edx, %r9d
    shr %r9d
    movzbl (%rsi,%r9), %r10d
    mov %cl, (%rdi)
    mov %r10b, (%rdi,%r9)
    mov %r8b, -1(%rdi,%rdx)
6:  ret

    // rax memmove(rdi to, rsi from, rdx count)
    .balign 16
    .type memmove, @function
memmove:
    mov %rdi, %rax
    mov %rdi, %rcx
    sub %rsi, %rcx
    cmp %rdx, %rcx              // to - from, unsigned, below count: the end of `from` would be overwritten early
    jae copy_forward
1:  cmp $8, %rdx
    jb 2f
    mov -8(%rsi,%rdx), %rcx
    mov %rcx, -8(%rdi,%rdx)
    sub $8, %rdx
    jmp 1b
2:  test %rdx, %rdx
    jz 3f
    movzbl -1(%rsi,%rdx), %ecx
    mov %cl, -1(%rdi,%rdx)
    dec %rdx
    jmp 2b
3:  ret

    // rax memset(rdi to, esi byte, rdx count)
    .balign 16
    .type memset, @function
memset:
    mov %rdi, %r8
    movzbl %sil, %esi
    movabs $0x0101010101010101, %rax
    imul %rsi, %rax
    cmp $8, %rdx
    jb 3f
    cmp $LONG, %rdx
    jae 2f
    lea -8(%rdi,%rdx), %r10     // the last 8 bytes, which may overlap what the loop sets
1:  mov %rax, (%rdi)
    add $8, %rdi
    cmp %r10, %rdi
    jb 1b
    mov %rax, (%r10)
    mov %r8, %rax
    ret
2:  mov %rdx, %rcx
    shr $3, %rcx
    rep stosq
    mov %edx, %ecx
    and $7, %ecx
    rep stosb
    mov %r8, %rax
    ret
3:  test %edx, %edx
    jz 5f
4:  mov %al, -1(%rdi,%rdx)
    dec %edx
    jnz 4b
5:  mov %r8, %rax
    ret

    // eax memcmp(rdi a, rsi b, rdx count)
    .balign 16
    .type memcmp, @function
memcmp:
1:  cmp $8, %rdx
    jb 3f
    mov (%rdi), %rax
    mov (%rsi), %rcx
    cmp %rcx, %rax
    jne 2f
    add $8, %rdi
    add $8, %rsi
    sub $8, %rdx
    jmp 1b
2:  bswap %rax                  // the first byte that differs decides
    bswap %rcx
    cmp %rcx, %rax
    sbb %eax, %eax
    or $1, %eax
    ret
3:  test %edx, %edx
    jz 5f
4:  movzbl (%rdi), %eax
    movzbl (%rsi), %ecx
    sub %ecx, %eax
    jne 6f
    inc %rdi
    inc %rsi
    dec %edx
    jnz 4b
5:  xor %eax, %eax
6:  ret

    .section .note.GNU-stack, "", @progbits
