// Identities of a process and what they allow (credentials(7), capabilities(7)).
#pragma once
#include "guest_kernel/base/types.hpp"

namespace astra::sched {

/// Capabilities that the kernel asks for (linux/capability.h); the other numbers are only kept.
enum Capability : u8 {
    kCapDacOverride = 1,
    kCapKill = 5,
    kCapSetGid = 6,
    kCapSetUid = 7,
    kCapSetPCap = 8,
    kCapIpcLock = 14,
    kCapIpcOwner = 15,
    kCapSysPtrace = 19,
    kCapSysAdmin = 21,
    kCapSysBoot = 22,
    kCapSysNice = 23,
    kCapSysResource = 24,
    kCapSysTime = 25,
    kCapSetFCap = 31,
    kCapWakeAlarm = 35,
    kCapLast = 40,
};
inline constexpr u64 kAllCapabilities = (u64{1} << (kCapLast + 1)) - 1;

/// Sets of capabilities, a bit each.
struct Capabilities {
    u64 effective = kAllCapabilities, permitted = kAllCapabilities, bounding = kAllCapabilities;
    u64 inheritable = 0, ambient = 0;
};

/// How user id 0 and capabilities go together (prctl(2), PR_SET_SECUREBITS); each has a lock bit above it.
enum SecureBit : u32 {
    kSecureNoRoot = 1,
    kSecureNoSetUidFixup = 4,
    kSecureKeepCaps = 16,
    kSecureNoAmbientRaise = 64,
    kSecureAll = 255,
    kSecureLocks = 0xaa,
};

/// Copied on fork; changed only by the process itself, under its signal lock. All threads of a process have
/// the same.
struct Credentials {
    u32 uid = 0, euid = 0, suid = 0, fsuid = 0;
    u32 gid = 0, egid = 0, sgid = 0, fsgid = 0;
    u32 group_count = 0;
    u32 groups[32] = {};
    Capabilities capabilities;
    u32 secure_bits = 0;

    [[nodiscard]] bool can(Capability capability) const { return capabilities.effective >> capability & 1; }
    /// May pass file permission checks as root.
    [[nodiscard]] bool is_root() const { return can(kCapDacOverride); }
    /// May do what is only the administrator's, where no narrower capability is asked for.
    [[nodiscard]] bool is_privileged() const { return can(kCapSysAdmin); }
    [[nodiscard]] bool in_group(u32 gid_wanted) const;

    /// After user ids changed from those of `before`: drops and takes up capabilities as user id 0 went and
    /// came (capabilities(7), "Effect of user ID changes on capabilities").
    void follow_user_ids(const Credentials& before);
    /// The capabilities that the next program has (capabilities(7), "Transformation of capabilities during
    /// execve()"); files carry none of their own. `changed`: set-user-ID or set-group-ID took effect.
    void follow_exec(bool changed);
};

}  // namespace astra::sched
