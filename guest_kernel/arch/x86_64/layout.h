// Addresses of the kernel's half and the selectors, as plain macros: shared by C++, assembly and the linker
// script.
#pragma once

// Where the kernel image is linked: virtual = physical + ASTRA_KERNEL_OFFSET (top 2 GiB, -mcmodel=kernel).
#define ASTRA_KERNEL_OFFSET 0xffffffff80000000
// The image starts on a 2 MiB boundary so that it can be mapped with 2 MiB pages.
#define ASTRA_KERNEL_PHYS 0x200000
// PML4 slot 273: all physical memory, 512 GiB. (Slot 256 is avoided: some hosts refuse it to CPL3.)
#define ASTRA_DIRECT_MAP 0xffff888000000000
#define ASTRA_DIRECT_MAP_SLOT 273
#define ASTRA_DIRECT_MAP_SIZE 0x8000000000
// PML4 slot 402: kernel stacks, each below a guard page.
#define ASTRA_STACK_AREA 0xffffc90000000000
#define ASTRA_STACK_AREA_SLOT 402
// Bridges (flat/bridges.hpp), 2 MiB seen at two places: within reach of a jump from below 1 GiB, and at
// kUserEnd, within reach of what lies at the top of the program half.
#define ASTRA_BRIDGES_LOW 0xffffffffbfe00000
#define ASTRA_BRIDGES_HIGH 0x00007fffffe00000
// The static boot tables map this much from physical 0.
#define ASTRA_BOOT_MAP_SIZE 0x40000000
// Page below 1 MiB that a starting CPU executes first (its SIPI vector is the page number).
#define ASTRA_TRAMPOLINE_PHYS 0x8000

// Linux's selectors (arch/x86/include/asm/segment.h): SYSRET loads CS = 0x23 + 16 and SS = 0x23 + 8.
#define ASTRA_KERNEL_CS 0x10
#define ASTRA_KERNEL_DS 0x18
#define ASTRA_USER32_CS 0x23
#define ASTRA_USER_DS 0x2b
#define ASTRA_USER_CS 0x33
#define ASTRA_TSS 0x40
