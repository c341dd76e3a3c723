// The root file system, and what is mounted on it before the first program runs.
#include "guest_kernel/drivers/log.hpp"
#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/devpts.hpp"
#include "guest_kernel/fs/memfd.hpp"
#include "guest_kernel/fs/mount.hpp"
#include "guest_kernel/fs/procfs/procfs.hpp"
#include "guest_kernel/fs/tmpfs/tmpfs.hpp"

namespace astra::fs {

namespace {

sched::SpinLocked<Path, sched::Rank::FdTable> g_root;

/// The directory `name` of `parent`, made when it is missing; nothing when something else has the name.
Result<Path> directory(const Path& parent, std::string_view name, u32 mode) {
    auto guard = names().lock();
    auto found = lookup_child_locked(*parent.dentry, name);
    if (found && (*found)->inode->is_directory()) return Path{parent.mount, std::move(*found)};
    if (found) {
        log(LogLevel::Warning, "the image's /%.*s is no directory", static_cast<int>(name.size()),
            name.data());
        return Path();
    }
    if (found.error() != Errno::kENOENT) return fail(found.error());
    Ref<Inode> inode = TRY(parent.dentry->inode->make_directory(name, {kTypeDirectory | mode, 0, 0}));
    Ref<Dentry> child = TRY(enter_child(*parent.dentry, name, std::move(inode)));
    return Path{parent.mount, std::move(child)};
}

/// Mounts a fresh file system at `place`; returns its top.
Result<Path> mount_fresh(const Path& place, Result<Ref<FileSystem>> (*create)(std::string_view),
                         std::string_view source, std::string_view options, u64 flags) {
    Ref<FileSystem> fs = TRY(create(options));
    Ref<Dentry> top = TRY(make_root_dentry(*fs));
    Ref<Mount> mount = TRY(attach(std::move(fs), top, place, source, flags));
    return Path{std::move(mount), std::move(top)};
}

}  // namespace

Path root() { return *g_root.lock(); }

void set_root(const Path& path) {
    Path old = path;
    g_root.with([&](Path& top) { std::swap(top, old); });
}

Result<void> mount_root(std::span<const u8> image) {
    Tmpfs::Options options{.limit_pages = Tmpfs::default_limit(), .mode = 0755, .lower = {}};
    if (!image.empty()) {
        options.type = "overlay";
        options.lower = TRY(tar::Image::open(image));
    }
    Ref<Tmpfs> fs = TRY(Tmpfs::create(std::move(options)));
    Ref<Dentry> top = TRY(make_root_dentry(*fs));
    std::string_view source = fs->type();
    Ref<Mount> mount = TRY(attach(std::move(fs), top, Path(), source, 0));
    const Path root{std::move(mount), std::move(top)};
    set_root(root);

    struct Standard {
        std::string_view name, source;
        Result<Ref<FileSystem>> (*create)(std::string_view);
        u64 flags;
    };
    constexpr u64 kNothingRuns = kMountNoSuid | kMountNoDevices | kMountNoExec;
    static constexpr Standard kStandard[] = {{"proc", "proc", create_procfs, kNothingRuns},
                                             {"sys", "sysfs", create_sysfs, kNothingRuns},
                                             {"dev", "devtmpfs", create_devtmpfs, kMountNoSuid}};
    for (const Standard& standard : kStandard) {
        Path place = TRY(directory(root, standard.name, 0755));
        if (!place) continue;
        Path top_of = TRY(mount_fresh(place, standard.create, standard.source, "", standard.flags));
        if (standard.name != "dev") continue;
        if (Path shm = TRY(directory(top_of, "shm", 01777)))
            TRY(mount_fresh(shm, create_tmpfs, "tmpfs", "", kMountNoSuid | kMountNoDevices));
        if (Path pts = TRY(directory(top_of, "pts", 0755)))
            TRY(mount_fresh(pts, create_devpts, "devpts", "gid=5,mode=620,ptmxmode=666",
                            kMountNoSuid | kMountNoExec));
    }
    TRY(directory(root, "tmp", 01777));
    return mount_memfds();
}

Result<void> provide_file(std::string_view directory_name, std::string_view name, std::string_view text) {
    const Path top = root();
    Path place, file;
    {
        auto guard = names().lock();
        auto parent = lookup_child_locked(*top.dentry, directory_name);
        if (!parent || !(*parent)->inode->is_directory()) return {};
        place = Path{top.mount, std::move(*parent)};
        auto found = lookup_child_locked(*place.dentry, name);
        if (found) {
            abi::Stat status;
            TRY((*found)->inode->stat(status));
            if (!(*found)->inode->is_regular() || status.size > 0) return {};
            file = Path{place.mount, std::move(*found)};
        } else {
            if (found.error() != Errno::kENOENT) return fail(found.error());
            Ref<Inode> inode = TRY(place.dentry->inode->create(name, {kTypeRegular | 0644, 0, 0}));
            Ref<Dentry> child = TRY(enter_child(*place.dentry, name, std::move(inode)));
            file = Path{place.mount, std::move(child)};
        }
    }
    Ref<File> open = TRY(file.dentry->inode->open(file, kOWriteOnly));
    KernelBuffer bytes(std::span<const u8>(reinterpret_cast<const u8*>(text.data()), text.size()));
    i64 offset = 0;
    const usize written = TRY(open->write(bytes, &offset));
    return written == text.size() ? Result<void>{} : fail(Errno::kENOSPC);
}

}  // namespace astra::fs
