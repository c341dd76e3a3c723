// Copies between kernel and program memory. A fault that the kernel core cannot resolve continues at the FIXUP's target;
// all return the number of bytes not done in rax. Long runs are copied in words; when a word faults, the bytes before
// the bad page are still copied one by one.
#include "guest_kernel/arch/x86_64/smap.h"

#define FIXUP(instruction, target)           \
    .pushsection .fixup_table, "a";          \
    .balign 4;                               \
    .long instruction - ., target - .;       \
    .popsection

    .text
    // rax astra_copy_user(rdi to, rsi from, rdx count)
    .balign 16
    .globl astra_copy_user
    .type astra_copy_user, @function
astra_copy_user:
    STAC
    mov %rdx, %rcx
    shr $3, %rcx                // whole words; edx: bytes after them
    and $7, %edx
    cmp $32, %rcx
    jae 10f
    test %ecx, %ecx
    jz 3f
1:  mov (%rsi), %rax
2:  mov %rax, (%rdi)
    add $8, %rsi
    add $8, %rdi
    dec %ecx
    jnz 1b
3:  test %rdx, %rdx
    jz 6f
4:  movzbl (%rsi), %eax
5:  mov %al, (%rdi)
    inc %rsi
    inc %rdi
    dec %rdx
    jnz 4b
6:  mov %rdx, %rax
    CLAC
    ret
10: rep movsq                   // start-up counts for less than the loop from here on
    jmp 3b
11: lea (%rdx,%rcx,8), %rdx     // words left and the tail, as bytes
    jmp 4b
    FIXUP(1b, 11b)
    FIXUP(2b, 11b)
    FIXUP(4b, 6b)
    FIXUP(5b, 6b)
    FIXUP(10b, 11b)

    // rax astra_clear_user(rdi to, rsi count)
    .globl astra_clear_user
    .type astra_clear_user, @function
astra_clear_user:
    STAC
    xor %eax, %eax
    mov %rsi, %rcx
    shr $3, %rcx
    and $7, %esi
30: rep stosq
    mov %esi, %ecx
40: rep stosb
41: mov %rcx, %rax
    CLAC
    ret
31: lea (%rsi,%rcx,8), %rcx
    jmp 40b
    FIXUP(30b, 31b)
    FIXUP(40b, 41b)

    // eax astra_user_compare_exchange(rdi word, esi expected, edx desired, rcx seen): 1, or 0 when it faults
    .globl astra_user_compare_exchange
    .type astra_user_compare_exchange, @function
astra_user_compare_exchange:
    STAC
    mov %esi, %eax
50: lock cmpxchg %edx, (%rdi)
    CLAC
    mov %eax, (%rcx)
    mov $1, %eax
    ret
    // eax astra_user_load(rdi word, rsi value): likewise
    .globl astra_user_load
    .type astra_user_load, @function
astra_user_load:
    STAC
60: mov (%rdi), %eax
    CLAC
    mov %eax, (%rsi)
    mov $1, %eax
    ret
51: xor %eax, %eax
    CLAC
    ret
    FIXUP(50b, 51b)
    FIXUP(60b, 51b)
