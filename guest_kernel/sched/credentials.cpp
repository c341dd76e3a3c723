// Capabilities as they follow identities.
#include "guest_kernel/sched/credentials.hpp"

namespace astra::sched {

namespace {

/// What file access asks for (CAP_FS_MASK): CHOWN to FSETID, LINUX_IMMUTABLE, MKNOD, MAC_OVERRIDE.
constexpr u64 kFileCapabilities = 0x1f | u64{1} << 9 | u64{1} << 27 | u64{1} << 32;

}  // namespace

bool Credentials::in_group(u32 gid_wanted) const {
    if (fsgid == gid_wanted) return true;
    for (u32 i = 0; i < group_count; i++)
        if (groups[i] == gid_wanted) return true;
    return false;
}

void Credentials::follow_user_ids(const Credentials& before) {
    if (secure_bits & kSecureNoSetUidFixup) return;
    Capabilities& sets = capabilities;
    bool was_root = before.uid == 0 || before.euid == 0 || before.suid == 0;
    bool is_root_still = uid == 0 || euid == 0 || suid == 0;
    if (was_root && !is_root_still) {
        if (!(secure_bits & kSecureKeepCaps)) sets.permitted = sets.effective = 0;
        sets.ambient = 0;
    }
    if (before.euid == 0 && euid != 0) sets.effective = 0;
    if (before.euid != 0 && euid == 0) sets.effective = sets.permitted;
    if (before.euid != euid) return;
    // setfsuid(2) alone.
    if (before.fsuid == 0 && fsuid != 0) sets.effective &= ~kFileCapabilities;
    if (before.fsuid != 0 && fsuid == 0) sets.effective |= sets.permitted & kFileCapabilities;
}

void Credentials::follow_exec(bool changed) {
    Capabilities& sets = capabilities;
    bool root = !(secure_bits & kSecureNoRoot);
    if (changed) sets.ambient = 0;
    u64 gained = root && (uid == 0 || euid == 0) ? sets.inheritable | sets.bounding : 0;
    sets.permitted = gained | sets.ambient;
    sets.effective = root && euid == 0 ? sets.permitted : sets.ambient;
    secure_bits &= ~u32{kSecureKeepCaps};
}

}  // namespace astra::sched
