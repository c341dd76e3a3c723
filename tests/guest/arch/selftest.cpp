// The self-test kernel's main: runs every check and says how it ended.
#include "tests/guest/arch/selftest.hpp"

#include "guest_kernel/base/format.hpp"
#include "guest_kernel/drivers/command_line.hpp"

namespace astra {

namespace selftest {

namespace {

const BootInfo* boot_information;

[[noreturn]] void fail_machine(const char* what, const char* detail) {
    say("arch selftest: FAILED: %s %s\n", what, detail);
    arch::exit_machine(abi::machine::ExitCode::Panic);
}

void run(std::span<const Check> checks) {
    for (const Check& check : checks) {
        say("check: %s\n", check.name);
        hooks = {};
        u64 start = arch::now_ns();
        check.run();
        say("       %lu us\n", (arch::now_ns() - start) / 1000);
    }
}

}  // namespace

void say(const char* format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    usize length = format_to_v(line, sizeof line, format, arguments);
    va_end(arguments);
    arch::early_write({line, length < sizeof line ? length : sizeof line - 1});
}

void require(bool holds, const char* what) {
    if (!holds) fail_machine("does not hold:", what);
}

const BootInfo& boot_info() { return *boot_information; }

}  // namespace selftest

void kernel_main(const BootInfo& boot) {
    using namespace selftest;
    boot_information = &boot;
    if (command_line_value("overflow")) overflow_stack();
    if (command_line_value("entry_window")) run_entry_window();
    run(memory_checks());
    run(program_checks());
    run(time_checks());
    run(cpu_checks());
    say("arch selftest: ok\n");
    arch::exit_machine(abi::machine::ExitCode::Clean);
}

void panic(const char* format, ...) { selftest::fail_machine("panic:", format); }

}  // namespace astra
