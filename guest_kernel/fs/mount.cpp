// The mount table and mount(2)'s work.
#include "guest_kernel/fs/mount.hpp"

#include "guest_kernel/fs/context.hpp"
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

namespace {

/// Processes that stand at `from`, as their root or working directory, stand at `to` from now on.
void move_processes(const Path& from, const Path& to) {
    auto tree = sched::tree().lock();
    for (sched::Process& process : tree->all) {
        Ref<Context> context = process.fs_ref();
        if (!context) continue;
        if (context->root() == from) context->set_root(to);
        if (context->cwd() == from) context->set_cwd(to);
    }
}

bool is_below(const Mount* inner, const Mount& outer) {
    while (inner && inner != &outer) inner = inner->parent.get();
    return inner != nullptr;
}

}  // namespace

Result<void> pivot_root(const Path& new_root, const Path& put_old) {
    Caller caller = Caller::current();
    if (!caller.credentials.is_root()) return fail(Errno::kEPERM);
    Path old = caller.root;
    if (!new_root.mount || !put_old.mount) return fail(Errno::kEINVAL);
    {
        auto guard = names().lock();
        if (put_old.dentry->deleted || new_root.dentry->deleted) return fail(Errno::kENOENT);
        if (new_root.mount == old.mount || put_old.mount == old.mount) return fail(Errno::kEBUSY);
        if (old.dentry != old.mount->root || new_root.dentry != new_root.mount->root)
            return fail(Errno::kEINVAL);
        if (!is_below(put_old.mount.get(), *new_root.mount) || !is_below(new_root.mount.get(), *old.mount))
            return fail(Errno::kEINVAL);
        // The new root takes the old one's place, and the old one hangs at put_old.
        Mount &fresh = *new_root.mount, &former = *old.mount;
        Path place{put_old.mount, put_old.dentry};
        auto table = g_mounts.lock();
        fresh.mountpoint->mounts--;
        place.dentry->mounts++;
        std::swap(fresh.parent, former.parent);
        std::swap(fresh.mountpoint, former.mountpoint);
        std::swap(former.parent, place.mount);
        std::swap(former.mountpoint, place.dentry);
        table.unlock();
    }
    if (root() == old) set_root(new_root);
    move_processes(old, new_root);
    return {};
}

Result<void> list_mounts(Vector<Ref<Mount>>& mounts) {
    auto guard = names().lock();
    for (Mount& m : g_mounts.unlocked().all) TRY(mounts.push_back(Ref<Mount>(m)));
    return {};
}

}  // namespace astra::fs
