// memcpy, memmove, memset and memcmp for the kernel: the compiler calls them, <cstring> declares them.
// String instructions: short, and fast for the sizes that matter on every CPU that can run this kernel (ERMS).
    .section .text.memory, "ax", @progbits
    .globl memcpy, memmove, memset, memcmp

    // rax memcpy(rdi to, rsi from, rdx count)
    .type memcpy, @function
memcpy:
    mov %rdi, %rax
copy_forward:
    mov %rdx, %rcx
    shr $3, %rcx
    rep movsq
    mov %edx, %ecx
    and $7, %ecx
    rep movsb
    ret

    // rax memmove(rdi to, rsi from, rdx count)
    .type memmove, @function
memmove:
    mov %rdi, %rax
    mov %rdi, %rcx
    sub %rsi, %rcx
    cmp %rdx, %rcx              // to - from, unsigned, below count: the end of `from` would be overwritten early
    jae copy_forward
    lea -1(%rdi,%rdx), %rdi
    lea -1(%rsi,%rdx), %rsi
    mov %rdx, %rcx
    std
    rep movsb
    cld
    ret

    // rax memset(rdi to, esi byte, rdx count)
    .type memset, @function
memset:
    mov %rdi, %r8
    movzbl %sil, %esi
    movabs $0x0101010101010101, %rax
    imul %rsi, %rax
    mov %rdx, %rcx
    shr $3, %rcx
    rep stosq
    mov %edx, %ecx
    and $7, %ecx
    rep stosb
    mov %r8, %rax
    ret

    // eax memcmp(rdi a, rsi b, rdx count)
    .type memcmp, @function
memcmp:
    mov %rdx, %rcx
    xor %eax, %eax              // count 0: equal (and ZF set for the repe below)
    repe cmpsb
    je 1f
    movzbl -1(%rdi), %eax
    movzbl -1(%rsi), %ecx
    sub %ecx, %eax
1:  ret
