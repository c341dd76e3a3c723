// Open descriptions of things that have a place in the tree.
#include "guest_kernel/fs/inode_file.hpp"

#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/file_count.hpp"
#include "guest_kernel/fs/notify.hpp"
#include "guest_kernel/fs/vfs.hpp"

namespace astra::fs {

namespace {
constinit std::atomic<u64> g_open_files{0};
}

File::File() { g_open_files.fetch_add(1, std::memory_order_relaxed); }
File::~File() {
    if (claimed_) claimed_->unclaim(claimed_to_execute_ ? Inode::Claim::Execute : Inode::Claim::Write);
    g_open_files.fetch_sub(1, std::memory_order_relaxed);
}
u64 open_files() { return g_open_files.load(std::memory_order_relaxed); }

Inode* File::inode() { return place_ ? place_->dentry->inode.get() : nullptr; }

bool Inode::claim(Claim how) {
    int now = claims_.load(std::memory_order_relaxed);
    do {
        if (now * step(how) < 0) return false;
    } while (!claims_.compare_exchange_weak(now, now + step(how)));
    return true;
}

Result<void> File::claim(Inode& inode, bool execute) {
    if (!inode.claim(execute ? Inode::Claim::Execute : Inode::Claim::Write)) return fail(Errno::kETXTBSY);
    claimed_ = Ref<Inode>(inode);
    claimed_to_execute_ = execute;
    return {};
}

Result<void> File::set_place(const Path& path) {
    place_ = TRY(make_own<Path>(path));
    return {};
}

Result<Ref<File>> InodeFile::reopen(u32 new_flags) { return open_path(path_, new_flags); }

Result<String> InodeFile::describe() { return path_name(path_); }

Result<usize> DirectoryFile::read(Buffer&, i64*) { return fail(Errno::kEISDIR); }

Result<void> DirectoryFile::read_directory(i64& offset, DirectorySink& sink) {
    Inode& self = *inode();
    if (path()->dentry->deleted) return fail(Errno::kENOENT);
    if (offset < 2) {
        abi::Stat stat{};
        if (offset == 0) {
            TRY(self.stat(stat));
            if (!sink.entry(".", stat.ino, entry_type(kTypeDirectory), 1)) return {};
            offset = 1;
        }
        Ref<Dentry> parent = dentry_cache().parent(*path()->dentry);
        TRY((parent ? *parent->inode : self).stat(stat));
        if (!sink.entry("..", stat.ino, entry_type(kTypeDirectory), 2)) return {};
        offset = 2;
    }
    // Cursors are shown shifted past the dots.
    struct Shifted final : DirectorySink {
        explicit Shifted(DirectorySink& to) : sink(to) {}
        bool entry(std::string_view name, u64 inode, u8 type, i64 next) override {
            return sink.entry(name, inode, type, next + 2);
        }
        DirectorySink& sink;
    } shifted(sink);
    u64 cursor = static_cast<u64>(offset) - 2;
    auto list = [&] { return self.list(cursor, shifted); };
    Result<void> listed = self.dynamic_names() ? list() : names().with([&](Names&) { return list(); });
    offset = static_cast<i64>(cursor) + 2;
    notify_object(*path()->dentry, kNotifyAccess);
    return listed;
}

}  // namespace astra::fs
