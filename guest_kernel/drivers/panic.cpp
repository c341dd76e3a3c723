// Panic: says what happened where a person will see it, tells the host, ends the machine.
#include <cstdarg>

#include "guest_kernel/abi/syscall_rows.hpp"
#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/base/format.hpp"
#include "guest_kernel/drivers/control.hpp"
#include "guest_kernel/drivers/log.hpp"
#include "guest_kernel/drivers/symbols.hpp"
#include "guest_kernel/sched/process.hpp"

namespace astra {

namespace {

// The report is built in static storage: nothing here may allocate or lock.
struct Report {
    char text[8192] = {};
    usize length = 0;
    void add(const char* format, ...) __attribute__((format(printf, 2, 3))) {
        va_list arguments;
        va_start(arguments, format);
        usize wanted = format_to_v(text + length, sizeof text - length, format, arguments);
        va_end(arguments);
        usize room = sizeof text - length - 1;
        length += wanted < room ? wanted : room;
    }
};
constinit Report report;
constinit std::atomic<bool> panicking{false};

void begin() {
    arch::interrupts_disable();
    if (panicking.exchange(
            true)) {  // a panic inside a panic, or on a second CPU: the first one's report counts
        arch::early_write({"panic again\n", 12});
        arch::exit_machine(abi::machine::ExitCode::Panic);
    }
    arch::stop_other_cpus();
}

void add_location(const char* what, u64 address) {
    Symbol symbol = find_symbol(address);
    if (symbol.name.empty())
        report.add("  %s%016lx\n", what, address);
    else
        report.add("  %s%016lx %.*s+0x%lx\n", what, address, static_cast<int>(symbol.name.size()),
                   symbol.name.data(), symbol.offset);
}

void add_context() {
    report.add("cpu %u, %u online, build %s, up %lu us\n", arch::cpu_index(), arch::cpus_online(),
               arch::build() == abi::control::Build::Flat ? "flat" : "isolated", arch::now_ns() / 1000);
    if (!sched::scheduler_running()) return;
    sched::Thread& thread = sched::current();
    report.add("thread %d \"%s\"", thread.tid(), thread.name);
    int number = thread.syscall_number;
    if (number >= 0 && !thread.is_kernel_thread() && static_cast<u32>(number) < abi::kSyscallNumbers) {
        u16 row =
            thread.process().abi == sched::Abi::Linux ? abi::kLinuxRows[number] : abi::kAstraRows[number];
        if (row != abi::SyscallRow::kNone)
            report.add(" in %s(%d)", abi::kSyscallTable[row].name.data(), number);
    }
    report.add("\n");
}

[[noreturn]] void finish(u64 rip) {
    report.add("backtrace:\n");
    u64 frames[24];
    usize count = arch::backtrace(frames);
    for (usize i = 0; i < count; i++) add_location("", frames[i]);
    arch::early_write({report.text, report.length});
    report_panic(rip, {report.text, report.length});
    arch::exit_machine(abi::machine::ExitCode::Panic);
}

}  // namespace

void panic(const char* format, ...) {
    begin();
    report.add("KERNEL PANIC: ");
    va_list arguments;
    va_start(arguments, format);
    usize room = sizeof report.text - report.length - 1;
    usize wanted = format_to_v(report.text + report.length, room, format, arguments);
    va_end(arguments);
    report.length += wanted < room ? wanted : room - 1;
    report.add("\n");
    add_context();
    finish(reinterpret_cast<u64>(__builtin_return_address(0)));
}

void panic_trap(const KernelTrap& trap) {
    begin();
    report.add("KERNEL PANIC: exception %lu, error code 0x%lx, address 0x%lx\n", trap.vector, trap.error_code,
               trap.cr2);
    add_context();
    add_location("rip ", trap.rip);
    report.add("  rsp %016lx rflags %08lx\n", trap.rsp, trap.rflags);
    static constexpr const char* kNames[] = {"r15", "r14", "r13", "r12", "rbp", "rbx", "r11", "r10",
                                             "r9",  "r8",  "rax", "rcx", "rdx", "rsi", "rdi"};
    for (usize i = 0; trap.general && i < 15; i++)
        report.add("  %-3s %016lx%s", kNames[i], trap.general[i], i % 4 == 3 || i == 14 ? "\n" : "");
    finish(trap.rip);
}

}  // namespace astra
