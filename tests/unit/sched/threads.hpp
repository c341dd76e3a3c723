// Kernel threads for tests: the scheduler on the host's one CPU, whose idle thread is the test itself.
#pragma once
#include "guest_kernel/sched/internal.hpp"  // before libc's macros

#include <deque>
#include <functional>

#include "guest_kernel/arch/host/host.hpp"
#include "guest_kernel/mm/frames.hpp"

namespace astra::test {

inline void start_scheduler() {
    static const bool started = [] {
        mm::init_frames({&arch::host::kRam, 1});
        sched::init_cpu(0);
        return true;
    }();
    (void)started;
}

/// Bodies run in threads of their own, until all of them have ended. Time jumps to the next timer when all
/// sleep.
class Threads {
  public:
    Threads() { start_scheduler(); }
    void add(std::function<void()> body) { bodies_.emplace_back(std::move(body)); }
    /// Runs what is runnable until nothing is, without letting time pass.
    void settle() {
        for (; started_ < bodies_.size(); started_++)
            (void)sched::start_kernel_thread("test", run, &bodies_[started_]).value();
        while (sched::this_cpu().queued) sched::schedule();
    }
    void run_all() {
        settle();
        while (running_ > 0) {
            arch::idle_wait();
            settle();
        }
    }

  private:
    struct Body {
        explicit Body(std::function<void()> f) : function(std::move(f)) { running_++; }
        std::function<void()> function;
    };
    static void run(void* argument) {
        static_cast<Body*>(argument)->function();
        running_--;
    }
    static inline int running_ = 0;
    std::deque<Body> bodies_;
    usize started_ = 0;
};

}  // namespace astra::test
