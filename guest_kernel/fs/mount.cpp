// The mount table and mount(2)'s work.
#include "guest_kernel/fs/mount.hpp"

#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/devpts.hpp"
#include "guest_kernel/fs/procfs/procfs.hpp"
#include "guest_kernel/fs/tmpfs/tmpfs.hpp"
#include "guest_kernel/fs/walk.hpp"

namespace astra::fs {

namespace {

// Written with names() and this lock held, read with either.
struct MountTable {
    List<Mount, &Mount::table_node> all;
    u32 next_id = 1;
};
sched::SpinLocked<MountTable, sched::Rank::DentryCache> g_mounts;
sched::MutexLocked<Names, sched::Rank::DirectoryTree> g_names;
std::atomic<u32> g_next_device{1};

constexpr FileSystemType kTypes[] = {
    {"tmpfs", false, create_tmpfs}, {"ramfs", false, create_tmpfs}, {"devtmpfs", false, create_devtmpfs},
    {"proc", false, create_procfs}, {"sysfs", false, create_sysfs}, {"devpts", false, create_devpts},
};

Ref<Mount> child_of(const Mount& mount) {
    auto table = g_mounts.lock();
    for (Mount& m : table->all)
        if (m.parent.get() == &mount) return Ref<Mount>(m);
    return nullptr;
}

void detach(Mount& mount) {
    Ref<Mount> parent;
    Ref<Dentry> mountpoint;
    auto table = g_mounts.lock();
    table->all.remove(mount);
    mount.mountpoint->mounts--;
    std::swap(parent, mount.parent);
    std::swap(mountpoint, mount.mountpoint);
    table.unlock();
    mount.unref();  // the table's reference
}

}  // namespace

sched::MutexLocked<Names, sched::Rank::DirectoryTree>& names() { return g_names; }

FileSystem::FileSystem() : device_(make_device(0, g_next_device++)) {}

Mount::~Mount() = default;

std::span<const FileSystemType> file_system_types() { return kTypes; }

Ref<Mount> mounted_on(const Path& place) {
    auto table = g_mounts.lock();
    for (Mount& m : table->all)
        if (m.mountpoint == place.dentry && m.parent == place.mount) return Ref<Mount>(m);
    return nullptr;
}

Result<Ref<Dentry>> make_root_dentry(FileSystem& fs) { return make_ref<Dentry>(fs.root_inode(), &fs); }

Result<Ref<Mount>> attach(Ref<FileSystem> fs, Ref<Dentry> root, const Path& place, std::string_view source,
                          u64 flags) {
    Ref<Mount> mount = TRY(make_ref<Mount>(std::move(fs), std::move(root)));
    mount->source = TRY(String::from(source));
    mount->flags = flags & kMountKept;
    auto guard = names().lock();
    if (place) {
        if (place.dentry->deleted) return fail(Errno::kENOENT);
        if (mounted_on(place)) return fail(Errno::kEBUSY);
        mount->parent = place.mount;
        mount->mountpoint = place.dentry;
        place.dentry->mounts++;
    }
    auto table = g_mounts.lock();
    mount->id = table->next_id++;
    mount->ref();  // the table's own
    table->all.push_back(*mount);
    table.unlock();
    return mount;
}

namespace {

Result<void> bind(std::string_view source, const Path& target, u64 flags) {
    Path from = TRY(resolve(TRY(at(kAtCwd, source)), source, kFollow));
    if (!from.mount) return fail(Errno::kEINVAL);
    if (from.dentry->inode->is_directory() != target.dentry->inode->is_directory())
        return fail(Errno::kENOTDIR);
    u64 kept = from.mount->flags | (flags & kMountKept);
    TRY(attach(from.mount->fs, from.dentry, target, from.mount->source, kept));
    return {};
}

Result<void> move(std::string_view source, const Path& target) {
    Path from = TRY(resolve(TRY(at(kAtCwd, source)), source, kFollow));
    if (!from.mount || from.dentry != from.mount->root || !from.mount->parent) return fail(Errno::kEINVAL);
    if (from.dentry->inode->is_directory() != target.dentry->inode->is_directory())
        return fail(Errno::kENOTDIR);
    auto guard = names().lock();
    for (Mount* m = target.mount.get(); m; m = m->parent.get())
        if (m == from.mount.get()) return fail(Errno::kELOOP);
    Path old{target.mount, target.dentry};
    auto table = g_mounts.lock();
    from.mount->mountpoint->mounts--;
    target.dentry->mounts++;
    std::swap(from.mount->parent, old.mount);
    std::swap(from.mount->mountpoint, old.dentry);
    table.unlock();
    return {};
}

}  // namespace

Result<void> mount(std::string_view source, const Path& target, std::string_view type, u64 flags,
                   std::string_view options) {
    if (!Caller::current().credentials.is_root()) return fail(Errno::kEPERM);
    if (!target.mount) return fail(Errno::kEINVAL);
    if (flags & kMountRemount) {
        if (target.dentry != target.mount->root) return fail(Errno::kEINVAL);
        target.mount->flags = flags & kMountKept;
        return {};
    }
    if (flags & kMountPropagation) return {};  // one namespace: there is nobody to propagate to
    if (flags & kMountBind) return bind(source, target, flags);
    if (flags & kMountMove) return move(source, target);
    for (const FileSystemType& candidate : kTypes) {
        if (candidate.name != type) continue;
        if (!target.dentry->inode->is_directory()) return fail(Errno::kENOTDIR);
        Ref<FileSystem> fs = TRY(candidate.create(options));
        Ref<Dentry> root = TRY(make_root_dentry(*fs));
        TRY(attach(std::move(fs), std::move(root), target, source, flags));
        return {};
    }
    return fail(Errno::kENODEV);
}

Result<void> unmount(Path target, u32 flags) {
    if (!Caller::current().credentials.is_root()) return fail(Errno::kEPERM);
    if (flags & ~u32(kUnmountForce | kUnmountDetach | kUnmountExpire | kUnmountNoFollow))
        return fail(Errno::kEINVAL);
    if (!target.mount || target.dentry != target.mount->root) return fail(Errno::kEINVAL);
    Ref<Mount> mount = std::move(target.mount);
    target.dentry = nullptr;
    {
        auto guard = names().lock();
        if (!mount->parent) return fail(mount == root().mount ? Errno::kEBUSY : Errno::kEINVAL);
        bool lazy = flags & kUnmountDetach;
        if (!lazy && child_of(*mount)) return fail(Errno::kEBUSY);
        // Ours and the table's; more: an open file, a working directory or a walk that is inside right now.
        if (!lazy && mount->ref_count() > 2) return fail(Errno::kEBUSY);
        while (Ref<Mount> child = lazy ? child_of(*mount) : nullptr) detach(*child);
        detach(*mount);
    }
    dentry_cache().purge(*mount->fs);
    return {};
}

Result<void> list_mounts(Vector<Ref<Mount>>& mounts) {
    auto guard = names().lock();
    for (Mount& m : g_mounts.unlocked().all) TRY(mounts.push_back(Ref<Mount>(m)));
    return {};
}

}  // namespace astra::fs
