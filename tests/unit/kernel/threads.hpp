// Kernel threads in a test: the test's own thread is the CPU's idle thread, and hands the CPU over by asking
// to.
#pragma once
#include "guest_kernel/sched/internal.hpp"
#include "tests/unit/kernel/memory.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace astra::test {

class ThreadTest : public testing::Test {
  protected:
    void SetUp() override {
        start_memory();
        static const bool started = [] {
            sched::init_cpu(0);
            return true;
        }();
        (void)started;
        arch::interrupts_enable();
    }
    void TearDown() override { EXPECT_EQ(running_, 0) << "threads that never ended"; }

    /// Starts a thread; it runs when the test calls settle() or finish(). Stacks are small: assert outside.
    void start(std::function<void()> body) {
        running_++;
        auto* job = new Job{this, std::move(body)};
        auto thread = sched::start_kernel_thread(
            "test",
            [](void* argument) {
                auto* mine = static_cast<Job*>(argument);
                mine->body();
                mine->test->running_--;
                delete mine;
            },
            job);
        ASSERT_TRUE(thread.has_value());
    }
    /// Runs threads until all sleep or have ended.
    static void settle() {
        while (sched::this_cpu().queued) sched::schedule();
    }
    /// Runs threads until all have ended; time passes when all sleep.
    void finish() {
        for (settle(); running_ > 0; settle()) {
            arch::interrupts_disable();
            arch::idle_wait();
            arch::interrupts_enable();
        }
    }

  private:
    struct Job {
        ThreadTest* test;
        std::function<void()> body;
    };
    int running_ = 0;
};

}  // namespace astra::test
