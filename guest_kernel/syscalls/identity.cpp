// User and group identities (credentials(7)).
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

using sched::Credentials;

constexpr u32 kUnchanged = ~u32{0};
constexpr usize kMostGroups = std::size(Credentials{}.groups);

// One of the two triples of ids, so that the rules are written once.
struct Ids {
    u32 real, effective, saved;
    [[nodiscard]] bool has(u32 id) const { return id == real || id == effective || id == saved; }
};
struct UserIds {
    static constexpr sched::Capability kRight = sched::kCapSetUid;
    static Ids get(const Credentials& c) { return {c.uid, c.euid, c.suid}; }
    static void set(Credentials& c, const Ids& ids) {
        c.uid = ids.real, c.euid = c.fsuid = ids.effective, c.suid = ids.saved;
    }
};
struct GroupIds {
    static constexpr sched::Capability kRight = sched::kCapSetGid;
    static Ids get(const Credentials& c) { return {c.gid, c.egid, c.sgid}; }
    static void set(Credentials& c, const Ids& ids) {
        c.gid = ids.real, c.egid = c.fsgid = ids.effective, c.sgid = ids.saved;
    }
};

// Changes one triple as `rule(old, privileged)` says; a changed effective id makes the process private
// (prctl(2), PR_SET_DUMPABLE).
template <class Which, class Rule>
SyscallResult change(Rule&& rule) {
    sched::Process& process = sched::current_process();
    auto signals = process.signals.lock();
    Credentials& who = signals->credentials;
    Ids old = Which::get(who);
    Ids fresh = TRY(rule(old, who.can(Which::kRight)));
    Credentials before = who;
    Which::set(who, fresh);
    who.follow_user_ids(before);
    if (fresh.effective != old.effective) process.dumpable = false;
    return 0;
}

// setuid(2), setgid(2).
template <class Which>
SyscallResult set_one(u32 id) {
    if (id == kUnchanged) return fail(Errno::kEINVAL);
    return change<Which>([id](const Ids& old, bool privileged) -> Result<Ids> {
        if (privileged) return Ids{id, id, id};
        if (id != old.real && id != old.saved) return fail(Errno::kEPERM);
        return Ids{old.real, id, old.saved};
    });
}

// setresuid(2), setresgid(2).
template <class Which>
SyscallResult set_three(u32 real, u32 effective, u32 saved) {
    return change<Which>([=](const Ids& old, bool privileged) -> Result<Ids> {
        auto allowed = [&](u32 id) { return id == kUnchanged || privileged || old.has(id); };
        if (!allowed(real) || !allowed(effective) || !allowed(saved)) return fail(Errno::kEPERM);
        return Ids{real == kUnchanged ? old.real : real, effective == kUnchanged ? old.effective : effective,
                   saved == kUnchanged ? old.saved : saved};
    });
}

// setreuid(2), setregid(2): the saved id follows the effective one when the real one is set or the effective
// one becomes something else than the old real one.
template <class Which>
SyscallResult set_two(u32 real, u32 effective) {
    return change<Which>([=](const Ids& old, bool privileged) -> Result<Ids> {
        bool real_ok = real == kUnchanged || privileged || real == old.real || real == old.effective;
        bool effective_ok = effective == kUnchanged || privileged || old.has(effective);
        if (!real_ok || !effective_ok) return fail(Errno::kEPERM);
        Ids ids = old;
        if (real != kUnchanged) ids.real = real;
        if (effective != kUnchanged) ids.effective = effective;
        if (real != kUnchanged || (effective != kUnchanged && effective != old.real))
            ids.saved = ids.effective;
        return ids;
    });
}

SyscallResult report(const Ids& ids, Out<u32> real, Out<u32> effective, Out<u32> saved) {
    TRY(mm::write(real, ids.real));
    TRY(mm::write(effective, ids.effective));
    TRY(mm::write(saved, ids.saved));
    return 0;
}

Credentials mine() { return sched::current_process().credentials(); }

}  // namespace

SyscallResult sys_getuid() { return mine().uid; }
SyscallResult sys_getgid() { return mine().gid; }
SyscallResult sys_geteuid() { return mine().euid; }
SyscallResult sys_getegid() { return mine().egid; }
SyscallResult sys_setuid(u32 uid) { return set_one<UserIds>(uid); }
SyscallResult sys_setgid(u32 gid) { return set_one<GroupIds>(gid); }
SyscallResult sys_setreuid(u32 ruid, u32 euid) { return set_two<UserIds>(ruid, euid); }
SyscallResult sys_setregid(u32 rgid, u32 egid) { return set_two<GroupIds>(rgid, egid); }
SyscallResult sys_setresuid(u32 ruid, u32 euid, u32 suid) { return set_three<UserIds>(ruid, euid, suid); }
SyscallResult sys_setresgid(u32 rgid, u32 egid, u32 sgid) { return set_three<GroupIds>(rgid, egid, sgid); }

SyscallResult sys_getresuid(Out<u32> ruid, Out<u32> euid, Out<u32> suid) {
    return report(UserIds::get(mine()), ruid, euid, suid);
}
SyscallResult sys_getresgid(Out<u32> rgid, Out<u32> egid, Out<u32> sgid) {
    return report(GroupIds::get(mine()), rgid, egid, sgid);
}

SyscallResult sys_getgroups(int size, Out<u32> list) {
    if (size < 0) return fail(Errno::kEINVAL);
    Credentials who = mine();
    if (size == 0) return who.group_count;
    if (who.group_count > static_cast<u32>(size)) return fail(Errno::kEINVAL);
    TRY(mm::write_array(list, std::span<const u32>(who.groups, who.group_count)));
    return who.group_count;
}

SyscallResult sys_setgroups(int size, In<u32> list) {
    if (!mine().can(sched::kCapSetGid)) return fail(Errno::kEPERM);
    if (size < 0 || static_cast<usize>(size) > kMostGroups) return fail(Errno::kEINVAL);
    u32 groups[kMostGroups];
    std::span<u32> wanted(groups, static_cast<usize>(size));
    TRY(mm::read_array(list, wanted));
    auto signals = sched::current_process().signals.lock();
    for (usize i = 0; i < wanted.size(); i++) signals->credentials.groups[i] = wanted[i];
    signals->credentials.group_count = static_cast<u32>(size);
    return 0;
}

// A process that may, or that has the id in one of the four places, gets what it asked for; all others are
// left as they are. Either way the answer is the old id.
SyscallResult sys_setfsuid(u32 uid) {
    auto signals = sched::current_process().signals.lock();
    Credentials& who = signals->credentials;
    Credentials before = who;
    bool allowed = UserIds::get(who).has(uid) || uid == who.fsuid || who.can(sched::kCapSetUid);
    if (uid != kUnchanged && allowed) who.fsuid = uid;
    who.follow_user_ids(before);
    return before.fsuid;
}

SyscallResult sys_setfsgid(u32 gid) {
    auto signals = sched::current_process().signals.lock();
    Credentials& who = signals->credentials;
    u32 old = who.fsgid;
    bool allowed = GroupIds::get(who).has(gid) || gid == old || who.can(sched::kCapSetGid);
    if (gid != kUnchanged && allowed) who.fsgid = gid;
    return old;
}

}  // namespace astra::syscalls
