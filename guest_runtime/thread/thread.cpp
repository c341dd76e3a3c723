// Threads: names, parking, sleeping, waiting.
#include "guest_runtime/thread/thread.hpp"

#include <bit>

#include "guest_runtime/os/os.hpp"

namespace astra::thread {

namespace {

thread_local Ref<Thread::Inner> self;
std::atomic<u64> next_id{2};  // 1 is the first thread

enum : u32 { kEmpty, kNotified, kParked };

}  // namespace

void set_current(Ref<Thread::Inner> inner) {
    set_current_name(inner->named ? inner->name.view() : "<unnamed>");
    self = std::move(inner);
}

Thread current() {
    if (!self) {  // the first thread has none until it asks
        auto* inner = new Thread::Inner;
        inner->id = 1;
        inner->named = true;
        if (!inner->name.append("main")) panic("out of memory");
        self = Ref<Thread::Inner>::adopt(inner);
    }
    return Thread(self);
}

u32 kernel_id() { return static_cast<u32>(sys::gettid()); }

void Thread::unpark() const {
    if (inner_->parker.exchange(kNotified, std::memory_order_release) == kParked)
        sync::futex_wake(inner_->parker);
}

namespace {
void park_for(std::optional<time::Duration> timeout) {
    Thread me = current();
    auto& parker = me.inner()->parker;
    u32 notified = kNotified;
    if (parker.compare_exchange_strong(notified, kEmpty, std::memory_order_acquire)) return;
    u32 empty = kEmpty;
    if (parker.compare_exchange_strong(empty, kParked)) sync::futex_wait(parker, kParked, timeout);
    parker.exchange(kEmpty, std::memory_order_acquire);
}
}  // namespace

void park() { park_for({}); }
void park_timeout(time::Duration timeout) { park_for(timeout); }

void sleep(time::Duration duration) {
    abi::TimeSpec left{static_cast<i64>(duration.as_secs() >> 63 ? ~u64{0} >> 1 : duration.as_secs()),
                       duration.subsec_nanos()};
    while (os::is_interrupted(static_cast<int>(-sys::nanosleep(&left, &left)))) {}
}

void yield_now() { sys::sched_yield(); }

io::Result<usize> available_parallelism() {
    u8 mask[128];
    i64 bytes = TRY(os::check(sys::sched_getaffinity(0, sizeof mask, mask)));
    usize count = 0;
    for (i64 i = 0; i < bytes; i++) count += static_cast<usize>(std::popcount(mask[i]));
    return count;
}

io::Result<void> Task::wait() {
    if (thread.get() == self.get() && self) return std::unexpected(io::Error(Errno::kEDEADLOCK));
    while (!finished()) sync::futex_wait(done_, 0);
    return {};
}

io::Result<Ref<Thread::Inner>> Builder::describe() const {
    auto* inner = new (std::nothrow) Thread::Inner;
    if (!inner) return std::unexpected(io::Error(Errno::kENOMEM));
    auto owner = Ref<Thread::Inner>::adopt(inner);
    inner->id = next_id.fetch_add(1, std::memory_order_relaxed);
    inner->named = name_.has_value();
    if (name_) TRY(inner->name.append(*name_));
    return owner;
}

io::Result<void> Scope::add(Ref<Task> task) {
    sync::RawGuard guard(mutex_);
    auto* inner = new (std::nothrow) Thread::Inner;
    if (!inner) return std::unexpected(io::Error(Errno::kENOMEM));
    task->thread = Ref<Thread::Inner>::adopt(inner);
    inner->id = next_id.fetch_add(1, std::memory_order_relaxed);
    TRY(tasks_.reserve(tasks_.size() + 1));
    TRY(start(task, 2 * 1024 * 1024));
    TRY(tasks_.push_back(std::move(task)));
    return {};
}

}  // namespace astra::thread
