// Reading directories, and a process's place among them: getdents, getcwd, chdir, chroot, umask.
#include "guest_kernel/fs/walk.hpp"
#include "guest_kernel/syscalls/path_arguments.hpp"

namespace astra::syscalls {

namespace {

/// Collects entries as records of getdents64(2), or of getdents(2): those have no type byte in the head but
/// one at their end.
class RecordSink final : public fs::DirectorySink {
  public:
    RecordSink(std::span<u8> to, bool old_format) : to_(to), old_(old_format) {}

    bool entry(std::string_view name, u64 inode, u8 type, i64 next_offset) override {
        usize head = old_ ? sizeof(DirentHead) : sizeof(Dirent64Head);
        usize length = align_up(head + name.size() + (old_ ? 2 : 1), 8);
        if (length > to_.size() - used_) {
            full_ = true;
            return false;
        }
        u8* record = to_.data() + used_;
        __builtin_memset(record, 0, length);
        u16 size = static_cast<u16>(length);
        if (old_) {
            DirentHead fields{inode, static_cast<u64>(next_offset), size};
            __builtin_memcpy(record, &fields, sizeof fields);
            record[length - 1] = type;
        } else {
            Dirent64Head fields{inode, next_offset, size, type};
            __builtin_memcpy(record, &fields, sizeof fields);
        }
        __builtin_memcpy(record + head, name.data(), name.size());
        used_ += length;
        return true;
    }
    [[nodiscard]] usize used() const { return used_; }
    [[nodiscard]] bool full() const { return full_; }

  private:
    std::span<u8> to_;
    const bool old_;
    usize used_ = 0;
    bool full_ = false;
};

SyscallResult read_entries(int fd, Out<u8> to, usize count, bool old_format) {
    constexpr usize kMost = 32 * 1024;
    Ref<fs::File> file = TRY(sched::current_process().fds().get(fd));
    Vector<u8> records;
    TRY(records.resize(count < kMost ? count : kMost));
    RecordSink sink({records.data(), records.size()}, old_format);
    auto position = file->position.lock();
    i64 offset = *position;
    TRY(file->read_directory(offset, sink));
    if (sink.used() == 0) return sink.full() ? SyscallResult(fail(Errno::kEINVAL)) : 0;
    TRY(mm::copy_out(to.address(), {records.data(), sink.used()}));
    *position = offset;
    return static_cast<i64>(sink.used());
}

Result<void> check_enterable(const fs::Path& path) {
    if (!path.dentry->inode->is_directory()) return fail(Errno::kENOTDIR);
    return fs::check_access(*path.dentry->inode, fs::kExecute, sched::current_process().credentials());
}

}  // namespace

SyscallResult sys_getdents64(int fd, Out<u8> to, usize count) { return read_entries(fd, to, count, false); }
SyscallResult sys_getdents(int fd, Out<u8> to, usize count) { return read_entries(fd, to, count, true); }

SyscallResult sys_getcwd(Out<u8> to, usize size) {
    sched::Process& process = sched::current_process();
    fs::PathName name = TRY(fs::path_name(process.fs().cwd(), process.fs().root()));
    if (name.deleted) return fail(Errno::kENOENT);
    String text;
    if (!name.reachable) TRY(text.append("(unreachable)"));
    TRY(text.append(name.text));
    TRY(text.push_back('\0'));
    if (text.size() > fs::kPathMax) return fail(Errno::kENAMETOOLONG);
    if (text.size() > size) return fail(Errno::kERANGE);
    TRY(mm::copy_out(to.address(), {reinterpret_cast<const u8*>(text.data()), text.size()}));
    return static_cast<i64>(text.size());
}

SyscallResult sys_chdir(UserString path) {
    fs::Path place = TRY(find_path(fs::kAtCwd, path, fs::kFollow | fs::kDirectory));
    TRY(check_enterable(place));
    sched::current_process().fs().set_cwd(std::move(place));
    return 0;
}

SyscallResult sys_fchdir(int fd) {
    Object object = TRY(find_object(fd));
    if (!object.path) return fail(Errno::kENOTDIR);
    TRY(check_enterable(object.path));
    sched::current_process().fs().set_cwd(std::move(object.path));
    return 0;
}

SyscallResult sys_chroot(UserString path) {
    fs::Path place = TRY(find_path(fs::kAtCwd, path, fs::kFollow | fs::kDirectory));
    TRY(check_enterable(place));
    if (sched::current_process().credentials().euid != 0) return fail(Errno::kEPERM);
    sched::current_process().fs().set_root(std::move(place));
    return 0;
}

SyscallResult sys_umask(u32 mask) { return sched::current_process().fs().set_umask(mask); }

}  // namespace astra::syscalls
