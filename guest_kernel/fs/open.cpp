// open(2): finding, creating and truncating.
#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/inode_file.hpp"
#include "guest_kernel/fs/notify.hpp"
#include "guest_kernel/fs/walk.hpp"

namespace astra::fs {

namespace {

u32 wanted_access(u32 flags) {
    static constexpr u8 kWanted[] = {kRead, kWrite, kRead | kWrite, kRead | kWrite};
    return kWanted[flags & kOAccessMode] | (flags & kOTruncate ? u32{kWrite} : 0);
}

Result<void> check_open(const Caller& caller, const Path& path, u32 flags) {
    Inode& inode = *path.dentry->inode;
    u32 wanted = wanted_access(flags);
    bool writes = wanted & kWrite;
    switch (inode.type()) {
        case kTypeSymlink: return fail(Errno::kELOOP);
        case kTypeDirectory:
            if (writes || (flags & kOCreate)) return fail(Errno::kEISDIR);
            break;
        case kTypeRegular:
            if (writes && path.read_only()) return fail(Errno::kEROFS);
            break;
        case kTypeCharDevice:
        case kTypeBlockDevice:
            if (path.mount && (path.mount->flags & kMountNoDevices)) return fail(Errno::kEACCES);
            break;
    }
    TRY(check_access(inode, wanted, caller.credentials));
    if ((flags & kONoAtime) && !caller.credentials.is_root() &&
        caller.credentials.fsuid != inode.ownership().uid)
        return fail(Errno::kEPERM);
    return {};
}

/// Opens what was found, or just made (then nothing is checked or truncated).
Result<Ref<File>> open_found(const Caller& caller, const Path& path, u32 flags, bool created) {
    if (flags & kOPath) {
        Ref<File> file = TRY(make_ref<PathFile>(path));
        file->flags = flags & ~u32(kOOnlyAtOpen);
        return file;
    }
    if (!created) TRY(check_open(caller, path, flags));
    Inode& inode = *path.dentry->inode;
    Ref<File> file = TRY(inode.open(path, flags));
    // Without a mount it is an open file found behind one of /proc's links, which has claimed what it needs.
    if (path.mount && inode.is_regular() && flags & kOAccessMode) TRY(file->claim(inode, false));
    if (!created && (flags & kOTruncate) && inode.is_regular()) TRY(change_size(path, 0));
    if (path.mount) {
        file->flags = (flags & ~u32(kOOnlyAtOpen)) | kOLargeFile;
        notify_object(*path.dentry, kNotifyOpen);
    }
    return file;
}

NewInode new_file(const Caller& caller, Inode& directory, u32 mode) {
    Ownership parent = directory.ownership();
    return {kTypeRegular | (mode & kModeBits & ~caller.umask), caller.credentials.fsuid,
            parent.mode & kSetGid ? parent.gid : caller.credentials.fsgid};
}

/// Makes `name` in the directory at the end of `walker`. Null: someone else just made it.
Result<Ref<Dentry>> create(const Caller& caller, const Path& directory, std::string_view name, u32 mode) {
    if (name.size() > kNameMax) return fail(Errno::kENAMETOOLONG);
    if (directory.read_only()) return fail(Errno::kEROFS);
    Inode& parent = *directory.dentry->inode;
    TRY(check_access(parent, kWrite | kExecute, caller.credentials));
    if (parent.dynamic_names()) return fail(Errno::kENOENT);
    auto guard = names().lock();
    auto existing = lookup_child_locked(*directory.dentry, name);
    if (existing) return Ref<Dentry>();
    if (existing.error() != Errno::kENOENT) return fail(existing.error());
    Ref<Inode> inode = TRY(parent.create(name, new_file(caller, parent, mode)));
    notify_entry(parent, name, kNotifyCreate, false);
    return enter_child(*directory.dentry, name, std::move(inode));
}

Result<Ref<File>> open_creating(const Caller& caller, Walker& walker, std::string_view path, u32 flags,
                                u32 mode) {
    bool exclusive = flags & kOExclusive;
    TRY(walker.to_parent(path));
    for (;;) {
        if (walker.last().kind != Walker::Last::Name) {
            Path found = TRY(walker.finish());
            if (exclusive) return fail(Errno::kEEXIST);
            return open_found(caller, found, flags, false);
        }
        if (walker.last().slash) return fail(Errno::kEISDIR);
        Result<Path> found = walker.child(walker.last().name);
        if (!found && found.error() != Errno::kENOENT) return fail(found.error());
        if (!found) {
            Path directory = walker.at();
            Ref<Dentry> made = TRY(create(caller, directory, walker.last().name, mode));
            if (!made) continue;
            return open_found(caller, Path{directory.mount, std::move(made)}, flags, true);
        }
        if (exclusive) return fail(Errno::kEEXIST);
        if (!found->dentry->inode->is_symlink() || (flags & kONoFollow))
            return open_found(caller, *found, flags, false);
        TRY(walker.follow_last(*found));
    }
}

/// O_TMPFILE: a file without a name in the directory `path`.
Result<Ref<File>> open_unnamed(const Caller& caller, Walker& walker, std::string_view path, u32 flags,
                               u32 mode) {
    if (!(wanted_access(flags) & kWrite)) return fail(Errno::kEINVAL);
    Path directory = TRY(walker.resolve(path));
    Inode& parent = *directory.dentry->inode;
    if (directory.read_only()) return fail(Errno::kEROFS);
    TRY(check_access(parent, kWrite | kExecute, caller.credentials));
    Ref<Inode> inode = TRY(parent.create_unnamed(new_file(caller, parent, mode)));
    abi::Stat stat{};
    TRY(inode->stat(stat));
    char digits[21];
    usize at = sizeof digits;
    for (u64 n = stat.ino; at == sizeof digits || n; n /= 10) digits[--at] = static_cast<char>('0' + n % 10);
    String name = TRY(String::from("#"));
    TRY(name.append({digits + at, sizeof digits - at}));
    Ref<Dentry> dentry = TRY(make_ref<Dentry>(std::move(inode), directory.dentry->fs));
    dentry->deleted = true;
    dentry_cache().insert(*dentry, directory.dentry, std::move(name), false);
    return open_found(caller, Path{directory.mount, std::move(dentry)}, flags & ~u32(kOTmpfileBit), true);
}

}  // namespace

Result<Ref<File>> open(const Path& base, std::string_view path, u32 flags, u32 mode, u32 walk) {
    Caller caller = Caller::current();
    if (flags & kOPath) flags &= kOPath | kODirectory | kONoFollow | kOCloseOnExec;
    if ((flags & kOCreate) && (flags & kODirectory)) return fail(Errno::kEINVAL);
    if (!(flags & kONoFollow)) walk |= kFollow;
    if (flags & kODirectory) walk |= kDirectory;
    Walker walker(caller, base, walk);
    if (flags & kOTmpfileBit) return open_unnamed(caller, walker, path, flags, mode);
    if (flags & kOCreate) return open_creating(caller, walker, path, flags, mode);
    return open_found(caller, TRY(walker.resolve(path)), flags, false);
}

Result<Ref<File>> open_path(const Path& path, u32 flags) {
    return open_found(Caller::current(), path, flags, false);
}

}  // namespace astra::fs
