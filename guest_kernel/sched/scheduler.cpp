// Choosing who runs: queues, wake-ups, time slices and the switch itself.
//
// A run queue's lock is held across the switch and released by the thread switched to (finish_switch). So
// whoever holds it knows: a thread that is not `current` has left its stack entirely.
#include "guest_kernel/sched/scheduler.hpp"

#include "guest_kernel/drivers/counters.hpp"
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

namespace {

// How long a thread that did not sleep keeps the CPU from one that did.
constexpr u64 kWakeGranularityNs = 1'000'000;

bool allowed_on(const Thread& thread, u32 cpu) { return thread.affinity >> cpu & 1; }
bool is_idle(const Cpu& cpu) { return cpu.current == cpu.idle && !cpu.queued; }

enum class Place { Woken, Front, Back };

// Queue locked.
void enqueue(Cpu& cpu, Thread& thread, Place place) {
    thread.enqueued_ns = arch::now_ns();
    if (place == Place::Woken)
        cpu.woken.push_back(thread);
    else if (place == Place::Front)
        cpu.waiting.push_front(thread);
    else
        cpu.waiting.push_back(thread);
    cpu.queued++;
}

// Queue locked: the next thread, the idle one when nobody waits.
Thread& dequeue(Cpu& cpu) {
    Thread* next = cpu.woken.pop_front();
    bool slept = next != nullptr;
    if (!next) next = cpu.waiting.pop_front();
    if (!next) return *cpu.idle;
    cpu.queued--;
    next->woken_first = slept;
    return *next;
}

// Where a thread should run: where it last ran when that CPU is idle, else any idle CPU, else where it was,
// else the shortest queue.
Cpu& choose_cpu(const Thread& thread) {
    Cpu& last = cpu_at(thread.cpu);
    bool stay = last.online && allowed_on(thread, last.index);
    if (stay && is_idle(last)) return last;
    Cpu* best = nullptr;
    for (u32 i = 0; i < arch::kMaxCpus; i++) {
        Cpu& cpu = cpu_at(i);
        if (!cpu.online || !allowed_on(thread, i)) continue;
        if (is_idle(cpu)) return cpu;
        if (!best || cpu.queued < best->queued) best = &cpu;
    }
    return stay || !best ? last : *best;
}

// Queue of `cpu` locked, a thread was just added: makes that CPU notice, by an IPI only when it must.
void announce(Cpu& cpu) {
    bool here = &cpu == &this_cpu();
    if (cpu.halted.exchange(false)) {
        if (!here) arch::send_reschedule(cpu.index);
        return;
    }
    if (cpu.current == cpu.idle) return;  // it looks before it halts
    u64 end = turn_end(cpu);
    if (end <= arch::now_ns())
        cpu.current->raise_work(kWorkReschedule);
    else if (here)
        program_timer(cpu);
    else if (end < cpu.armed_ns)
        cpu.current->raise_work(kWorkReschedule);  // to set its timer
}

void add_to(Cpu& cpu, Thread& thread, Place place) {
    bool interrupts = lock_queue(cpu);
    enqueue(cpu, thread, place);
    announce(cpu);
    unlock_queue(cpu, interrupts);
}

Place place_after_sleep(Thread& thread) {
    if (thread.budget_ns) return Place::Woken;
    thread.budget_ns = kSliceNs;
    return Place::Back;
}

// Adds the time since the last switch to the current thread's account.
void charge(Cpu& cpu, Thread& thread, u64 now) {
    u64 ran = now - thread.dispatched_ns;
    thread.dispatched_ns = now;
    if (&thread == cpu.idle) {
        cpu.idle_ns.fetch_add(ran, std::memory_order_relaxed);
        counters::add(counters::local().idle_ns, ran);
        return;
    }
    thread.run_ns.fetch_add(ran, std::memory_order_relaxed);
    thread.budget_ns -= ran < thread.budget_ns ? ran : thread.budget_ns;
    if (!thread.is_kernel_thread()) thread.process().run_ns.fetch_add(ran, std::memory_order_relaxed);
}

void put_back(Cpu& cpu, Thread& thread) {
    thread.state = ThreadState::Runnable;
    Place place = thread.budget_ns ? Place::Front : Place::Back;
    if (!thread.budget_ns) thread.budget_ns = kSliceNs;
    enqueue(cpu, thread, place);
}

void save_program_state(Cpu& cpu, Thread& thread) {
    arch::fpu_save(thread.fpu);
    thread.fpu_cpu = cpu.index;
    cpu.fpu_owner = &thread;
    thread.fs_base = arch::get_fs_base();
    thread.gs_base = arch::get_user_gs_base();
}

void load_program_state(Cpu& cpu, Thread& thread) {
    mm::AddressSpace* space = ProcessAccess::space(thread.process()).get();
    mm::AddressSpace* loaded = cpu.space;
    if (space && space != loaded) {
        space->activate(cpu.index);
        if (loaded) loaded->deactivate(cpu.index);
        cpu.space = space;
    }
    if (cpu.fpu_owner != &thread || thread.fpu_cpu != cpu.index) {
        arch::fpu_restore(thread.fpu);
        cpu.fpu_owner = &thread;
        thread.fpu_cpu = cpu.index;
    }
    arch::set_kernel_stack(thread.stack_top());
    arch::set_fs_base(thread.fs_base);
    arch::set_user_gs_base(thread.gs_base);
}

// Queue locked. Returns when `from` is chosen again, perhaps on another CPU.
void switch_to(Cpu& cpu, Thread& from, Thread& to) {
    cpu.previous = &from;
    cpu.current = &to;
    cpu.context_switches.fetch_add(1, std::memory_order_relaxed);
    counters::add(counters::local().context_switches);
    if (!from.is_kernel_thread() && from.state != ThreadState::Dead) save_program_state(cpu, from);
    if (!to.is_kernel_thread()) load_program_state(cpu, to);
    arch::astra_switch_stack(&from.kernel_sp, to.kernel_sp);
}

}  // namespace

