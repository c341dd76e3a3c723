// PollSet: one waiter per file, one flag they all set, one thread they all wake.
#include "guest_kernel/fs/poll_set.hpp"

#include "guest_kernel/sched/scheduler.hpp"

namespace astra::fs {

PollSet::~PollSet() {
    for (usize i = 0; i < count_; i++)
        if (entries_[i].waiter.queue) entries_[i].waiter.queue->remove(entries_[i].waiter);
    delete[] entries_;
}

Result<void> PollSet::reserve(usize count) {
    if (count == 0) return {};
    entries_ = new (std::nothrow) Entry[count];
    if (!entries_) return fail(Errno::kENOMEM);
    return {};
}

void PollSet::add(Ref<File> file, u32 wanted) {
    Entry& entry = entries_[count_++];
    entry.set = this;
    entry.file = std::move(file);
    entry.wanted = wanted | kPollErr | kPollHup;
}

void PollSet::announce(sched::Waiter& waiter, u32 events) {
    auto& entry =
        *reinterpret_cast<Entry*>(reinterpret_cast<char*>(&waiter) - __builtin_offsetof(Entry, waiter));
    if (events != 0 && !(events & entry.wanted)) return;
    entry.set->announced_ = true;
    sched::wake_thread(*entry.set->thread_);
}

/// Asks every file.
usize PollSet::look() {
    usize ready = 0;
    for (usize i = 0; i < count_; i++) {
        Entry& e = entries_[i];
        e.now = e.file ? e.file->poll(nullptr) & e.wanted : 0;
        if (e.now) ready++;
    }
    return ready;
}

void PollSet::watch() {
    thread_ = &sched::current();
    for (usize i = 0; i < count_; i++) {
        Entry& e = entries_[i];
        sched::WaitQueue* queue = nullptr;
        if (e.file) (void)e.file->poll(&queue);
        e.waiter.notify = announce;
        if (queue) queue->add(e.waiter);
    }
}

Result<usize> PollSet::wait(u64 deadline_ns) {
    usize ready = look();
    if (ready > 0 || deadline_ns == 0) return ready;
    watch();
    for (;;) {
        if ((ready = look()) > 0) return ready;
        Result<void> slept = sleep_.wait([this] { return announced_.exchange(false); },
                                         sched::Sleep::Interruptible, deadline_ns);
        if (slept) continue;
        if ((ready = look()) > 0) return ready;
        if (slept.error() == Errno::kETIMEDOUT) return usize{0};
        return fail(slept.error());
    }
}

}  // namespace astra::fs
