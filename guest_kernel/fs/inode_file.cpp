// Open descriptions of things that have a place in the tree.
#include "guest_kernel/fs/inode_file.hpp"

#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/vfs.hpp"

namespace astra::fs {

File::File() = default;
File::~File() = default;

Inode* File::inode() { return place_ ? place_->dentry->inode.get() : nullptr; }

Result<void> File::set_place(const Path& path) {
    place_ = TRY(make_own<Path>(path));
    return {};
}

Result<Ref<File>> InodeFile::reopen(u32 new_flags) { return open_path(path_, new_flags); }

Result<String> InodeFile::describe() { return path_name(path_); }

Result<i64> InodeFile::seek_within(i64 offset, int whence, u64 size) {
    auto at = position.lock();
    i64 base = 0;
    switch (whence) {
        case kSeekSet: break;
        case kSeekCurrent: base = *at; break;
        case kSeekEnd: base = static_cast<i64>(size); break;
        case kSeekData:
        case kSeekHole:
            if (offset < 0 || static_cast<u64>(offset) >= size) return fail(Errno::kENXIO);
            if (whence == kSeekHole) offset = static_cast<i64>(size);
            break;
        default: return fail(Errno::kEINVAL);
    }
    i64 wanted;
    if (__builtin_add_overflow(base, offset, &wanted)) return fail(Errno::kEOVERFLOW);
    if (wanted < 0) return fail(Errno::kEINVAL);
    return *at = wanted;
}

Result<usize> DirectoryFile::read(Buffer&, i64*) { return fail(Errno::kEISDIR); }

Result<i64> DirectoryFile::seek(i64 offset, int whence) {
    if (whence > kSeekCurrent) return fail(Errno::kEINVAL);
    return seek_within(offset, whence, 0);
}

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
    return listed;
}

}  // namespace astra::fs
