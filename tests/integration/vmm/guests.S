// Tiny PVH kernels, one per test: 32-bit protected mode, no paging, EBX = start info. Each is a blob between
// guest_code_NAME and guest_code_NAME_end that runs at BASE. By convention a guest leaves through the exit doorbell.
#define BASE 0x100000
#define UART 0x3f8
#define DOORBELL 0x501
#define IMAGE 0xd0000000
#define COUNTERS 0xfe800000
#define LAPIC 0xfee00000

    .section .rodata
    .code32

.macro GUEST name
    .balign 16
    .globl guest_code_\name, guest_code_\name\()_end
guest_code_\name:
.endm
.macro END name
guest_code_\name\()_end:
.endm
// Where a label of guest `name` lies when it runs.
#define AT(name, label) (label - guest_code_##name + BASE)
.macro LEAVE code
    mov $\code, %eax
    mov $DOORBELL, %edx
    out %eax, %dx
1:  hlt
    jmp 1b
.endm

// Says hello on the serial line with one string instruction.
GUEST hello
    mov $AT(hello, hello_text), %esi
    mov $(hello_text_end - hello_text), %ecx
    mov $UART, %edx
    rep outsb
    LEAVE 0
hello_text:
    .ascii "hello from the guest\n"
hello_text_end:
END hello

GUEST panic
    LEAVE 1
END panic

GUEST wrong_build
    LEAVE 2
END wrong_build

GUEST odd_code
    LEAVE 77
END odd_code

// No IDT: the exception cannot be delivered, nor the faults that follow.
GUEST triple_fault
    ud2
END triple_fault

// Never ends.
GUEST spin
1:  jmp 1b
END spin

// Prints the command line that the start info points to.
GUEST command_line
    mov 24(%ebx), %esi
    mov $UART, %edx
1:  lodsb
    test %al, %al
    jz 2f
    out %al, %dx
    jmp 1b
2:  LEAVE 0
END command_line

// Prints module 0 and what follows it in its last page, after a write to it that must have no effect.
GUEST image
    mov 16(%ebx), %edi          // module list
    mov (%edi), %esi            // its address
    movb $'!', (%esi)
    mov 8(%edi), %ecx           // its size
    inc %ecx
    mov $UART, %edx
    rep outsb
    LEAVE 0
END image

// Leaves a mark in the counters.
GUEST counters
    movl $0x600df00d, COUNTERS + 8
    LEAVE 0
END counters

// Prints 4 bytes each: EAX and EBX of the timing leaf, EBX of leaf 1.
GUEST cpuid
    mov $0x8000, %esp
    mov $0x40000010, %eax
    cpuid
    mov %ebx, %edi
    mov $UART, %edx
    call print
    mov %edi, %eax
    call print
    mov $1, %eax
    cpuid
    mov %ebx, %eax
    mov $UART, %edx
    call print
    LEAVE 0
print:
    mov $4, %ecx
1:  out %al, %dx
    shr $8, %eax
    loop 1b
    ret
END cpuid

// Counts 20 interrupts of the PIT at 1000 Hz, delivered through the 8259.
GUEST ticks
    mov $AT(ticks, ticks_stack), %esp
    lgdt AT(ticks, ticks_gdt_pointer)
    lidt AT(ticks, ticks_idt_pointer)
    mov $0x11, %al              // ICW1 to 4: vectors 0x20 and 0x28, only IRQ 0 open
    out %al, $0x20
    out %al, $0xa0
    mov $0x20, %al
    out %al, $0x21
    mov $0x28, %al
    out %al, $0xa1
    mov $4, %al
    out %al, $0x21
    mov $2, %al
    out %al, $0xa1
    mov $1, %al
    out %al, $0x21
    out %al, $0xa1
    mov $0xfe, %al
    out %al, $0x21
    mov $0xff, %al
    out %al, $0xa1
    mov $0x34, %al              // channel 0, mode 2, 1193182 / 1193
    out %al, $0x43
    mov $0xa9, %al
    out %al, $0x40
    mov $0x04, %al
    out %al, $0x40
    xor %ebx, %ebx
1:  sti
    hlt
    jmp 1b
ticks_interrupt:                // does not return: KVM's emulator has no 32-bit iret
    add $12, %esp
    inc %ebx
    mov $0x20, %al
    out %al, $0x20
    cmp $20, %ebx
    jb 1b
    LEAVE 0
    .balign 8
ticks_gdt:
    .quad 0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
ticks_gdt_pointer:
    .word 31
    .long AT(ticks, ticks_gdt)
    .balign 8
