// Reporting stack overflow.
#include "guest_runtime/thread/stack_guard.hpp"

#include "guest_runtime/fmt/formatter.hpp"
#include "guest_runtime/process/exit.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/sys/syscall.hpp"
#include "guest_runtime/thread/name.hpp"

namespace astra::thread {

namespace {

thread_local u64 guard_start = 0;
thread_local usize guard_size = 0;
alignas(16) u8 main_alternate[kAlternateStack];

/// A fault within this much around the stack pointer of the first thread is its stack's: functions with
/// larger frames touch their pages in order (-fstack-clash-protection) or are not recognised.
constexpr u64 kReach = 64 * 1024;

bool overflowed(u64 address, u64 stack_pointer) {
    if (guard_size) return address - guard_start < guard_size;
    return address + kReach >= stack_pointer && address < stack_pointer + kReach;
}

void on_fault(int signal, abi::SigInfo* info, void* context) {
    // struct ucontext: flags, link, stack (24 bytes), then sigcontext r8…r15 rdi rsi rbp rbx rdx rax rcx rsp.
    u64 stack_pointer = reinterpret_cast<u64*>(context)[5 + 15];
    if (info->code > 0 && overflowed(info->fault.address, stack_pointer)) {
        char text[160];
        fmt::BufferSink sink(text);
        fmt::Formatter(sink).print(
            "\nthread '{}' has overflowed its stack\nfatal runtime error: stack overflow\n", current_name());
        sys::write(2, reinterpret_cast<const u8*>(sink.text().data()), sink.text().size());
        process::abort();
    }
    // Any other fault: the default action, when the instruction is run again.
    abi::SigAction action{};
    sys::rt_sigaction(signal, &action, nullptr, sizeof(abi::SigSet));
}

}  // namespace

}  // namespace astra::thread

asm(R"(
    .text
    .type astra_signal_return, @function
astra_signal_return:
    mov $15, %eax
    syscall
)");
extern "C" void astra_signal_return() __attribute__((visibility("hidden")));

namespace astra::thread {

void install_stack_guard(u64 guard, usize size, u64 alternate) {
    guard_start = guard;
    guard_size = size;
    bool first = alternate == 0;
    abi::SigStack stack{first ? reinterpret_cast<u64>(main_alternate) : alternate, 0, 0, kAlternateStack};
    sys::sigaltstack(&stack, nullptr);
    if (!first) return;
    abi::SigAction action{.handler = reinterpret_cast<u64>(on_fault),
                          .flags = sys::kSaSigInfo | sys::kSaOnStack | sys::kSaRestorer,
                          .restorer = reinterpret_cast<u64>(astra_signal_return),
                          .mask = 0};
    // A guard page and the end of a stack that grows no further are both SIGSEGV on x86.
    sys::rt_sigaction(sys::kSigSegv, &action, nullptr, sizeof(abi::SigSet));
}

}  // namespace astra::thread
