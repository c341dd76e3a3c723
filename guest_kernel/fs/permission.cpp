// Who may do what to an object: access(2)'s rules, and those of chmod, chown, utimensat and truncate.
#include "guest_kernel/fs/notify.hpp"
#include "guest_kernel/fs/walk.hpp"

namespace astra::fs {

Result<void> check_access(Inode& inode, u32 wanted, const sched::Credentials& credentials) {
    // Root reads, writes and searches everything; it executes what someone may execute (CAP_DAC_OVERRIDE).
    if (credentials.is_root() && (!(wanted & kExecute) || inode.is_directory())) return {};
    Ownership own = inode.ownership();
    if (credentials.is_root()) return own.mode & 0111 ? Result<void>{} : fail(Errno::kEACCES);
    u32 granted = own.mode & 7;
    if (own.uid == credentials.fsuid)
        granted = (own.mode >> 6) & 7;
    else if (credentials.in_group(own.gid))
        granted = (own.mode >> 3) & 7;
    return (granted & wanted) == wanted ? Result<void>{} : fail(Errno::kEACCES);
}

namespace {

bool owns(const sched::Credentials& who, const Ownership& own) {
    return who.is_root() || who.fsuid == own.uid;
}

/// The set-id bits that go when someone changes an object's contents or owner (setattr_should_drop_suidgid).
u32 without_set_ids(u32 mode) {
    mode &= ~kSetUid;
    return mode & 0010 ? mode & ~kSetGid : mode;
}

}  // namespace

Result<void> change_mode(const Path& path, u32 mode) {
    if (path.read_only()) return fail(Errno::kEROFS);
    Inode& inode = *path.dentry->inode;
    sched::Credentials who = Caller::current().credentials;
    Ownership own = inode.ownership();
    if (!owns(who, own)) return fail(Errno::kEPERM);
    if (inode.is_symlink()) return fail(Errno::kENOTSUP);
    mode &= kModeBits;
    if (!who.is_root() && !who.in_group(own.gid)) mode &= ~kSetGid;
    TRY(inode.set_attributes({.which = Attributes::kMode, .mode = mode}));
    notify_object(*path.dentry, kNotifyAttributes);
    return {};
}

Result<void> change_owner(const Path& path, u32 uid, u32 gid) {
    if (path.read_only()) return fail(Errno::kEROFS);
    Inode& inode = *path.dentry->inode;
    sched::Credentials who = Caller::current().credentials;
    Ownership own = inode.ownership();
    Attributes changes;
    if (uid != ~0u) {
        if (!who.is_root() && !(who.fsuid == own.uid && uid == own.uid)) return fail(Errno::kEPERM);
        changes.which |= Attributes::kUid;
        changes.uid = uid;
    }
    if (gid != ~0u) {
        if (!who.is_root() && !(who.fsuid == own.uid && (gid == own.gid || who.in_group(gid))))
            return fail(Errno::kEPERM);
        changes.which |= Attributes::kGid;
        changes.gid = gid;
    }
    if (!inode.is_directory()) {
        u32 mode = without_set_ids(own.mode) & kModeBits;
        if (mode != (own.mode & kModeBits)) {
            changes.which |= Attributes::kMode;
            changes.mode = mode;
        }
    }
    if (changes.which == 0) changes.which = Attributes::kCtime;
    TRY(inode.set_attributes(changes));
    notify_object(*path.dentry, kNotifyAttributes);
    return {};
}

Result<void> change_times(const Path& path, const abi::TimeSpec& atime, const abi::TimeSpec& mtime) {
    for (const abi::TimeSpec& time : {atime, mtime})
        if ((time.nsec < 0 || time.nsec > 999'999'999) && time.nsec != kTimeNow && time.nsec != kTimeOmit)
            return fail(Errno::kEINVAL);
    if (atime.nsec == kTimeOmit && mtime.nsec == kTimeOmit) return {};
    if (path.read_only()) return fail(Errno::kEROFS);
    Inode& inode = *path.dentry->inode;
    sched::Credentials who = Caller::current().credentials;
    bool both_now = atime.nsec == kTimeNow && mtime.nsec == kTimeNow;
    if (!owns(who, inode.ownership())) {
        if (!both_now) return fail(Errno::kEPERM);
        TRY(check_access(inode, kWrite, who));
    }
    Attributes changes;
    abi::TimeSpec now = current_time();
    auto set = [&](const abi::TimeSpec& wanted, abi::TimeSpec& to, u32 bit) {
        if (wanted.nsec == kTimeOmit) return;
        to = wanted.nsec == kTimeNow ? now : wanted;
        changes.which |= bit;
    };
    set(atime, changes.atime, Attributes::kAtime);
    set(mtime, changes.mtime, Attributes::kMtime);
    TRY(inode.set_attributes(changes));
    notify_object(*path.dentry, kNotifyAttributes);
    return {};
}

Result<void> change_size(const Path& path, i64 size) {
    if (size < 0) return fail(Errno::kEINVAL);
    Inode& inode = *path.dentry->inode;
    if (inode.is_directory()) return fail(Errno::kEISDIR);
    if (!inode.is_regular()) return fail(Errno::kEINVAL);
    sched::Credentials who = Caller::current().credentials;
    TRY(check_access(inode, kWrite, who));
    if (path.read_only()) return fail(Errno::kEROFS);
    if (!inode.claim(Inode::Claim::Write)) return fail(Errno::kETXTBSY);
    Result<void> changed = inode.set_attributes({.which = Attributes::kSize, .size = static_cast<u64>(size)});
    inode.unclaim(Inode::Claim::Write);
    TRY(changed);
    notify_object(*path.dentry, kNotifyModify);
    return drop_set_ids(inode);
}

Result<void> drop_set_ids(Inode& inode) {
    u32 mode = inode.mode();
    if (without_set_ids(mode) == mode || Caller::current().credentials.is_root()) return {};
    return inode.set_attributes({.which = Attributes::kMode, .mode = without_set_ids(mode) & kModeBits});
}

}  // namespace astra::fs
