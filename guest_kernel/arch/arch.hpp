// The arch contract: everything the kernel needs from the CPU and its build. The rest of the kernel includes
// only this header; arch/x86_64 (isolated and flat builds) and arch/host (unit tests) implement it. No #ifdef
// elsewhere.
#pragma once
#include <span>

#include "guest_kernel/abi/control.hpp"
#include "guest_kernel/abi/machine.hpp"
#include "guest_kernel/base/result.hpp"

namespace astra::arch {

inline constexpr u32 kMaxCpus = 8;
/// First address past the program half. A user range must end at or below it. The 2 MiB above it, the last of
/// the lower half, are arch code's own; their first page is never mapped.
inline constexpr u64 kUserEnd = 0x0000'7fff'ffe0'0000;
/// Bytes at a kernel stack's very end, above the `stack_top` that the calls below take.
inline constexpr usize kKernelStackReserve = 16;
inline constexpr usize kKernelStackSize = 32 * 1024;
/// Which of the two builds this is.
abi::control::Build build();

// ---- registers -------------------------------------------------------------------------------------------

/// A program's registers as saved at entry to the kernel: Linux's pt_regs order, then the segment bases.
/// Lives at the top of the thread's kernel stack.
struct UserRegisters {
    u64 r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    u64 orig_rax;  // system call number at entry, ~0 when entered by an interrupt or exception
    u64 rip, cs, rflags, rsp, ss;
};
/// The registers of the current thread's program, at the top of its kernel stack.
UserRegisters& user_registers();
/// Clears `regs` and sets it to start a program at `entry` with stack `stack`.
void init_user_registers(UserRegisters& regs, UserAddr entry, UserAddr stack);

/// Floating-point state: `fpu_state_size()` bytes, 64-byte aligned (XSAVE standard format).
/// At least 576: the FXSAVE area and the XSAVE header, which means nothing when xfeature_mask() is 0.
usize fpu_state_size();
void fpu_init(void* state);
void fpu_save(void* state);
/// Loads `state`. Its header was sanitised by fpu_sanitise if it came from a program.
void fpu_restore(const void* state);
/// Makes program-supplied bytes safe to load: clears unsupported XSTATE_BV, reserved MXCSR and header bits.
void fpu_sanitise(void* state);
u64 xfeature_mask();
/// What programs are told as AT_HWCAP: CPUID leaf 1, edx.
u64 hardware_capabilities();

u64 get_fs_base();
void set_fs_base(u64 base);
/// The program's GS base (not the kernel's), of the thread whose stack set_kernel_stack named last.
u64 get_user_gs_base();
void set_user_gs_base(u64 base);

// ---- kernel context --------------------------------------------------------------------------------------

/// Saves callee-saved registers on the current stack, stores its pointer through `save`, continues on `load`.
extern "C" void astra_switch_stack(u64* save_sp, u64 load_sp);
/// Lays out a fresh kernel stack so that switching to the returned pointer calls `entry(argument)`, which
/// never returns.
u64 prepare_stack(void* stack_top, void (*entry)(void*), void* argument);
/// Tells the CPU which kernel stack the next entry from user mode uses. The thread's UserRegisters end at
/// `stack_top`; the kKernelStackReserve bytes above it are the arch's own.
void set_kernel_stack(void* stack_top);
/// Restores the current thread's user_registers() and continues the program. Interrupts must be off.
[[noreturn]] void return_to_user();

// ---- interrupts ------------------------------------------------------------------------------------------

/// Disables interrupts on this CPU; returns whether they were enabled.
bool interrupts_disable();
/// Restores what interrupts_disable returned.
void interrupts_restore(bool enabled);
bool interrupts_enabled();
void interrupts_enable();
/// Idles until an interrupt: enables interrupts and halts in one step (no lost wake-up), returns with them
/// off.
void idle_wait();
/// Spin-wait hint; also serves TLB shootdowns asked of this CPU, so spinning with interrupts off cannot
/// deadlock them.
void spin_pause();

/// Routes GSI `line` (edge-triggered, active high) to CPU 0 and unmasks it; `handler(argument)` runs in
/// interrupt context. EINVAL: no such line; EBUSY: taken.
Result<void> install_irq(u32 line, void (*handler)(void*), void* argument);
/// What a device writes, and where, to raise a message-signalled interrupt (PCI 3.0, 6.8).
struct MsiMessage {
    u64 address;
    u32 data;
};
/// Reserves a vector on CPU 0 for a message-signalled interrupt. ENOSPC: none left.
Result<MsiMessage> install_msi(void (*handler)(void*), void* argument);

// ---- ports ------------------------------------------------------------------------------------------

/// Port I/O, for drivers.
u8 port_in8(u16 port);
u16 port_in16(u16 port);
u32 port_in32(u16 port);
void port_out8(u16 port, u8 value);
void port_out16(u16 port, u16 value);
void port_out32(u16 port, u32 value);

// ---- CPUs ------------------------------------------------------------------------------------------------

/// Index of the current CPU. Stable only while interrupts are off or the thread cannot migrate (kernel code
/// never migrates by itself: the kernel is not preemptible).
u32 cpu_index();
u32 cpus_online();
/// Starts the other CPUs (up to `wanted` in all); each runs kernel_secondary_main. Returns how many are
/// online.
u32 start_secondary_cpus(u32 wanted);
/// Makes `cpu` leave idle_wait or re-check for rescheduling on its way to user mode.
void send_reschedule(u32 cpu);
/// One pointer per CPU for the scheduler (struct sched::Cpu).
void set_cpu_local(void* data);
void* cpu_local();

// ---- time ------------------------------------------------------------------------------------------------

/// Monotonic nanoseconds since kernel entry; the same on all CPUs.
u64 now_ns();
u64 tsc_hz();
/// How now_ns() comes from the TSC, for programs: (tsc - start_tsc) * ns_per_tick / 2^32. ns_per_tick 0:
/// programs have to ask the kernel.
struct TscClock {
    u64 start_tsc, ns_per_tick;
};
TscClock tsc_clock();
u64 read_tsc();
/// Arms this CPU's one-shot timer for `deadline_ns` (0: disarm). handle_timer_interrupt runs at or after it.
void arm_timer(u64 deadline_ns);
/// Wall-clock seconds since the epoch as the RTC reads (MC146818), at boot.
i64 read_rtc();
/// True when the tick comes from the PIT at 1000 Hz (clock=pit): arm_timer is then a no-op,
/// handle_timer_interrupt ticks on CPU 0.
bool pit_clock();

// ---- memory ----------------------------------------------------------------------------------------------

/// The direct map: all RAM, the image, the counters slot and the virtio-mmio windows (uncached).
void* phys_to_virt(PhysAddr address);
/// Adds device memory outside these (a PCI BAR) to the direct map, uncached, and returns its address there.
/// ENOMEM.
Result<void*> map_device(PhysAddr base, u64 size);
/// Inverse for direct-map and kernel-image addresses.
PhysAddr virt_to_phys(const void* address);

enum class PageFlags : u32 {
    None = 0,  // the other values are those of x86's entries, which makes the translation one mask
    Present = 1 << 0,
    Write = 1 << 1,
    User = 1 << 2,
    Accessed = 1 << 5,
    Dirty = 1 << 6,
    Huge = 1 << 7,
    Execute = 1 << 8
};
constexpr PageFlags operator|(PageFlags a, PageFlags b) { return PageFlags(u32(a) | u32(b)); }
constexpr bool has(PageFlags set, PageFlags bit) { return (u32(set) & u32(bit)) != 0; }

struct PageEntry {
    PhysAddr frame;
    PageFlags flags = PageFlags::None;  // frame null: not mapped
};

/// One address space's page tables: the program half is its own, the kernel half shared. The caller
/// (mm::AddressSpace) holds its lock around every call. Nothing here flushes: collect ranges and call
/// flush_tlb once.
class PageTable {
  public:
    static Result<PageTable> create();
    PageTable() = default;
    PageTable(PageTable&& o) noexcept : PageTable() { *this = static_cast<PageTable&&>(o); }
    PageTable& operator=(PageTable&& o) noexcept;
    ~PageTable();  // frees the tables of the program half, not the frames they map

