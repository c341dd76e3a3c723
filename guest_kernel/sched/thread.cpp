// Threads: creation, kernel threads, the work word.
#include "guest_kernel/sched/thread.hpp"

#include "guest_kernel/sched/internal.hpp"
#include "guest_kernel/sched/kernel_stack.hpp"

namespace astra::sched {

namespace {

// A kernel thread has no program, so the place of its registers carries what to run.
void kernel_thread_main(void* self) {
    finish_switch();
    arch::interrupts_enable();
    arch::UserRegisters& start = static_cast<Thread*>(self)->registers();
    auto body = reinterpret_cast<void (*)(void*)>(start.rdi);
    body(reinterpret_cast<void*>(start.rsi));
    leave_scheduler();
}

}  // namespace

Result<Ref<Thread>> ThreadAccess::create_idle() {
    Ref<Thread> thread = TRY(make_ref<Thread>());
    thread->set_name("idle");
    return thread;
}

Result<Ref<Thread>> Thread::create(Process* process, int tid) {
    Ref<Thread> thread = TRY(make_ref<Thread>());
    thread->stack_ = TRY(take_kernel_stack());
    thread->tid_ = tid;
    thread->start_ns = arch::now_ns();
    if (process) {
        thread->process_ = process;
        thread->process_ref_ = Ref<RefCounted>(*process);
        thread->fpu = ::operator new(arch::fpu_state_size(), std::nothrow);
        if (!thread->fpu) return fail(Errno::kENOMEM);
        arch::fpu_init(thread->fpu);
    }
    return thread;
}

Thread::~Thread() {
    if (stack_.base) return_kernel_stack(stack_);
    ::operator delete(fpu);
}

void* Thread::stack_top() const {
    return static_cast<u8*>(stack_.base) + arch::kKernelStackSize - arch::kKernelStackReserve;
}

arch::UserRegisters& Thread::registers() const { return static_cast<arch::UserRegisters*>(stack_top())[-1]; }

void Thread::raise_work(u32 bits) {
    work_.fetch_or(bits, std::memory_order_seq_cst);
    if (state != ThreadState::Running) return;
    u32 where = cpu;
    if (where != arch::cpu_index()) arch::send_reschedule(where);
}

void Thread::set_name(std::string_view text) {
    usize length = text.size() < sizeof name - 1 ? text.size() : sizeof name - 1;
    char* copies[] = {name, process_ && process_->pid() == tid_ ? ProcessAccess::name(*process_) : nullptr};
    for (char* to : copies) {
        if (!to) continue;
        __builtin_memcpy(to, text.data(), length);
        __builtin_memset(to + length, 0, sizeof name - length);
    }
}

u64 Thread::cpu_time_ns() const {
    u64 total = run_ns;
    if (state == ThreadState::Running) total += arch::now_ns() - dispatched_ns;
    return total;
}

char Thread::state_letter() {
    switch (state.load()) {
        case ThreadState::New:
        case ThreadState::Runnable:
        case ThreadState::Running: return 'R';
        case ThreadState::Dead: return 'Z';
        case ThreadState::Sleeping: break;
    }
    if (process_ && process_->signals.lock()->stopped) return 'T';
    return sleep_kind == Sleep::Interruptible ? 'S' : 'D';
}

Result<Ref<Thread>> start_kernel_thread(const char* name, void (*body)(void*), void* argument) {
    Ref<Thread> thread = TRY(Thread::create(nullptr, 0));
    thread->set_name(name);
    arch::UserRegisters& start = thread->registers();
    start.rdi = reinterpret_cast<u64>(body);
    start.rsi = reinterpret_cast<u64>(argument);
    prepare_thread(*thread, kernel_thread_main);
    start_thread(*thread);
    return thread;
}

void prepare_thread(Thread& thread, void (*entry)(void*)) {
    u64 below_registers = align_down(reinterpret_cast<u64>(&thread.registers()), 16);
    thread.kernel_sp = arch::prepare_stack(reinterpret_cast<void*>(below_registers), entry, &thread);
}

}  // namespace astra::sched
