// Timer events on each CPU's one-shot timer, and the wall clock.
#include "guest_kernel/drivers/counters.hpp"
#include "guest_kernel/sched/internal.hpp"
#include "guest_kernel/sched/vdso.hpp"

namespace astra::sched {

namespace {

constinit std::atomic<u64> g_wall_offset_ns{0};

void set_next_event(Cpu& cpu, const TimerQueue& queue) {
    cpu.next_event_ns.store(queue.first() ? queue.first()->deadline_ns : kForever, std::memory_order_relaxed);
}

void disarm(TimerEvent& event) {
    while (event.armed) {
        Cpu& cpu = cpu_at(event.cpu);
        auto queue = cpu.timers.lock();
        if (event.cpu != cpu.index) continue;  // re-armed on another CPU meanwhile
        if (!event.armed) return;
        queue->remove(event);
        set_next_event(cpu, *queue);
    }
}

}  // namespace

void arm(TimerEvent& event, u64 deadline_ns, bool follows_wall) {
    disarm(event);
    bool interrupts = arch::interrupts_disable();
    Cpu& cpu = this_cpu();
    {
        auto queue = cpu.timers.lock();
        event.deadline_ns = deadline_ns;
        event.follows_wall = follows_wall;
        event.cpu = cpu.index;
        queue->insert(event);
        set_next_event(cpu, *queue);
    }
    if (deadline_ns < cpu.armed_ns) {
        cpu.armed_ns = deadline_ns;
        arch::arm_timer(deadline_ns);
    }
    arch::interrupts_restore(interrupts);
}

void shift_wall_timers(i64 shift_ns) {
    bool interrupts = arch::interrupts_disable();
    Cpu& cpu = this_cpu();
    {
        auto queue = cpu.timers.lock();
        queue->shift_wall(shift_ns);
        set_next_event(cpu, *queue);
    }
    if (cpu.next_event_ns < cpu.armed_ns) {
        cpu.armed_ns = cpu.next_event_ns;
        arch::arm_timer(cpu.armed_ns);
    }
    arch::interrupts_restore(interrupts);
}

void cancel(TimerEvent& event) {
    for (;;) {
        disarm(event);
        // `fire` may be running, and may be arming the event again.
        bool running = false;
        bool interrupts = arch::interrupts_disable();
        for (u32 i = 0; i < arch::kMaxCpus; i++)
            if (&cpu_at(i) != &this_cpu() && cpu_at(i).firing.load(std::memory_order_seq_cst) == &event)
                running = true;
        arch::interrupts_restore(interrupts);
        if (!running && !event.armed) return;
        arch::spin_pause();
    }
}

void run_timers(Cpu& cpu) {
    // What comes due while these run is the next interrupt's: programs get on, however often events are
    // armed.
    const u64 due = arch::now_ns();
    for (;;) {
        TimerEvent* event;
        {
            auto queue = cpu.timers.lock();
            event = queue->first();
            if (!event || event->deadline_ns > due) return;
            cpu.firing.store(event, std::memory_order_seq_cst);  // before it counts as disarmed: see cancel()
            queue->remove(*event);
            set_next_event(cpu, *queue);
        }
        event->fire(*event);
        // From here on the event may be gone.
        cpu.firing.store(nullptr, std::memory_order_seq_cst);
    }
}

u64 wall_offset_ns() { return g_wall_offset_ns.load(std::memory_order_relaxed); }
u64 wall_now_ns() { return arch::now_ns() + wall_offset_ns(); }
void set_wall_offset_ns(u64 offset) {
    g_wall_offset_ns.store(offset, std::memory_order_relaxed);
    update_time_page();
}

}  // namespace astra::sched

namespace astra {

void handle_timer_interrupt() {
    using namespace sched;
    counters::add(counters::local().timer_interrupts);
    Cpu& cpu = this_cpu();
    cpu.armed_ns = kForever;
    run_timers(cpu);
    bool interrupts = lock_queue(cpu);
    if (turn_end(cpu) <= arch::now_ns()) cpu.current->raise_work(kWorkReschedule);
    program_timer(cpu);
    unlock_queue(cpu, interrupts);
}

}  // namespace astra
