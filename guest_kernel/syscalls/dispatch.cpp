// From registers to handlers and back: the one choke point where system calls are counted and timed.
#include "guest_kernel/abi/syscall_rows.hpp"
#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/drivers/counters.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra {

namespace {

static_assert(abi::kSyscallRows <= abi::counters::kSyscallSlots);

// Each raw register becomes the type the table names: integers are truncated to their width before any use.
template <class T>
T argument(u64 raw) {
    if constexpr (std::is_integral_v<T>)
        return static_cast<T>(raw);
    else
        return T(UserAddr(raw));
}

using Thunk = SyscallResult (*)(const arch::UserRegisters&);

template <auto Handler>
struct Call;
template <class... A, SyscallResult (*Handler)(A...)>
struct Call<Handler> {
    static SyscallResult invoke(const arch::UserRegisters& r) {
        const u64 raw[6] = {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9};
        return [&]<usize... I>(std::index_sequence<I...>) { return Handler(argument<A>(raw[I])...); }
        (std::index_sequence_for<A...>{});
    }
};

constexpr Thunk kHandlers[] = {
#define ASTRA_SYSCALL_THUNK(linux_nr, astra_nr, name, ...) &Call<&syscalls::sys_##name>::invoke,
    ASTRA_SYSCALL_TABLE(ASTRA_SYSCALL_THUNK)
#undef ASTRA_SYSCALL_THUNK
};

u16 find_row(u64 number, sched::Abi abi) {
    if (number >= abi::kSyscallNumbers) return abi::SyscallRow::kNone;
    return abi == sched::Abi::Linux ? abi::kLinuxRows[number] : abi::kAstraRows[number];
}

}  // namespace

extern "C" void astra_handle_syscall(arch::UserRegisters* regs) {
    sched::Thread& thread = sched::current();
    u64 number = static_cast<u32>(regs->orig_rax);
    u16 row = find_row(number, thread.process().abi);
    if (row == abi::SyscallRow::kNone) [[unlikely]] {
        counters::unknown_syscall(static_cast<u64>(static_cast<i64>(static_cast<i32>(regs->orig_rax))));
        regs->rax = static_cast<u64>(-static_cast<i64>(Errno::kENOSYS));
        return prepare_return_to_user(regs);
    }
    bool timing = counters::control() & abi::counters::kTiming;
    u64 start = timing ? arch::now_ns() : 0;
    u64 blocked = thread.blocked_ns;
    thread.syscall_number = static_cast<int>(number);
    counters::syscall_entered(row);
    SyscallResult result = kHandlers[row](*regs);
    regs->rax = static_cast<u64>(result ? *result : -static_cast<i64>(result.error()));
    u64 elapsed = timing ? arch::now_ns() - start : 0;
    counters::syscall_left(row, !result, elapsed, thread.blocked_ns - blocked);
    thread.syscall_number = -1;
    prepare_return_to_user(regs);
}

}  // namespace astra
