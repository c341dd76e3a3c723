// Threads, as Rust's std::thread: spawn, Builder, JoinHandle, scope, park, sleep.
#pragma once
#include <optional>
#include <type_traits>

#include "guest_kernel/base/vector.hpp"
#include "guest_runtime/container/box.hpp"
#include "guest_runtime/sync/raw_mutex.hpp"
#include "guest_runtime/thread/name.hpp"
#include "guest_runtime/time/duration.hpp"

namespace astra::thread {

/// A handle for a thread, alive or not: its id, its name, and waking it from park. Copies are the same
/// thread.
class Thread {
  public:
    struct Inner : RefCounted {
        u64 id = 0;
        String name;
        bool named = false;
        std::atomic<u32> parker{0};
    };
    explicit Thread(Ref<Inner> inner) : inner_(std::move(inner)) {}
    /// Different for every thread of the process's life, never 0; 1 is the first.
    [[nodiscard]] u64 id() const { return inner_->id; }
    [[nodiscard]] std::optional<std::string_view> name() const {
        return inner_->named ? std::optional(inner_->name.view()) : std::nullopt;
    }
    /// Ends the thread's park(), or the next one if it is not parked.
    void unpark() const;
    [[nodiscard]] const Ref<Inner>& inner() const { return inner_; }

  private:
    Ref<Inner> inner_;
};

/// The calling thread.
Thread current();
/// The calling thread's kernel id (gettid(186)).
u32 kernel_id();
/// Sleeps until unpark() or, now and then, without a reason.
void park();
/// The same with an end; it may also end early.
void park_timeout(time::Duration timeout);
/// Sleeps at least this long (nanosleep(2), gone on with after signals).
void sleep(time::Duration duration);
/// Lets others run (sched_yield(2)).
void yield_now();
/// How many CPUs this process may use (sched_getaffinity(2)).
io::Result<usize> available_parallelism();

/// What a thread runs and where its result waits: shared by the thread and its JoinHandle.
class Task : public RefCounted {
  public:
    virtual void run() = 0;
    /// Waits until the thread has run its last destructor. Deadlock when it is the calling thread itself.
    io::Result<void> wait();
    [[nodiscard]] bool finished() const { return done_.load(std::memory_order_acquire) != 0; }
    Ref<Thread::Inner> thread;

  private:
    friend void run_task(void*);
    std::atomic<u32> done_{0};
};

/// Starts a thread that runs `task`, with `stack_size` bytes of stack above a guard page.
io::Result<void> start(Ref<Task> task, usize stack_size);

template <class R>
class TaskResult : public Task {
  public:
    std::optional<R> value;
};
template <>
class TaskResult<void> : public Task {};

template <class F, class R>
class TaskOf final : public TaskResult<R> {
  public:
    explicit TaskOf(F work) : work_(std::move(work)) {}
    void run() override {
        if constexpr (std::is_void_v<R>)
            work_();
        else
            this->value.emplace(work_());
    }

  private:
    F work_;
};

/// A thread that can be waited for. Dropping it leaves the thread running on its own.
template <class R>
class JoinHandle {
  public:
    explicit JoinHandle(Ref<TaskResult<R>> task) : task_(std::move(task)) {}
    /// Waits for the thread's end and gives what its function returned. Deadlock when called by the thread
    /// itself. The handle is used up: using it again panics. (A thread that panics ends the process, so that
    /// is never answered.)
    io::Result<R> join() {
        assert_that(task_.get(), "use of a moved or joined JoinHandle");
        auto task = std::exchange(task_, nullptr);
        TRY(task->wait());
        if constexpr (std::is_void_v<R>)
            return {};
        else
            return std::move(*task->value);
    }
    [[nodiscard]] bool is_finished() const { return task_.get() && task_->finished(); }
    [[nodiscard]] Thread thread() const {
        assert_that(task_.get(), "use of a moved or joined JoinHandle");
        return Thread(task_->thread);
    }

  private:
    Ref<TaskResult<R>> task_;
};

/// How to start a thread.
///     auto handle = TRY(thread::Builder().name("worker").stack_size(64 * 1024).spawn(work));
class Builder {
  public:
    /// For messages and Thread::name.
    Builder& name(std::string_view name) { return name_ = name, *this; }
    /// Bytes, rounded up to pages; at least 16 KiB. 2 MiB unless told.
    Builder& stack_size(usize bytes) { return stack_size_ = bytes, *this; }
    /// Runs `f()` in a new thread. OutOfMemory, or WouldBlock at the limit of threads.
    template <class F>
    io::Result<JoinHandle<std::invoke_result_t<F&>>> spawn(F f) const {
        using R = std::invoke_result_t<F&>;
        auto* task = new (std::nothrow) TaskOf<F, R>(std::move(f));
        if (!task) return std::unexpected(io::Error(Errno::kENOMEM));
        auto owner = Ref<TaskResult<R>>::adopt(task);
        task->thread = TRY(describe());
        TRY(start(owner, stack_size_));
        return JoinHandle<R>(std::move(owner));
    }

  private:
    [[nodiscard]] io::Result<Ref<Thread::Inner>> describe() const;
    std::optional<std::string_view> name_;
    usize stack_size_ = 2 * 1024 * 1024;
};

/// Runs `f()` in a new thread without a name.
///     auto handle = TRY(thread::spawn([] { return 6 * 7; }));
///     int answer = TRY(handle.join());
template <class F>
auto spawn(F f) {
    return Builder().spawn(std::move(f));
}

/// Threads that end before the function they were started in: they may refer to its variables.
class Scope {
  public:
    Scope() = default;
    Scope(const Scope&) = delete;
    ~Scope() {
        for (usize i = 0; i < tasks_.size(); i++) (void)tasks_[i]->wait();
    }
    /// As thread::spawn. Thread-safe.
    template <class F>
    io::Result<JoinHandle<std::invoke_result_t<F&>>> spawn(F f) {
        using R = std::invoke_result_t<F&>;
        auto* task = new (std::nothrow) TaskOf<F, R>(std::move(f));
        if (!task) return std::unexpected(io::Error(Errno::kENOMEM));
        auto owner = Ref<TaskResult<R>>::adopt(task);
        TRY(add(owner));
        return JoinHandle<R>(std::move(owner));
    }

  private:
    io::Result<void> add(Ref<Task> task);
    sync::RawMutex mutex_;
    Vector<Ref<Task>> tasks_;
};

/// Calls `f(scope)` and waits for every thread that was started by `scope.spawn`.
///     thread::scope([&](thread::Scope& s) { (void)s.spawn([&] { total += 1; }); });
template <class F>
auto scope(F f) {
    Scope s;
    return f(s);
}

}  // namespace astra::thread
