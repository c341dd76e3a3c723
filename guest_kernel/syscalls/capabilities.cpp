// Capabilities: capget(2), capset(2), and prctl(2)'s options about them.
#include "guest_kernel/syscalls/capabilities.hpp"

#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

using sched::Capabilities, sched::Credentials;

constexpr u32 kVersion1 = 0x19980330, kVersion2 = 0x20071026, kVersion3 = 0x20080522;

bool includes(u64 set, u64 part) { return (part & ~set) == 0; }

// How many words of 32 bits each set has in this version; 0: an unknown one, and the header was told ours.
Result<usize> read_header(InOut<CapHeader> header, CapHeader& wanted) {
    wanted = TRY(mm::read(header));
    if (wanted.version == kVersion1) return usize{1};
    if (wanted.version == kVersion2 || wanted.version == kVersion3) return usize{2};
    TRY(mm::write(header, CapHeader{kVersion3, wanted.pid}));
    return usize{0};
}

u32 word(u64 set, usize index) { return static_cast<u32>(set >> (index * 32)); }

// capset(2)'s rules.
Result<void> replace(Credentials& who, u64 effective, u64 permitted, u64 inheritable) {
    Capabilities& sets = who.capabilities;
    bool allowed =
        (who.can(sched::kCapSetPCap) || includes(sets.inheritable | sets.permitted, inheritable)) &&
        includes(sets.inheritable | sets.bounding, inheritable) && includes(sets.permitted, permitted) &&
        includes(permitted, effective);
    if (!allowed) return fail(Errno::kEPERM);
    sets.effective = effective;
    sets.permitted = permitted;
    sets.inheritable = inheritable;
    sets.ambient &= permitted & inheritable;
    return {};
}

}  // namespace

SyscallResult sys_capget(InOut<CapHeader> header, Out<CapData> data) {
    CapHeader wanted;
    usize words = TRY(read_header(header, wanted));
    if (!words) return data.is_null() ? SyscallResult(0) : fail(Errno::kEINVAL);
    if (wanted.pid < 0) return fail(Errno::kEINVAL);
    Ref<sched::Thread> thread =
        wanted.pid ? sched::find_thread(wanted.pid) : Ref<sched::Thread>(sched::current());
    if (!thread) return fail(Errno::kESRCH);
    if (data.is_null()) return 0;
    Capabilities sets = thread->process().credentials().capabilities;
    for (usize i = 0; i < words; i++)
        TRY(mm::write(data + i,
                      CapData{word(sets.effective, i), word(sets.permitted, i), word(sets.inheritable, i)}));
    return 0;
}

SyscallResult sys_capset(InOut<CapHeader> header, In<CapData> data) {
    CapHeader wanted;
    usize words = TRY(read_header(header, wanted));
    if (!words) return fail(Errno::kEINVAL);
    if (wanted.pid && wanted.pid != sched::current().tid()) return fail(Errno::kEPERM);
    u64 effective = 0, permitted = 0, inheritable = 0;
    for (usize i = 0; i < words; i++) {
        CapData part = TRY(mm::read(data + i));
        effective |= u64{part.effective} << (i * 32);
        permitted |= u64{part.permitted} << (i * 32);
        inheritable |= u64{part.inheritable} << (i * 32);
    }
    constexpr u64 kAll = sched::kAllCapabilities;
    auto signals = sched::current_process().signals.lock();
    TRY(replace(signals->credentials, effective & kAll, permitted & kAll, inheritable & kAll));
    return 0;
}

SyscallResult read_bounding_set(u64 capability) {
    if (capability > sched::kCapLast) return fail(Errno::kEINVAL);
    return sched::current_process().credentials().capabilities.bounding >> capability & 1;
}

SyscallResult drop_from_bounding_set(u64 capability) {
    auto signals = sched::current_process().signals.lock();
    if (!signals->credentials.can(sched::kCapSetPCap)) return fail(Errno::kEPERM);
    if (capability > sched::kCapLast) return fail(Errno::kEINVAL);
    signals->credentials.capabilities.bounding &= ~(u64{1} << capability);
    return 0;
}

SyscallResult set_secure_bits(u64 bits) {
    auto signals = sched::current_process().signals.lock();
    Credentials& who = signals->credentials;
    u32 old = who.secure_bits, locked = (old & sched::kSecureLocks) >> 1;
    bool allowed = !(locked & (old ^ bits)) && !((old & sched::kSecureLocks) & ~bits) &&
                   !(bits & ~u64{sched::kSecureAll}) && who.can(sched::kCapSetPCap);
    if (!allowed) return fail(Errno::kEPERM);
    who.secure_bits = static_cast<u32>(bits);
    return 0;
}

SyscallResult keep_capabilities(u64 keep) {
    if (keep > 1) return fail(Errno::kEINVAL);
    constexpr u32 kLocked = sched::kSecureKeepCaps << 1;
    auto signals = sched::current_process().signals.lock();
    u32& bits = signals->credentials.secure_bits;
    if (bits & kLocked) return fail(Errno::kEPERM);
    bits = keep ? bits | sched::kSecureKeepCaps : bits & ~u32{sched::kSecureKeepCaps};
    return 0;
}

SyscallResult change_ambient_set(u64 operation, u64 capability, bool rest_is_zero) {
    enum { kIsSet = 1, kRaise, kLower, kClearAll };
    auto signals = sched::current_process().signals.lock();
    Credentials& who = signals->credentials;
    Capabilities& sets = who.capabilities;
    if (operation == kClearAll) {
        if (capability || !rest_is_zero) return fail(Errno::kEINVAL);
        sets.ambient = 0;
        return 0;
    }
    if (!rest_is_zero || capability > sched::kCapLast) return fail(Errno::kEINVAL);
    u64 bit = u64{1} << capability;
    switch (operation) {
        case kIsSet: return (sets.ambient & bit) != 0;
        case kRaise:
            if (!includes(sets.permitted & sets.inheritable, bit) ||
                who.secure_bits & sched::kSecureNoAmbientRaise)
                return fail(Errno::kEPERM);
            sets.ambient |= bit;
            return 0;
        case kLower: sets.ambient &= ~bit; return 0;
        default: return fail(Errno::kEINVAL);
    }
}

}  // namespace astra::syscalls