bool lock_queue(Cpu& cpu) {
    bool interrupts = cpu.lock.acquire();
    rank_acquire(Rank::RunQueue, &cpu.lock, true, false);
    return interrupts;
}

void unlock_queue(Cpu& cpu, bool interrupts) {
    rank_release(Rank::RunQueue, &cpu.lock, true);
    cpu.lock.release(interrupts);
}

u64 turn_end(const Cpu& cpu) {
    const Thread& thread = *cpu.current;
    if (!cpu.queued || &thread == cpu.idle) return kForever;  // the idle loop looks by itself
    u64 left = thread.budget_ns;
    if (!cpu.woken.empty() && !thread.woken_first && left > kWakeGranularityNs) left = kWakeGranularityNs;
    return thread.dispatched_ns + left;
}

void program_timer(Cpu& cpu) {
    // A turn that is over already needs no interrupt to end it.
    bool ending = cpu.current->work() & kWorkReschedule;
    u64 turn = ending ? kForever : turn_end(cpu), event = cpu.next_event_ns;
    u64 wanted = turn < event ? turn : event;
    // A timer set too early is let fire: setting it costs as much.
    if (wanted >= cpu.armed_ns) return;
    cpu.armed_ns = wanted;
    arch::arm_timer(wanted);
}

void finish_switch() {
    Cpu& cpu = this_cpu();
    Thread* previous = cpu.previous;
    cpu.previous = nullptr;
    bool dead = previous && previous->state == ThreadState::Dead;
    program_timer(cpu);
    unlock_queue(cpu, false);
    if (dead) previous->unref();
    Thread& now_running = *cpu.current;
    if (!now_running.is_kernel_thread()) watch_cpu_timers(now_running);
}