ticks_idt:
    .fill 32, 8, 0
    .word AT(ticks, ticks_interrupt) - BASE, 0x10, 0x8e00, BASE >> 16
ticks_idt_pointer:
    .word 33 * 8 - 1
    .long AT(ticks, ticks_idt)
    .fill 64, 1, 0
ticks_stack:
END ticks

// Starts CPU 1 by INIT and SIPI; it says A from real mode and releases CPU 0, which says B.
GUEST second_cpu
    mov $AT(second_cpu, ap_code), %esi
    mov $0x8000, %edi
    mov $(ap_code_end - ap_code), %ecx
    rep movsb
    movl $0x1ff, LAPIC + 0xf0           // software-enable, as every kernel does first: KVM now knows CPU 1
    movl $0x01000000, LAPIC + 0x310
    movl $0x00004500, LAPIC + 0x300     // INIT
    movl $0x01000000, LAPIC + 0x310
    movl $0x00004608, LAPIC + 0x300     // SIPI, vector 8: 0x8000
1:  cmpb $1, 0x9000
    jne 1b
    mov $UART, %edx
    mov $'B', %al
    out %al, %dx
    LEAVE 0
    .code16
ap_code:
    mov $UART, %dx
    mov $'A', %al
    out %al, %dx
    xor %ax, %ax
    mov %ax, %ds
    movb $1, 0x9000
2:  hlt
    jmp 2b
ap_code_end:
    .code32
END second_cpu

// The least of a virtio driver (VIRTIO 1.2, 3.1 and 4.2): one buffer per queue, no interrupts enabled, no features but
// VERSION_1. The rings of queue q of any device lie at RINGS(q), a page each.
#define CONSOLE 0xfeb00000
#define RNG 0xfeb00200
#define RINGS(q) (0x20000 + (q) * 0x3000)
#define BUFFER(q) (0x40000 + (q) * 0x1000)
#define AVAILABLE_INDEX(q) (RINGS(q) + 0x1000 + 2)
#define USED_INDEX(q) (RINGS(q) + 0x2000 + 2)
#define USED_LENGTH(q) (RINGS(q) + 0x2000 + 8)

.macro DEVICE_BEGIN device
    movl $0, \device + 0x70
    movl $3, \device + 0x70            // ACKNOWLEDGE, DRIVER
    movl $1, \device + 0x24
    movl $1, \device + 0x20            // VERSION_1
    movl $11, \device + 0x70           // FEATURES_OK
.endm
.macro DEVICE_QUEUE device queue
    movl $\queue, \device + 0x30
    movl $4, \device + 0x38
    movl $RINGS(\queue), \device + 0x80
    movl $RINGS(\queue) + 0x1000, \device + 0x90
    movl $RINGS(\queue) + 0x2000, \device + 0xa0
    movl $1, \device + 0x44
.endm
.macro DEVICE_READY device
    movl $15, \device + 0x70           // DRIVER_OK
.endm
// Offers the buffer of a queue; flags 2: for the device to write. ECX: its length.
.macro OFFER device queue flags
    movl $BUFFER(\queue), RINGS(\queue)
    movl %ecx, RINGS(\queue) + 8
    movl $\flags, RINGS(\queue) + 12
    movw $1, AVAILABLE_INDEX(\queue)
    movl $\queue, \device + 0x50
.endm
.macro AWAIT queue
1:  cmpw $1, USED_INDEX(\queue)
    jne 1b
.endm

// Fetches 16 random bytes and prints them.
GUEST random
    DEVICE_BEGIN RNG
    DEVICE_QUEUE RNG 0
    DEVICE_READY RNG
    mov $16, %ecx
    OFFER RNG 0 2
    AWAIT 0
    mov $BUFFER(0), %esi
    mov USED_LENGTH(0), %ecx
    mov $UART, %edx
    rep outsb
    LEAVE 0
END random

// Waits for bytes on the console and for their interrupt, sends the bytes back, and leaves without waiting.
GUEST echo
    DEVICE_BEGIN CONSOLE
    DEVICE_QUEUE CONSOLE 0
    DEVICE_QUEUE CONSOLE 1
    DEVICE_READY CONSOLE
    mov $64, %ecx
    OFFER CONSOLE 0 2
    AWAIT 0
1:  in $0x20, %al                       // the 8259's request register: IRQ 5 comes after the buffer
    test $0x20, %al
    jz 1b
    mov $BUFFER(0), %esi
    mov $BUFFER(1), %edi
    mov USED_LENGTH(0), %ecx
    rep movsb
    mov USED_LENGTH(0), %ecx
    OFFER CONSOLE 1 0
    LEAVE 0
END echo

    .section .note.GNU-stack, "", @progbits
