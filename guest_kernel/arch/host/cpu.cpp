// One CPU without privileges: registers and interrupts are variables, stacks are switched for real
// (x86_64/context.S).
#include <execinfo.h>
#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "guest_kernel/arch/host/host.hpp"

namespace astra::arch {

namespace {

struct Irq {
    void (*handler)(void*);
    void* argument;
};
std::map<u32, Irq> irqs;
bool interrupts_on = true;
void* local_data;
UserRegisters registers;
u64 fs_base_value, gs_base_value;
constexpr usize kFpuBytes = 576;  // legacy area and XSAVE header
alignas(64) u8 fpu_registers[kFpuBytes];

}  // namespace

abi::control::Build build() { return abi::control::Build::Isolated; }

UserRegisters& user_registers() { return registers; }
usize fpu_state_size() { return kFpuBytes; }
void fpu_init(void* state) { memset(state, 0, kFpuBytes); }
void fpu_save(void* state) { memcpy(state, fpu_registers, kFpuBytes); }
void fpu_restore(const void* state) { memcpy(fpu_registers, state, kFpuBytes); }
void fpu_sanitise(void*) {}
u64 xfeature_mask() { return 3; }
u64 hardware_capabilities() { return 0; }

u64 get_fs_base() { return fs_base_value; }
void set_fs_base(u64 base) { fs_base_value = base; }
u64 get_user_gs_base() { return gs_base_value; }
void set_user_gs_base(u64 base) { gs_base_value = base; }

void set_kernel_stack(void*) {}
void return_to_user() {
    fprintf(stderr, "return_to_user: there is no user mode on the host\n");
    abort();
}

bool interrupts_disable() {
    bool was = interrupts_on;
    interrupts_on = false;
    return was;
}
void interrupts_restore(bool enabled) { interrupts_on = enabled; }
bool interrupts_enabled() { return interrupts_on; }
void interrupts_enable() { interrupts_on = true; }
/// With one CPU nobody else can release what is spun for.
void spin_pause() {
    fprintf(stderr, "spin_pause: deadlock on a single CPU\n");
    abort();
}

Result<void> install_irq(u32 line, void (*handler)(void*), void* argument) {
    if (!irqs.try_emplace(line, Irq{handler, argument}).second) return fail(Errno::kEBUSY);
    return {};
}
Result<MsiMessage> install_msi(void (*)(void*), void*) { return fail(Errno::kENOSPC); }
void host::raise_irq(u32 line) {
    if (auto irq = irqs.find(line); irq != irqs.end()) irq->second.handler(irq->second.argument);
}

u8 port_in8(u16) { return 0xff; }
u16 port_in16(u16) { return 0xffff; }
u32 port_in32(u16) { return ~u32{0}; }
void port_out8(u16, u8) {}
void port_out16(u16, u16) {}
void port_out32(u16, u32) {}

u32 cpu_index() { return 0; }
u32 cpus_online() { return 1; }
u32 start_secondary_cpus(u32) { return 1; }
void send_reschedule(u32) {}
void set_cpu_local(void* data) { local_data = data; }
void* cpu_local() { return local_data; }

void exit_machine(abi::machine::ExitCode code) {
    if (code == abi::machine::ExitCode::Clean) exit(0);
    abort();
}
usize describe_cpu(std::span<char> to) {
    static constexpr std::string_view kText = "vendor_id\t: host\nmodel name\t: a development host\n";
    return kText.copy(to.data(), to.size());
}

void stop_other_cpus() {}
void early_write(std::span<const char> text) { (void)!write(STDERR_FILENO, text.data(), text.size()); }
usize backtrace(std::span<u64> frames) {
    return ::backtrace(reinterpret_cast<void**>(frames.data()), static_cast<int>(frames.size()));
}
bool hardware_random(u64& value) { return getrandom(&value, sizeof value, 0) == sizeof value; }

}  // namespace astra::arch
