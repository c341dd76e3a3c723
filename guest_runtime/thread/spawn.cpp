// Starting a thread: one mapping holds, from below, its alternate signal stack, a guard page, its stack and
// its thread-local storage. The thread unmaps it itself when it ends.
#include <algorithm>

#include "guest_runtime/alloc/alloc.hpp"
#include "guest_runtime/os/os.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/thread/clone.hpp"
#include "guest_runtime/thread/local_storage.hpp"
#include "guest_runtime/thread/stack_guard.hpp"
#include "guest_runtime/thread/thread.hpp"

namespace astra::thread {

void set_current(Ref<Thread::Inner> inner);

namespace {

/// At the top of the new stack: what the thread needs to begin and to end.
struct Beginning {
    Task* task;
    u64 mapping;
    usize size;
    u64 guard;
};

}  // namespace

void run_task(void* argument) {
    Beginning begin = *static_cast<Beginning*>(argument);
    install_stack_guard(begin.guard, kPageSize, begin.mapping);
    {
        auto task = Ref<Task>::adopt(begin.task);
        set_current(task->thread);
        task->run();
        run_local_destructors();
        task->done_.store(1, std::memory_order_release);
        sync::futex_wake_all(task->done_);
    }
    alloc::flush_thread_cache();
    abi::SigSet all = ~abi::SigSet{0};
    sys::rt_sigprocmask(0, &all, nullptr, sizeof all);
    astra_leave_thread(reinterpret_cast<void*>(begin.mapping), begin.size);
}

io::Result<void> start(Ref<Task> task, usize stack_size) {
    constexpr usize kLeast = 16 * 1024, kMost = usize{1} << 46;
    if (stack_size > kMost) return std::unexpected(io::Error(Errno::kENOMEM));
    usize storage = align_up(storage_size() + storage_alignment(), 64);
    usize stack = align_up(std::max(stack_size, kLeast) + storage, kPageSize);
    usize size = kAlternateStack + kPageSize + stack;
    i64 mapped = TRY(os::check(
        sys::mmap(0, size, sys::kProtRead | sys::kProtWrite,
                  sys::kMapPrivate | sys::kMapAnonymous | sys::kMapNoReserve | sys::kMapStack, -1, 0)));
    Beginning begin{task.get(), static_cast<u64>(mapped), size, static_cast<u64>(mapped) + kAlternateStack};
    auto protect = os::check_done(sys::mprotect(begin.guard, kPageSize, sys::kProtNone));
    u64 top = align_down(begin.mapping + size - storage_size(), std::max<usize>(storage_alignment(), 64));
    u64 pointer = protect ? init_storage(reinterpret_cast<void*>(top)) : 0;
    auto* place = reinterpret_cast<Beginning*>(top - sizeof(Beginning));
    i64 id = -static_cast<i64>(Errno::kENOMEM);
    if (protect) {
        *place = begin;
        task->ref();  // the thread's own
        constexpr u64 kFlags = sys::kCloneVm | sys::kCloneFs | sys::kCloneFiles | sys::kCloneSighand |
                               sys::kCloneThread | sys::kCloneSysvSem | sys::kCloneSetTls;
        id = astra_clone(kFlags, place, run_task, place, pointer);
        if (id < 0) task->unref();
    }
    if (id < 0) sys::munmap(begin.mapping, size);
    return os::check_done(id);
}

}  // namespace astra::thread
