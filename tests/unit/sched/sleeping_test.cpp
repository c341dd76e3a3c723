// Threads that sleep and wake each other: wait queues, mutexes, timers, in every order one CPU can produce.
#include "tests/unit/sched/threads.hpp"

#include <gtest/gtest.h>

#include <string>

namespace astra::sched {
namespace {

using test::Threads;

TEST(Sleeping, WaitQueueWakesOnCondition) {
    Threads threads;
    WaitQueue queue;
    bool ready = false, done = false;
    threads.add([&] {
        EXPECT_TRUE(queue.wait([&] { return ready; }));
        done = true;
    });
    threads.settle();
    queue.wake();  // nothing has changed: it sleeps on
    threads.settle();
    EXPECT_FALSE(done);
    ready = true;
    queue.wake();
    threads.settle();
    EXPECT_TRUE(done);
}

TEST(Sleeping, WaitTimesOut) {
    Threads threads;
    WaitQueue queue;
    Result<void> result;
    u64 start = arch::now_ns(), end = 0;
    threads.add([&] {
        result = queue.wait([] { return false; }, Sleep::Interruptible, start + 5'000'000);
        end = arch::now_ns();
    });
    threads.run_all();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), Errno::kETIMEDOUT);
    EXPECT_GE(end, start + 5'000'000);
}

TEST(Sleeping, ExclusiveWaitersAreWokenOneByOne) {
    Threads threads;
    WaitQueue queue;
    int awake = 0;
    for (int i = 0; i < 3; i++)
        threads.add([&] {
            Waiter waiter;
            waiter.exclusive = true;
            queue.prepare(waiter, Sleep::Uninterruptible);
            (void)queue.sleep(waiter, kForever);
            awake++;
        });
    threads.settle();
    for (int expected = 1; expected <= 3; expected++) {
        queue.wake();
        threads.settle();
        EXPECT_EQ(awake, expected);
    }
}

TEST(Sleeping, SleepersWakeInOrderOfDeadline) {
    Threads threads;
    std::string order;
    u64 start = arch::now_ns();
    const struct {
        char name;
        u64 after_ns;
    } sleepers[] = {{'c', 30'000'000}, {'a', 10'000'000}, {'b', 20'000'000}};
    for (auto& sleeper : sleepers)
        threads.add([&] {
            EXPECT_TRUE(sleep_until(start + sleeper.after_ns, Sleep::Interruptible));
            order += sleeper.name;
        });
    threads.run_all();
    EXPECT_EQ(order, "abc");
}

TEST(Sleeping, CancelledTimersDoNotFire) {
    Threads threads;
    static int fired;
    fired = 0;
    TimerEvent kept, cancelled;
    kept.fire = cancelled.fire = [](TimerEvent&) { fired++; };
    u64 now = arch::now_ns();
    arm(kept, now + 2'000'000);
    arm(cancelled, now + 1'000'000);
    cancel(cancelled);
    threads.add([&] { (void)sleep_until(now + 3'000'000, Sleep::Uninterruptible); });
    threads.run_all();
    EXPECT_EQ(fired, 1);
    EXPECT_FALSE(kept.armed);
}

TEST(Sleeping, MutexIsFirstComeFirstServed) {
    Threads threads;
    Mutex mutex;
    std::string order;
    for (char name : {'a', 'b', 'c'})
        threads.add([&mutex, &order, name] {
            mutex.acquire();
            order += name;
            (void)sleep_until(arch::now_ns() + 1'000'000, Sleep::Uninterruptible);
            order += name;
            mutex.release();
        });
    threads.run_all();
    EXPECT_EQ(order, "aabbcc");
    EXPECT_FALSE(mutex.held());
}

TEST(Sleeping, YieldLetsOthersRun) {
    Threads threads;
    std::string order;
    for (char name : {'a', 'b'})
        threads.add([&order, name] {
            for (int i = 0; i < 3; i++) {
                order += name;
                yield();
            }
        });
    threads.run_all();
    EXPECT_EQ(order, "ababab");
}

TEST(LockRanks, WrongOrderPanics) {
    test::start_scheduler();
    SpinLocked<int, Rank::Heap> inner(0);
    SpinLocked<int, Rank::Signals> outer(0);
    MutexLocked<int, Rank::Inode> mutex(0);
    {
        auto first = outer.lock();
        auto second = inner.lock();
    }
    EXPECT_DEATH(
        {
            auto first = inner.lock();
            auto second = outer.lock();
        },
        "rank");
    EXPECT_DEATH(
        {
            auto first = outer.lock();
            auto second = mutex.lock();
        },
        "mutex of rank");
    EXPECT_DEATH(
        {
            auto first = outer.lock();
            auto second = outer.lock();
        },
        "");
}

}  // namespace
}  // namespace astra::sched
