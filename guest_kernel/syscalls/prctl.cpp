// prctl(2) and arch_prctl(2).
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/capabilities.hpp"

namespace astra::syscalls {

namespace {

enum Option : int {
    kSetDeathSignal = 1,
    kGetDeathSignal,
    kGetDumpable,
    kSetDumpable,
    kGetKeepCaps = 7,
    kSetKeepCaps,
    kGetTiming = 13,
    kSetTiming,
    kSetName,
    kGetName,
    kGetSeccomp = 21,
    kReadBoundingSet = 23,
    kDropFromBoundingSet,
    kGetTsc,
    kSetTsc,
    kGetSecureBits,
    kSetSecureBits,
    kSetTimerSlack,
    kGetTimerSlack,
    kSetChildSubreaper = 36,
    kGetChildSubreaper,
    kSetNoNewPrivileges,
    kGetNoNewPrivileges,
    kGetTidAddress,
    kAmbientSet = 47,
};
constexpr u64 kTscEnabled = 1;
constexpr u64 kDefaultSlackNs = 50'000;

/// arch_prctl(2)'s codes (asm/prctl.h).
enum ArchCode : int { kSetGs = 0x1001, kSetFs, kGetFs, kGetGs, kGetCpuid = 0x1011 };

SyscallResult set_name(u64 address) {
    char text[sizeof(sched::Thread::name)];
    // At most 16 bytes are looked at; what follows the terminator need not be readable.
    for (usize i = 0; i < sizeof text; i++) {
        text[i] = static_cast<char>(TRY(mm::read(In<u8>(UserAddr(address + i)))));
        if (!text[i] || i + 1 == sizeof text) {
            sched::current().set_name({text, i});
            return 0;
        }
    }
    return 0;
}

SyscallResult set_dumpable(sched::Process& process, u64 value) {
    if (value > 1) return fail(Errno::kEINVAL);
    process.dumpable = value;
    return 0;
}

SyscallResult set_death_signal(sched::Process& process, u64 signal) {
    if (signal > sched::kSignals) return fail(Errno::kEINVAL);
    process.death_signal = static_cast<int>(signal);
    return 0;
}

SyscallResult set_slack(sched::Thread& thread, u64 ns) {
    thread.timer_slack_ns = ns ? ns : kDefaultSlackNs;
    return 0;
}

SyscallResult set_no_new_privileges(sched::Process& process, u64 value, bool rest_is_zero) {
    if (value != 1 || !rest_is_zero) return fail(Errno::kEINVAL);
    process.no_new_privileges = true;
    return 0;
}

SyscallResult write_int(u64 address, int value) {
    TRY(mm::write(Out<int>(UserAddr(address)), value));
    return 0;
}

}  // namespace

SyscallResult sys_prctl(int option, u64 arg2, u64 arg3, u64 arg4, u64 arg5) {
    sched::Thread& thread = sched::current();
    sched::Process& process = thread.process();
    bool rest_is_zero = !arg3 && !arg4 && !arg5;
    switch (option) {
        case kSetDeathSignal: return set_death_signal(process, arg2);
        case kGetDeathSignal: return write_int(arg2, process.death_signal);
        case kGetDumpable: return process.dumpable;
        case kSetDumpable: return set_dumpable(process, arg2);
        case kGetKeepCaps: return (process.credentials().secure_bits & sched::kSecureKeepCaps) != 0;
        case kSetKeepCaps: return keep_capabilities(arg2);
        case kSetName: return set_name(arg2);
        case kGetName:
            TRY(mm::copy_out(UserAddr(arg2), {reinterpret_cast<u8*>(thread.name), sizeof thread.name}));
            return 0;
        case kGetSeccomp: return 0;
        case kReadBoundingSet: return read_bounding_set(arg2);
        case kDropFromBoundingSet: return drop_from_bounding_set(arg2);
        case kGetSecureBits: return process.credentials().secure_bits;
        case kSetSecureBits: return set_secure_bits(arg2);
        case kAmbientSet: return change_ambient_set(arg2, arg3, !arg4 && !arg5);
        case kGetTiming: return 0;  // statistical, the only kind there is
        case kSetTiming: return arg2 == 0 ? SyscallResult(0) : fail(Errno::kEINVAL);
        case kGetTsc: return write_int(arg2, kTscEnabled);
        case kSetTsc: return arg2 == kTscEnabled ? SyscallResult(0) : fail(Errno::kEINVAL);
        case kSetTimerSlack: return set_slack(thread, arg2);
        case kGetTimerSlack: return static_cast<i64>(thread.timer_slack_ns);
        case kSetChildSubreaper: process.child_subreaper = arg2; return 0;
        case kGetChildSubreaper: return write_int(arg2, process.child_subreaper);
        case kSetNoNewPrivileges: return set_no_new_privileges(process, arg2, rest_is_zero);
        case kGetNoNewPrivileges:
            return arg2 || !rest_is_zero ? fail(Errno::kEINVAL) : SyscallResult(process.no_new_privileges);
        case kGetTidAddress: TRY(mm::write(Out<u64>(UserAddr(arg2)), thread.clear_child_tid.raw())); return 0;
        default: return fail(Errno::kEINVAL);
    }
}

SyscallResult sys_arch_prctl(int code, u64 address) {
    Out<u64> result{UserAddr(address)};
    bool sets = code == kSetFs || code == kSetGs;
    if (sets && address >= arch::kUserEnd) return fail(Errno::kEPERM);
    switch (code) {
        case kSetFs: arch::set_fs_base(address); return 0;
        case kSetGs: arch::set_user_gs_base(address); return 0;
        case kGetFs: TRY(mm::write(result, arch::get_fs_base())); return 0;
        case kGetGs: TRY(mm::write(result, arch::get_user_gs_base())); return 0;
        case kGetCpuid: return 1;  // the instruction is not intercepted
        default: return fail(Errno::kEINVAL);
    }
}

}  // namespace astra::syscalls
