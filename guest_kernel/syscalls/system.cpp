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

}  // namespace

abi::UtsName system_identity() { return *g_identity.lock(); }

Result<void> set_host_name(std::string_view name) {
    if (!sched::current_process().credentials().is_privileged()) return fail(Errno::kEPERM);
    abi::UtsName fresh{};
    if (name.size() >= sizeof fresh.nodename) return fail(Errno::kEINVAL);
    __builtin_memcpy(fresh.nodename, name.data(), name.size());
    auto identity = g_identity.lock();
    __builtin_memcpy(identity->nodename, fresh.nodename, sizeof fresh.nodename);
    return {};
}

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

bool is_reboot_magic(u32 magic, u32 magic2) {
    if (magic != kRebootMagic) return false;
    for (u32 known : kRebootMagics)
        if (magic2 == known) return true;
    return false;
}

}  // namespace

SyscallResult sys_uname(Out<UtsName> buf) {
    TRY(mm::write(buf, system_identity()));
    return 0;
}

SyscallResult sys_sethostname(In<u8> name, usize length) {
    char text[sizeof(UtsName::nodename)];
    if (length >= sizeof text) return fail(Errno::kEINVAL);
    TRY(mm::copy_in({reinterpret_cast<u8*>(text), length}, name.address()));
    TRY(set_host_name({text, length}));
    return 0;
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
    if (!sched::current_process().credentials().is_privileged()) return fail(Errno::kEPERM);
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
