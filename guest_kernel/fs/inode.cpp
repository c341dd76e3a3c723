// What an inode does when its file system has nothing else to say.
#include "guest_kernel/fs/inode.hpp"

#include "guest_kernel/fs/devices.hpp"
#include "guest_kernel/fs/inode_file.hpp"
#include "guest_kernel/fs/path.hpp"
#include "guest_kernel/sched/scheduler.hpp"

namespace astra::fs {

abi::TimeSpec current_time() {
    u64 now = sched::wall_now_ns();
    return {static_cast<i64>(now / 1'000'000'000), static_cast<i64>(now % 1'000'000'000)};
}

Result<void> Inode::set_attributes(const Attributes&) { return fail(Errno::kEPERM); }
Result<Ref<Inode>> Inode::lookup(std::string_view) {
    return fail(is_directory() ? Errno::kENOENT : Errno::kENOTDIR);
}
Result<Ref<Inode>> Inode::create(std::string_view, const NewInode&) { return fail(Errno::kEPERM); }
Result<Ref<Inode>> Inode::create_unnamed(const NewInode&) { return fail(Errno::kENOTSUP); }
Result<Ref<Inode>> Inode::make_directory(std::string_view, const NewInode&) { return fail(Errno::kEPERM); }
Result<Ref<Inode>> Inode::make_symlink(std::string_view, std::string_view, const NewInode&) {
    return fail(Errno::kEPERM);
}
Result<Xattrs*> Inode::xattrs(bool) { return fail(Errno::kENOTSUP); }
Result<void> Inode::link(std::string_view, Inode&) { return fail(Errno::kEPERM); }
Result<void> Inode::unlink(std::string_view) { return fail(Errno::kEPERM); }
Result<void> Inode::remove_directory(std::string_view) { return fail(Errno::kEPERM); }
Result<void> Inode::rename(std::string_view, Inode&, std::string_view, u32) { return fail(Errno::kEPERM); }
Result<void> Inode::list(u64&, DirectorySink&) { return fail(Errno::kENOTDIR); }
Result<String> Inode::read_link() { return fail(Errno::kEINVAL); }
Result<Path> Inode::follow_magic() { return Path(); }

Result<Ref<File>> Inode::open(const Path& path, u32 flags) {
    switch (type_) {
        case kTypeDirectory: return Ref<File>(TRY(make_ref<DirectoryFile>(path)));
        case kTypeCharDevice:
        case kTypeBlockDevice: return open_device(path, flags);
        case kTypeFifo: return open_named_fifo(path, flags);
        default: return fail(Errno::kENXIO);
    }
}

}  // namespace astra::fs