    /// Maps one 4 KiB page, replacing what was there. Without Present in `flags` the entry keeps its frame
    /// while every access faults (PROT_NONE); such pages count as mapped below. ENOMEM when a table cannot be
    /// had.
    Result<void> map(UserAddr page, PhysAddr frame, PageFlags flags);
    /// Maps one 2 MiB page over a range without present pages (an empty leaf table there is freed).
    Result<void> map_huge(UserAddr page, PhysAddr frame, PageFlags flags);
    /// Turns the 2 MiB page around `page` into 512 pages of 4 KiB with the same flags; no effect when there
    /// is none. ENOMEM when a table cannot be had.
    Result<void> split(UserAddr page);
    /// Removes the entry that maps `page`, 4 KiB or 2 MiB (split first to remove less); returns what was
    /// there: its first frame, Huge when it was 2 MiB.
    PageEntry unmap(UserAddr page);
    /// The 4 KiB frame behind `page`; Huge when a 2 MiB entry maps it.
    [[nodiscard]] PageEntry lookup(UserAddr page) const;
    /// Replaces the flags of the entry that maps `page`, 4 KiB or 2 MiB.
    void protect(UserAddr page, PageFlags flags);
    /// Moves `at` to the first mapped page at or after it and below `end`, or to `end`; returns what lookup()
    /// would there (frame null at the end). Skips empty tables quickly.
    PageEntry next_mapped(UserAddr& at, UserAddr end) const;
    /// Takes out the leaf table of the 2 MiB at `slot` (2 MiB aligned), entries and all; null when there is
    /// none. It may serve elsewhere once the TLBs have forgotten the slot.
    PhysAddr detach_leaf(UserAddr slot);
    /// Links such a table, for a slot in which nothing is mapped. ENOMEM.
    Result<void> attach_leaf(UserAddr slot, PhysAddr leaf);
    /// Entry `index` (0 to 511) of a leaf table that is linked nowhere, and its end.
    static PageEntry leaf_entry(PhysAddr leaf, usize index);
    static void clear_leaf_entry(PhysAddr leaf, usize index);
    /// Gives up the tables without freeing them: their root, for adopt() to own them again.
    PhysAddr leak();
    static PageTable adopt(PhysAddr root);
    /// Frames the tables take up, the root among them.
    [[nodiscard]] u64 table_frames() const;
    /// Loads the tables into this CPU.
    void activate() const;
    [[nodiscard]] PhysAddr root() const { return root_; }

