// Permissions of System V objects.
#include "guest_kernel/ipc/registry.hpp"

#include "guest_kernel/sched/clocks.hpp"
#include "guest_kernel/sched/process.hpp"
#include "guest_kernel/sched/scheduler.hpp"

namespace astra::ipc {

Caller Caller::current() {
    sched::Process& process = sched::current_process();
    return {process.credentials(), process.pid(),
            static_cast<i64>(sched::wall_now_ns() / sched::kNsPerSecond)};
}

Result<void> check_access(const Object& object, u32 mode, const Caller& caller) {
    const sched::Credentials& who = caller.credentials;
    u32 wanted = (mode >> 6 | mode >> 3 | mode) & 7, granted = object.perm.mode;
    if (who.euid == object.perm.cuid || who.euid == object.perm.uid)
        granted >>= 6;
    else if (who.in_group(object.perm.cgid) || who.in_group(object.perm.gid))
        granted >>= 3;
    if (wanted & ~granted && !who.can(sched::kCapIpcOwner)) return fail(Errno::kEACCES);
    return {};
}

Result<void> check_owner(const Object& object, const Caller& caller) {
    const sched::Credentials& who = caller.credentials;
    if (who.euid != object.perm.cuid && who.euid != object.perm.uid && !who.can(sched::kCapSysAdmin))
        return fail(Errno::kEPERM);
    return {};
}

Result<void> set_owner(Object& object, const abi::IpcPerm& wanted, const Caller& caller) {
    TRY(check_owner(object, caller));
    object.perm.uid = wanted.uid;
    object.perm.gid = wanted.gid;
    object.perm.mode = (object.perm.mode & ~u32{0777}) | (wanted.mode & 0777);
    object.change_time = caller.now;
    return {};
}

void own(Object& object, i32 key, u32 flags, const Caller& caller) {
    const sched::Credentials& who = caller.credentials;
    object.perm.key = key;
    object.perm.uid = object.perm.cuid = who.euid;
    object.perm.gid = object.perm.cgid = who.egid;
    object.perm.mode = flags & 0777;
    object.change_time = caller.now;
}

}  // namespace astra::ipc