void schedule() {
    bool interrupts = arch::interrupts_disable();
    Cpu& cpu = this_cpu();
    lock_queue(cpu);
    Thread& from = *cpu.current;
    u64 now = arch::now_ns();
    charge(cpu, from, now);
    bool stays = from.state == ThreadState::Running && &from != cpu.idle;
    if (stays) {
        put_back(cpu, from);
    } else if (&from != cpu.idle) {
        from.slept_at_ns = now;
    }
    Thread& to = dequeue(cpu);
    to.state = ThreadState::Running;
    to.dispatched_ns = now;
    if (&to != cpu.idle && to.enqueued_ns < now)
        counters::add(counters::local().run_queue_delay_ns, now - to.enqueued_ns);
    if (&to == &from) {
        program_timer(cpu);
        unlock_queue(cpu, interrupts);
        return;
    }
    (stays ? from.involuntary_switches : from.voluntary_switches)++;
    switch_to(cpu, from, to);
    finish_switch();
    arch::interrupts_restore(interrupts);
}

void end_turn_if_due() {
    Thread& thread = current();
    apply_affinity(thread);
    bool interrupts = arch::interrupts_disable();
    Cpu& cpu = this_cpu();
    lock_queue(cpu);
    bool due = turn_end(cpu) <= arch::now_ns();
    if (!due) program_timer(cpu);
    unlock_queue(cpu, false);
    if (!due) watch_cpu_timers(thread);
    arch::interrupts_restore(interrupts);
    if (due) schedule();
}

void yield() {
    if (!this_cpu().queued) return;
    current().budget_ns = 0;
    schedule();
}

bool wake_thread(Thread& thread) {
    std::atomic_thread_fence(std::memory_order_seq_cst);  // the condition first, then the state (begin_sleep)
    while (thread.state == ThreadState::Sleeping) {
        Cpu& cpu = cpu_at(thread.cpu);
        bool interrupts = lock_queue(cpu);
        if (thread.cpu != cpu.index || thread.state != ThreadState::Sleeping) {
            unlock_queue(cpu, interrupts);
            continue;
        }
        if (cpu.current == &thread) {  // has not left yet: schedule() will see
            thread.state = ThreadState::Running;
            unlock_queue(cpu, interrupts);
            return true;
        }
        thread.state = ThreadState::Runnable;
        u64 now = arch::now_ns();
        thread.blocked_ns += now - thread.slept_at_ns;
        Place place = place_after_sleep(thread);
        Cpu& target = choose_cpu(thread);
        if (&target == &cpu) {
            enqueue(cpu, thread, place);
            announce(cpu);
            unlock_queue(cpu, interrupts);
        } else {
            thread.cpu = target.index;  // nobody else touches a Runnable thread that is on no queue
            unlock_queue(cpu, false);
            add_to(target, thread, place);
            arch::interrupts_restore(interrupts);
        }
        return true;
    }
    return false;
}

void start_thread(Thread& thread) {
    thread.ref();  // the scheduler's own, dropped after the last switch away
    thread.cpu = arch::cpu_index();
    thread.state = ThreadState::Runnable;
    thread.budget_ns = kSliceNs;
    Cpu& target = choose_cpu(thread);
    thread.cpu = target.index;
    add_to(target, thread, Place::Back);
}

void apply_affinity(Thread& thread) {
    if (&thread == &current()) {
        if (allowed_on(thread, arch::cpu_index())) return;
        // Waking up chooses an allowed CPU.
        (void)sleep_until(arch::now_ns() + 1, Sleep::Uninterruptible);  // cannot be interrupted
        return;
    }
    for (;;) {
        Cpu& cpu = cpu_at(thread.cpu);
        bool interrupts = lock_queue(cpu);
        bool found = thread.cpu == cpu.index;
        bool move = found && !allowed_on(thread, cpu.index) && thread.run_node.linked();
        if (move) {
            thread.run_node.unlink();
            cpu.queued--;
            thread.cpu = choose_cpu(thread).index;
        } else if (found && cpu.current == &thread) {
            thread.raise_work(kWorkReschedule);
        }
        unlock_queue(cpu, interrupts);
        if (move) add_to(cpu_at(thread.cpu), thread, Place::Back);
        if (found) return;
    }
}

void leave_scheduler() {
    current().state = ThreadState::Dead;
    schedule();
    panic("a dead thread was scheduled");
}

}  // namespace astra::sched