  private:
    struct Found;
    [[nodiscard]] Found find(u64 address) const;
    Result<void> link(UserAddr slot, u64 entry);
    PhysAddr root_;
    // The leaf table used last: neighbouring pages are found without a walk.
    mutable u64* leaf_ = nullptr;
    mutable u64 leaf_base_ = ~u64{0};  // first address it maps
};
/// Loads the kernel's own tables (no program half).
void activate_kernel_tables();

/// Invalidates [start, end) on this CPU and on every CPU in `cpu_mask` (bit per CPU) before it returns;
/// end-start above 32 pages becomes a full flush. Call after removing or tightening entries and before
/// freeing their frames.
void flush_tlb(u64 cpu_mask, UserAddr start, UserAddr end);

/// Maps `frames` consecutively into fresh kernel virtual memory, with an unmapped guard page below. For
/// kernel stacks.
Result<void*> map_kernel_stack(std::span<const PhysAddr> frames);
/// Undoes map_kernel_stack; the frames are the caller's.
void unmap_kernel_stack(void* base, usize pages);

/// Copies between kernel and program memory; stops at the first byte that faults and cannot be resolved.
/// Returns how many bytes were NOT copied. Ranges were checked against kUserEnd by the caller.
usize copy_from_user(void* to, UserAddr from, usize count);
usize copy_to_user(UserAddr to, const void* from, usize count);
usize clear_user(UserAddr to, usize count);
/// Atomic compare-and-exchange on a program's word; false when it faults. `seen` gets the old value.
bool user_compare_exchange(UserAddr word, u32 expected, u32 desired, u32& seen);
bool user_load(UserAddr word, u32& value);

// ---- ends ------------------------------------------------------------------------------------------------

/// Ends the machine through the exit doorbell.
[[noreturn]] void exit_machine(abi::machine::ExitCode code);
/// Stops the other CPUs where they are (panic).
void stop_other_cpus();
/// Polled output on COM1, usable at any time.
void early_write(std::span<const char> text);
/// Fills `frames` with return addresses of the current call chain, innermost first; returns how many.
usize backtrace(std::span<u64> frames);
/// Writes what /proc/cpuinfo says about each CPU, from vendor_id on, in Linux's format for this architecture.
/// Returns the length written, at most to.size().
usize describe_cpu(std::span<char> to);
/// Random bytes from RDRAND when it works; false otherwise.
bool hardware_random(u64& value);

}  // namespace astra::arch
