// Waiting for several files at once: what poll(2) and select(2) share.
#pragma once
#include "guest_kernel/fs/file.hpp"

namespace astra::fs {

/// A list of files with the events wanted of each. Lives on the stack of the thread that waits.
class PollSet {
  public:
    PollSet() = default;
    PollSet(const PollSet&) = delete;
    PollSet& operator=(const PollSet&) = delete;
    ~PollSet();
    /// Room for `count` files; before the first add. Errors: ENOMEM.
    Result<void> reserve(usize count);
    /// Adds a file; a null one is never ready. POLLERR and POLLHUP are wanted of all.
    void add(Ref<File> file, u32 wanted);
    /// Waits until a file is ready or `deadline_ns` (arch::now_ns time; 0: just looks) has passed. Answers
    /// how many are ready. Errors: kRestartSys, when none is.
    Result<usize> wait(u64 deadline_ns);
    [[nodiscard]] usize size() const { return count_; }
    /// What wait() found of file `i`.
    [[nodiscard]] u32 events(usize i) const { return entries_[i].now; }

  private:
    struct Entry {
        sched::Waiter waiter;
        PollSet* set = nullptr;
        Ref<File> file;
        u32 wanted = 0, now = 0;
    };
    static void announce(sched::Waiter& waiter, u32 events);
    usize look();
    void watch();

    Entry* entries_ = nullptr;
    usize count_ = 0;
    sched::Thread* thread_ = nullptr;
    std::atomic<bool> announced_{false};
    sched::WaitQueue sleep_;  // only the thread itself
};

}  // namespace astra::fs
