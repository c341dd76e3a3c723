// Changes to the tree of names. Each call: walk to the directory, then decide and act with names() held.
#include "guest_kernel/fs/names.hpp"

#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/notify.hpp"
#include "guest_kernel/fs/walk.hpp"

namespace astra::fs {

namespace {

using Last = Walker::Last;

/// May the caller add names to, or remove them from, `directory`?
Result<void> check_change(const Caller& caller, const Path& directory) {
    if (!directory.dentry->inode->is_directory()) return fail(Errno::kENOTDIR);
    if (directory.read_only()) return fail(Errno::kEROFS);
    return check_access(*directory.dentry->inode, kWrite | kExecute, caller.credentials);
}

/// May the caller take `victim` out of `directory`? In a sticky directory only owners and root do.
Result<void> check_removal(const Caller& caller, const Path& directory, const Dentry& victim) {
    TRY(check_change(caller, directory));
    Ownership parent = directory.dentry->inode->ownership();
    if (!(parent.mode & kSticky) || caller.credentials.is_root()) return {};
    if (parent.uid == caller.credentials.fsuid) return {};
    return victim.inode->ownership().uid == caller.credentials.fsuid ? Result<void>{} : fail(Errno::kEPERM);
}

/// The place for a new name: walks to its directory and runs `make(caller, directory, name, fresh)` there
/// with names() held. `directory_wanted`: a slash may follow the name.
template <class Make>
Result<Path> add(const Path& base, std::string_view path, u32 mode, bool directory_wanted, Make&& make) {
    Caller caller = Caller::current();
    Walker walker(caller, base, 0);
    TRY(walker.to_parent(path));
    const Last& last = walker.last();
    if (last.kind != Last::Name) return fail(Errno::kEEXIST);
    if (last.name.size() > kNameMax) return fail(Errno::kENAMETOOLONG);
    const Path& directory = walker.at();
    Inode& parent = *directory.dentry->inode;
    if (!parent.is_directory()) return fail(Errno::kENOTDIR);
    TRY(check_access(parent, kExecute, caller.credentials));
    auto guard = names().lock();
    if (!parent.dynamic_names()) {
        auto existing = lookup_child_locked(*directory.dentry, last.name);
        if (existing) return fail(Errno::kEEXIST);
        if (existing.error() != Errno::kENOENT) return fail(existing.error());
    }
    if (last.slash && !directory_wanted) return fail(Errno::kENOENT);
    TRY(check_change(caller, directory));
    if (directory.dentry->deleted || parent.dynamic_names()) return fail(Errno::kENOENT);
    Ownership above = parent.ownership();
    bool inherits = above.mode & kSetGid;
    NewInode fresh{mode, caller.credentials.fsuid, inherits ? above.gid : caller.credentials.fsgid};
    if (inherits && (mode & kTypeMask) == kTypeDirectory) fresh.mode |= kSetGid;
    fresh.mode &= ~caller.umask;
    Ref<Inode> inode = TRY(make(caller, directory, last.name, fresh));
    Ref<Dentry> child = TRY(enter_child(*directory.dentry, last.name, std::move(inode)));
    notify_entry(parent, last.name, kNotifyCreate, child->inode->is_directory());
    return Path{directory.mount, std::move(child)};
}

/// The end of a walk that must be a name; what else it may be has errnos of its own.
struct Target {
    Path directory;
    std::string_view name;
    bool slash;
};
Result<Target> target(Walker& walker, std::string_view path, Errno dot, Errno dot_dot, Errno nothing) {
    TRY(walker.to_parent(path));
    const Last& last = walker.last();
    if (last.kind == Last::Dot) return fail(dot);
    if (last.kind == Last::DotDot) return fail(dot_dot);
    if (last.kind == Last::Nothing) return fail(nothing);
    if (last.name.size() > kNameMax) return fail(Errno::kENAMETOOLONG);
    return Target{walker.at(), last.name, last.slash};
}

/// The dentry a target names. names() held, search permission checked. Null when there is none.
Result<Ref<Dentry>> find(const Caller& caller, const Target& where) {
    Inode& parent = *where.directory.dentry->inode;
    if (!parent.is_directory()) return fail(Errno::kENOTDIR);
    TRY(check_access(parent, kExecute, caller.credentials));
    if (parent.dynamic_names()) return fail(Errno::kEPERM);
    auto found = lookup_child_locked(*where.directory.dentry, where.name);
    if (!found && found.error() == Errno::kENOENT) return Ref<Dentry>();
    return found;
}

bool is_inside(const Dentry& inner, const Dentry& outer) {
    for (const Dentry* at = &inner; at; at = dentry_cache().parent_of(*at))
        if (at == &outer) return true;
    return false;
}

/// What must hold before `moved` (found at `from`) takes the place of `replaced` (null: nothing) at `to`.
Result<void> check_rename(const Caller& caller, const Target& from, const Dentry& moved, const Target& to,
                          const Dentry* replaced, u32 flags) {
    bool exchange = flags & kRenameExchange;
    bool directory = moved.inode->is_directory();
    if ((flags & kRenameNoReplace) && replaced) return fail(Errno::kEEXIST);
    if (exchange && !replaced) return fail(Errno::kENOENT);
    if (!directory && (from.slash || (to.slash && !exchange))) return fail(Errno::kENOTDIR);
    if (exchange && to.slash && !replaced->inode->is_directory()) return fail(Errno::kENOTDIR);
    if (is_inside(*to.directory.dentry, moved)) return fail(Errno::kEINVAL);
    if (replaced && is_inside(*from.directory.dentry, *replaced))
        return fail(exchange ? Errno::kEINVAL : Errno::kENOTEMPTY);
    TRY(check_removal(caller, from.directory, moved));
    if (replaced)
        TRY(check_removal(caller, to.directory, *replaced));
    else
        TRY(check_change(caller, to.directory));
    if (replaced && !exchange) {
        if (directory && !replaced->inode->is_directory()) return fail(Errno::kENOTDIR);
        if (!directory && replaced->inode->is_directory()) return fail(Errno::kEISDIR);
    }
    if (moved.mounts || (replaced && replaced->mounts)) return fail(Errno::kEBUSY);
    if (to.directory.dentry->deleted) return fail(Errno::kENOENT);
    // A directory that gets another parent has its ".." written.
    if (directory && from.directory.dentry != to.directory.dentry)
        TRY(check_access(*moved.inode, kWrite, caller.credentials));
    return {};
}

void notify_move(Inode& from, std::string_view old_name, Inode& to, std::string_view new_name, Inode& moved) {
    bool directory = moved.is_directory();
    u32 cookie = notify::next_cookie();
    notify_entry(from, old_name, kNotifyMovedFrom, directory, cookie);
    notify_entry(to, new_name, kNotifyMovedTo, directory, cookie);
    notify_self(moved, kNotifyMoveSelf);
}

/// RENAME_WHITEOUT: where the name was is now a character device 0:0, which union file systems read as
/// "gone".
Result<void> leave_whiteout(const Caller& caller, const Target& where) {
    NewInode whiteout{kTypeCharDevice, caller.credentials.fsuid, caller.credentials.fsgid, make_device(0, 0)};
    Ref<Inode> inode = TRY(where.directory.dentry->inode->create(where.name, whiteout));
    TRY(enter_child(*where.directory.dentry, where.name, std::move(inode)));
    return {};
}

}  // namespace

Result<Path> make_node(const Path& base, std::string_view path, u32 mode, u64 rdev) {
    u32 type = mode & kTypeMask ? mode & kTypeMask : kTypeRegular;
    bool device = type == kTypeCharDevice || type == kTypeBlockDevice;
    if (type == kTypeDirectory) return fail(Errno::kEPERM);
    if (!device && type != kTypeFifo && type != kTypeSocket && type != kTypeRegular)
        return fail(Errno::kEINVAL);
    return add(base, path, type | (mode & kModeBits), false,
               [&](const Caller& caller, const Path& directory, std::string_view name,
                   NewInode& fresh) -> Result<Ref<Inode>> {
                   if (device && !caller.credentials.is_root()) return fail(Errno::kEPERM);
                   fresh.rdev = device ? rdev : 0;
                   return directory.dentry->inode->create(name, fresh);
               });
}

Result<void> make_directory(const Path& base, std::string_view path, u32 mode) {
    TRY(add(base, path, kTypeDirectory | (mode & (0777 | kSticky)), true,
            [](const Caller&, const Path& directory, std::string_view name, NewInode& fresh) {
                return directory.dentry->inode->make_directory(name, fresh);
            }));
    return {};
}

Result<void> make_symlink(const Path& base, std::string_view path, std::string_view target_text) {
    if (target_text.empty()) return fail(Errno::kENOENT);
    TRY(add(base, path, kTypeSymlink | 0777, false,
            [&](const Caller&, const Path& directory, std::string_view name, NewInode& fresh) {
                fresh.mode = kTypeSymlink | 0777;
                return directory.dentry->inode->make_symlink(name, target_text, fresh);
            }));
    return {};
}

/// May `who` make another name for a file? Not of others' files that are special, have set-id bits, or that
/// it may not read and write (proc(5), /proc/sys/fs/protected_hardlinks).
Result<void> check_link(const sched::Credentials& who, Inode& inode) {
    Ownership own = inode.ownership();
    if (who.is_root() || who.fsuid == own.uid) return {};
    bool plain = (own.mode & kTypeMask) == kTypeRegular && !(own.mode & kSetUid) &&
                 (own.mode & (kSetGid | 0010)) != (kSetGid | 0010);
    return plain && check_access(inode, kRead | kWrite, who) ? Result<void>{} : fail(Errno::kEPERM);
}

Result<void> link(const Path& existing, const Path& base, std::string_view path) {
    if (!existing.dentry->inode->is_directory())
        TRY(check_link(Caller::current().credentials, *existing.dentry->inode));
    TRY(add(
        base, path, 0, false,
        [&](const Caller&, const Path& directory, std::string_view name, NewInode&) -> Result<Ref<Inode>> {
            if (existing.mount != directory.mount) return fail(Errno::kEXDEV);
            Inode& inode = *existing.dentry->inode;
            if (inode.is_directory()) return fail(Errno::kEPERM);
            TRY(directory.dentry->inode->link(name, inode));
            notify_self(inode, kNotifyAttributes);
            return Ref<Inode>(inode);
        }));
    return {};
}

Result<void> unlink(const Path& base, std::string_view path) {
    Caller caller = Caller::current();
    Walker walker(caller, base, 0);
    Target where = TRY(target(walker, path, Errno::kEISDIR, Errno::kEISDIR, Errno::kEISDIR));
    Ref<Dentry> victim;
    auto guard = names().lock();
    victim = TRY(find(caller, where));
    if (!victim) return fail(Errno::kENOENT);
    bool directory = victim->inode->is_directory();
    if (where.slash) return fail(directory ? Errno::kEISDIR : Errno::kENOTDIR);
    TRY(check_removal(caller, where.directory, *victim));
    if (directory) return fail(Errno::kEISDIR);
    if (victim->mounts) return fail(Errno::kEBUSY);
    TRY(where.directory.dentry->inode->unlink(where.name));
    dentry_cache().remove(*victim);
    notify_self(*victim->inode, kNotifyAttributes);
    notify_entry(*where.directory.dentry->inode, where.name, kNotifyDelete, false);
    notify_unlinked(*victim->inode);
    return {};
}

Result<void> remove_directory(const Path& base, std::string_view path) {
    Caller caller = Caller::current();
    Walker walker(caller, base, 0);
    Target where = TRY(target(walker, path, Errno::kEINVAL, Errno::kENOTEMPTY, Errno::kEBUSY));
    Ref<Dentry> victim;
    auto guard = names().lock();
    victim = TRY(find(caller, where));
    if (!victim) return fail(Errno::kENOENT);
    TRY(check_removal(caller, where.directory, *victim));
    if (!victim->inode->is_directory()) return fail(Errno::kENOTDIR);
    if (victim->mounts) return fail(Errno::kEBUSY);
    TRY(where.directory.dentry->inode->remove_directory(where.name));
    dentry_cache().remove(*victim);
    notify_entry(*where.directory.dentry->inode, where.name, kNotifyDelete, true);
    notify_unlinked(*victim->inode);
    return {};
}

Result<void> rename(const Path& old_base, std::string_view old_path, const Path& new_base,
                    std::string_view new_path, u32 flags) {
    constexpr u32 kKnown = kRenameNoReplace | kRenameExchange | kRenameWhiteout;
    bool exchange = flags & kRenameExchange;
    if ((flags & ~kKnown) || (exchange && flags != kRenameExchange)) return fail(Errno::kEINVAL);
    Caller caller = Caller::current();
    if ((flags & kRenameWhiteout) && !caller.credentials.is_root()) return fail(Errno::kEPERM);
    Walker old_walker(caller, old_base, 0), new_walker(caller, new_base, 0);
    Errno special = Errno::kEBUSY;
    Target from = TRY(target(old_walker, old_path, special, special, special));
    if (flags & kRenameNoReplace) special = Errno::kEEXIST;
    Target to = TRY(target(new_walker, new_path, special, special, special));
    if (from.directory.mount != to.directory.mount) return fail(Errno::kEXDEV);
    Ref<Dentry> moved, replaced;
    auto guard = names().lock();
    moved = TRY(find(caller, from));
    if (!moved) return fail(Errno::kENOENT);
    replaced = TRY(find(caller, to));
    TRY(check_rename(caller, from, *moved, to, replaced.get(), flags));
    if (replaced && replaced->inode == moved->inode) return {};  // two names of one object: both stay
    String name = TRY(String::from(to.name));
    Inode &old_parent = *from.directory.dentry->inode, &new_parent = *to.directory.dentry->inode;
    TRY(old_parent.rename(from.name, new_parent, to.name, flags));
    if (exchange) {
        dentry_cache().exchange(*moved, *replaced);
    } else {
        if (replaced) dentry_cache().remove(*replaced);
        dentry_cache().move(*moved, to.directory.dentry, std::move(name));
    }
    notify_move(old_parent, from.name, new_parent, to.name, *moved->inode);
    if (exchange) notify_move(new_parent, to.name, old_parent, from.name, *replaced->inode);
    if (replaced && !exchange) {
        notify_self(*replaced->inode, kNotifyAttributes);
        notify_unlinked(*replaced->inode);
    }
    if (flags & kRenameWhiteout) return leave_whiteout(caller, from);
    return {};
}

}  // namespace astra::fs
