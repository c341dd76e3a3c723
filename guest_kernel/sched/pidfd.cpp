// Process descriptors (pidfd_open(2)): readable once the process has ended.
#include "guest_kernel/sched/pidfd.hpp"

#include "guest_kernel/fs/inode.hpp"
#include "guest_kernel/fs/poll.hpp"

namespace astra::sched {

namespace {

class PidFdFile final : public fs::File {
  public:
    explicit PidFdFile(Process& process) : process_(process) {}
    u32 poll(WaitQueue** queue) override {
        if (queue) *queue = &process_->exit_waiters;
        return process_->state == ProcessState::Live ? 0 : fs::kPollReadable;
    }
    Result<String> describe() override { return String::from("anon_inode:[pidfd]"); }
    Process* pidfd_process() override { return process_.get(); }

  private:
    Ref<Process> process_;
};

}  // namespace

Result<Ref<fs::File>> open_pidfd(Process& process, u32 flags) {
    Ref<PidFdFile> file = TRY(make_ref<PidFdFile>(process));
    constexpr u32 kReadWrite = 2;
    file->flags = kReadWrite | flags;
    return Ref<fs::File>(std::move(file));
}

Result<Ref<Process>> pidfd_process(int fd) {
    Ref<fs::File> file = TRY(current_process().fds().get(fd));
    Process* process = file->pidfd_process();
    return process ? Result<Ref<Process>>(Ref<Process>(*process)) : fail(Errno::kEBADF);
}

Result<Ref<Process>> signalled_process(int fd) {
    Ref<fs::File> file = TRY(current_process().fds().get(fd));
    if (Process* process = file->pidfd_process()) return Ref<Process>(*process);
    fs::Inode* inode = file->inode();
    int pid = inode ? inode->process_id() : 0;
    if (!pid) return fail(Errno::kEBADF);
    Ref<Process> process = find_process(pid);
    return process ? Result<Ref<Process>>(std::move(process)) : fail(Errno::kESRCH);
}

}  // namespace astra::sched
