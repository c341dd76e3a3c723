// memfd_create(2): files of a tmpfs that is mounted nowhere.
#include "guest_kernel/fs/memfd.hpp"

#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/mount.hpp"
#include "guest_kernel/fs/tmpfs/regular.hpp"
#include "guest_kernel/fs/tmpfs/tmpfs.hpp"
#include "guest_kernel/fs/walk.hpp"

namespace astra::fs {

namespace {
Path g_top;
}

Result<void> mount_memfds() {
    Ref<FileSystem> fs = TRY(create_tmpfs(""));
    Ref<Dentry> top = TRY(make_root_dentry(*fs));
    Ref<Mount> mount = TRY(make_ref<Mount>(std::move(fs), top));
    g_top = Path{std::move(mount), std::move(top)};
    return {};
}

Result<Ref<File>> make_memfd(std::string_view name, bool sealable) {
    Caller caller = Caller::current();
    Ref<Inode> inode = TRY(g_top.dentry->inode->create_unnamed(
        {kTypeRegular | 0777, caller.credentials.fsuid, caller.credentials.fsgid}));
    Ref<tmpfs::Contents> contents = TRY(static_cast<tmpfs::Regular&>(*inode).contents());
    contents->is_memfd = true;
    if (sealable) contents->seals = 0;
    String text = TRY(String::from("memfd:"));
    TRY(text.append(name));
    Ref<Dentry> dentry = TRY(make_ref<Dentry>(inode, g_top.dentry->fs));
    dentry->deleted = true;
    dentry_cache().insert(*dentry, g_top.dentry, std::move(text), false);
    Ref<File> file = TRY(inode->open(Path{g_top.mount, std::move(dentry)}, kOReadWrite));
    file->flags = kOReadWrite | kOLargeFile;
    return file;
}

}  // namespace astra::fs
