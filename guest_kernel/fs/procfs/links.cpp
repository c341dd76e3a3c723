// /proc's links: to oneself, to a process's places, and to its open files (proc(5)).
#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/procfs/files.hpp"
#include "guest_kernel/fs/vfs.hpp"

namespace astra::fs::procfs {

namespace {

/// An open file without a place in the tree (a pipe, a socket), made to look like an inode: opening it gives
/// the file's own idea of another description.
class FileInode final : public Inode {
  public:
    FileInode(u32 type, Ref<File> file) : Inode(type), file_(std::move(file)) {}
    // Whoever may look behind the link may use it.
    [[nodiscard]] Ownership ownership() override { return {type() | 0777, 0, 0}; }
    Result<void> stat(abi::Stat& out) override { return file_->stat(out); }
    Result<Ref<File>> open(const Path&, u32 flags) override { return file_->reopen(flags); }

  private:
    const Ref<File> file_;
};

Result<Path> place_of(Ref<File> file) {
    if (const Path* place = file->path()) return *place;
    abi::Stat stat{};
    TRY(file->stat(stat));
    String name = TRY(file->describe());
    Ref<Inode> inode = TRY(make_ref<FileInode>(stat.mode, std::move(file)));
    Ref<Dentry> dentry = TRY(make_ref<Dentry>(std::move(inode), nullptr));
    dentry_cache().insert(*dentry, nullptr, std::move(name), false);
    return Path{nullptr, std::move(dentry)};
}

Result<Ref<Context>> context_of(const Subject& subject) {
    Ref<Context> context = TRY(private_process_of(subject))->fs_ref();
    if (!context) return fail(Errno::kENOENT);  // a zombie
    return context;
}

Result<Ref<File>> executable_of(const Subject& subject) {
    Ref<sched::Process> process = TRY(private_process_of(subject));
    auto tree = sched::tree().lock();
    if (!process->executable) return fail(Errno::kENOENT);
    return process->executable;
}

Result<Ref<File>> descriptor_of(const Subject& subject) {
    Ref<FdTable> fds = TRY(private_process_of(subject))->fds_ref();
    auto file = fds ? fds->get(subject.fd, true) : fail(Errno::kENOENT);
    if (!file) return fail(Errno::kENOENT);
    return file;
}

Result<String> number_text(const char* format, int one, int other) {
    char text[32];
    usize length = format_to(text, sizeof text, format, one, other);
    return String::from({text, length});
}

}  // namespace

Result<String> link_self(const Subject&) {
    if (sched::current().is_kernel_thread()) return fail(Errno::kENOENT);
    return number_text("%d", sched::current_process().pid(), 0);
}
Result<String> link_thread_self(const Subject&) {
    if (sched::current().is_kernel_thread()) return fail(Errno::kENOENT);
    return number_text("%d/task/%d", sched::current_process().pid(), sched::current().tid());
}
Result<String> link_mounts(const Subject&) { return String::from("self/mounts"); }
Result<String> link_net(const Subject&) { return String::from("self/net"); }

Result<String> link_cwd(const Subject& subject) { return path_name(TRY(context_of(subject))->cwd()); }
Result<Path> follow_cwd(const Subject& subject) { return TRY(context_of(subject))->cwd(); }
Result<String> link_root(const Subject& subject) { return path_name(TRY(context_of(subject))->root()); }
Result<Path> follow_root(const Subject& subject) { return TRY(context_of(subject))->root(); }
Result<String> link_executable(const Subject& subject) { return TRY(executable_of(subject))->describe(); }
Result<Path> follow_executable(const Subject& subject) { return place_of(TRY(executable_of(subject))); }
Result<String> link_descriptor(const Subject& subject) { return TRY(descriptor_of(subject))->describe(); }
Result<Path> follow_descriptor(const Subject& subject) { return place_of(TRY(descriptor_of(subject))); }

Result<void> show_fdinfo(const Subject& subject, Text& text) {
    Ref<File> file = TRY(descriptor_of(subject));
    // Looked at without its lock: whoever reads this file holds one of the same rank.
    usize offset = static_cast<usize>(file->position.unlocked());
    const Path* place = file->path();
    abi::Stat stat{};
    TRY(file->stat(stat));
    text.add("pos:\t%zu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%zu\n", offset, file->flags.load(),
             place && place->mount ? place->mount->id : 0, usize{stat.ino});
    return {};
}

int next_descriptor(const Subject& subject, int from) {
    auto process = process_of(subject);
    if (!process) return -1;
    Ref<FdTable> fds = (*process)->fds_ref();
    return fds ? fds->next(from) : -1;
}

}  // namespace astra::fs::procfs
