// Starting a thread, and a thread's end.
#include "guest_runtime/alloc/alloc.hpp"
#include "guest_runtime/os/os.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/thread/clone.hpp"
#include "guest_runtime/thread/identity.hpp"
#include "guest_runtime/thread/local_storage.hpp"
#include "guest_runtime/thread/stack.hpp"
#include "guest_runtime/thread/stack_guard.hpp"
#include "guest_runtime/thread/thread.hpp"

namespace astra::thread {

void set_current(Ref<Thread::Inner> inner);

void run_task(void* argument) {
    auto* stack = static_cast<Stack*>(argument);
    install_stack_guard(stack->guard(), kPageSize, stack->mapping);
    {
        auto task = Ref<Task>::adopt(static_cast<Task*>(stack->argument));
        set_current(task->thread);
        task->run();
        run_local_destructors();
        task->done_.store(1, std::memory_order_release);
        sync::futex_wake_all(task->done_);
    }
    alloc::flush_thread_cache();
    abi::SigSet all = ~abi::SigSet{0};  // from here on there may be no stack for a handler
    sys::rt_sigprocmask(0, &all, nullptr, sizeof all);
    if (keep_stack(stack))
        for (;;) sys::exit(0);
    sys::set_tid_address(nullptr);  // `busy` goes, too: what is mapped there next must not be written to
    astra_leave_thread(reinterpret_cast<void*>(stack->mapping), stack->size);
}

io::Result<void> start(Ref<Task> task, usize stack_size) {
    constexpr u64 kFlags = sys::kCloneVm | sys::kCloneFs | sys::kCloneFiles | sys::kCloneSighand |
                           sys::kCloneThread | sys::kCloneSysvSem | sys::kCloneSetTls |
                           sys::kCloneChildClearTid;
    Stack* stack = TRY(take_stack(stack_size));
    u64 pointer = init_storage(stack->storage());
    stack->argument = task.get();
    stack->busy.store(1, std::memory_order_relaxed);
    task->ref();                                           // the thread's own
    if (!detail::started_any) detail::started_any = true;  // before it can take a lock
    auto started = os::check_done(astra_clone(kFlags, stack, run_task, stack, pointer, &stack->busy));
    if (!started) {
        task->unref();
        unmap_stack(stack);
    }
    return started;
}

}  // namespace astra::thread
