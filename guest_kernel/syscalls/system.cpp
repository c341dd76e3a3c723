// The system as a whole: uname(2), sysinfo(2), reboot(2).
#include "guest_kernel/syscalls/system.hpp"

#include "guest_kernel/drivers/control.hpp"
#include "guest_kernel/mm/frames.hpp"
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/sched/scheduler.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra {

namespace {

// sysname is Linux so that programs run; release says what they really run on.
constexpr abi::UtsName kIdentity = {"Linux",  "astra", "6.1.0-astra", "#1 SMP ASTRA 0.1.0",
                                    "x86_64", "(none)"};
constinit sched::SpinLocked<abi::UtsName, sched::Rank::Log> g_identity(kIdentity);

using NameField = char (abi::UtsName::*)[65];

Result<void> set_name(NameField field, std::string_view name) {
    if (!sched::current_process().credentials().can(sched::kCapSysAdmin)) return fail(Errno::kEPERM);
    char fresh[65] = {};
    if (name.size() >= sizeof fresh) return fail(Errno::kEINVAL);
    __builtin_memcpy(fresh, name.data(), name.size());
    auto identity = g_identity.lock();
    __builtin_memcpy((*identity).*field, fresh, sizeof fresh);
    return {};
}

}  // namespace

abi::UtsName system_identity() { return *g_identity.lock(); }

Result<void> set_host_name(std::string_view name) { return set_name(&abi::UtsName::nodename, name); }
Result<void> set_domain_name(std::string_view name) { return set_name(&abi::UtsName::domainname, name); }

}  // namespace astra

namespace astra::syscalls {

namespace {

constexpr u32 kRebootMagic = 0xfee1dead;
constexpr u32 kRebootMagics[] = {672274793, 85072278, 369367448, 537993216};
enum RebootCommand : u32 {
    kRestart = 0x01234567,
    kHalt = 0xcdef0123,
    kPowerOff = 0x4321fedc,
    kCtrlAltDelOn = 0x89abcdef,
    kCtrlAltDelOff = 0,
};

constexpr u32 kPersonaMask = 0xff, kPersona32 = 8;  // PER_MASK, PER_LINUX32

SyscallResult take_name(In<u8> name, usize length, Result<void> (*set)(std::string_view)) {
    if (!sched::current_process().credentials().can(sched::kCapSysAdmin)) return fail(Errno::kEPERM);
    char text[sizeof(UtsName::nodename)];
    if (length >= sizeof text) return fail(Errno::kEINVAL);
    TRY(mm::copy_in({reinterpret_cast<u8*>(text), length}, name.address()));
    TRY(set({text, length}));
    return 0;
}

bool is_reboot_magic(u32 magic, u32 magic2) {
    if (magic != kRebootMagic) return false;
    for (u32 known : kRebootMagics)
        if (magic2 == known) return true;
    return false;
}

}  // namespace

SyscallResult sys_uname(Out<UtsName> buf) {
    UtsName identity = system_identity();
    if ((sched::current_process().persona & kPersonaMask) == kPersona32)
        __builtin_memcpy(identity.machine, "i686", sizeof "i686");
    TRY(mm::write(buf, identity));
    return 0;
}

SyscallResult sys_sethostname(In<u8> name, usize length) { return take_name(name, length, set_host_name); }
SyscallResult sys_setdomainname(In<u8> name, usize length) {
    return take_name(name, length, set_domain_name);
}

// Addresses are never randomised here, so that the flag asking for it has its effect already; of the
// personas PER_LINUX32 shows in uname(2). The others would change how memory and files behave.
SyscallResult sys_personality(u32 persona) {
    constexpr u32 kAsk = ~u32{0};
    constexpr u32 kNoRandomise = 0x40000;  // ADDR_NO_RANDOMIZE
    sched::Process& process = sched::current_process();
    u32 old = process.persona, kind = persona & kPersonaMask;
    if (persona == kAsk) return old;
    bool known = !(persona & ~(kPersonaMask | kNoRandomise)) && (kind == 0 || kind == kPersona32);
    if (!known) return fail(Errno::kEINVAL);
    process.persona = persona;
    return old;
}

SyscallResult sys_sysinfo(Out<SysInfo> info) {
    mm::FrameStats frames = mm::frame_stats();
    sched::LoadStats load = sched::load_stats();
    SysInfo result{};
    result.uptime = static_cast<i64>(arch::now_ns() / sched::kNsPerSecond);
    for (int i = 0; i < 3; i++) result.loads[i] = load.load[i];
    result.totalram = frames.total * kPageSize;
    result.freeram = frames.free * kPageSize;
    result.procs = static_cast<u16>(load.threads);
    result.mem_unit = 1;
    TRY(mm::write(info, result));
    return 0;
}

SyscallResult sys_reboot(u32 magic, u32 magic2, u32 command, u64) {
    if (!sched::current_process().credentials().can(sched::kCapSysBoot)) return fail(Errno::kEPERM);
    if (!is_reboot_magic(magic, magic2)) return fail(Errno::kEINVAL);
    switch (command) {
        case kRestart:  // the host decides whether to start again
        case kHalt:
        case kPowerOff: shut_down();
        case kCtrlAltDelOn:
        case kCtrlAltDelOff: return 0;  // there is no such key
        default: return fail(Errno::kEINVAL);
    }
}

}  // namespace astra::syscalls
