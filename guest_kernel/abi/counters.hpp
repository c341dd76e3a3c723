// The counters region: pages the guest kernel writes and the host reads with no exit and no lock.
//
// Region = Head, then `cpus` CpuCounters blocks of `cpu_stride` bytes. Each block is written by its CPU
// alone, every cell is a monotonic 64-bit counter written with one aligned store; the reader sums the CPUs.
// The host treats all of it as hostile input: sizes come from the host's own knowledge, never from Head.
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::abi::counters {

inline constexpr u64 kMagic = 0x5443'4152'5453'4131;  // "1ASTRACT"
inline constexpr u32 kVersion = 1;
inline constexpr u32 kMaxCpus = 8;
/// Syscall slots: the row's index in the syscall table; unknown numbers are kept apart (see Unknown).
inline constexpr u32 kSyscallSlots = 448;
inline constexpr u32 kHistogramBuckets =
    32;  // bucket i counts calls of [2^i, 2^(i+1)) ns; the last has no upper end
inline constexpr u32 kUnknownSlots = 64;
/// Unknown::number of a slot that more than one number shares, because all slots were taken.
inline constexpr u64 kOtherNumbers = u64{1} << 63;

/// Bits of Head::control.
enum Control : u32 {
    kTiming = 1u << 0,      // the default: the kernel sets it when the host left the word 0
    kCountsOnly = 1u << 1,  // calls and errors, no time stamps
};

struct Head {
    u64 magic;
    u32 version;
    u32 cpus;
    u32 cpu_stride;
    u32 syscall_rows;
    u32 control;  // written by the host: Control bits
    u32 reserved;
    u64 tsc_hz;
};

struct Syscall {
    u64 calls;
    u64 errors;
    u64 total_ns;  // entry to exit, blocked time included
    u64 max_ns;
    u64 blocked_ns;  // of total_ns, time spent off the CPU
    u64 histogram[kHistogramBuckets];
};

/// Numbers with no row in the table, answered -ENOSYS: open addressing by number, 0 calls = free.
struct Unknown {
    u64 number;
    u64 calls;
};

struct CpuCounters {
    u64 page_faults;
    u64 cow_copies;
    u64 context_switches;
    u64 interrupts;
    u64 timer_interrupts;
    u64 tlb_shootdowns;
    u64 gate_calls;  // flat build: what the kernel asked the gate at CPL0 for
    u64 run_queue_delay_ns;
    u64 idle_ns;
    u64 trapped_calls;  // flat build: system calls that came by the instruction
    u64 direct_calls;   // flat build: by a jump, from sites that were rewritten
    u64 reserved[5];
    Unknown unknown[kUnknownSlots];
    Syscall syscalls[kSyscallSlots];
};

inline constexpr usize kHeadBytes = kPageSize;
inline constexpr usize kCpuStride = align_up(sizeof(CpuCounters), kPageSize);
/// Bytes of the region for `cpus` CPUs.
constexpr usize region_bytes(usize cpus) { return kHeadBytes + cpus * kCpuStride; }

}  // namespace astra::abi::counters
