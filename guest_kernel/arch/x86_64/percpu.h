// Offsets into struct PerCpu and UserRegisters for assembly; percpu.hpp checks them.
#pragma once

#define PERCPU_SELF 0
#define PERCPU_KERNEL_STACK 8
#define PERCPU_USER_SP 16
#define PERCPU_INDEX 24
#define PERCPU_RECHECK 28
#define PERCPU_LOCAL 32

#define REGS_R11 48
#define REGS_RCX 88
#define REGS_ORIG_RAX 120
#define REGS_RIP 128
#define REGS_CS 136
#define REGS_RFLAGS 144
#define REGS_RSP 152
#define REGS_SS 160
#define REGS_SIZE 168
