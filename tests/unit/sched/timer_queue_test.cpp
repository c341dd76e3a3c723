// The timer queue against a sorted multiset.
#include "guest_kernel/sched/timer_queue.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

namespace astra::sched {
namespace {

TEST(TimerQueue, EarliestFirst) {
    TimerQueue queue;
    TimerEvent events[5];
    const u64 deadlines[] = {50, 10, 40, 20, 30};
    for (int i = 0; i < 5; i++) {
        events[i].deadline_ns = deadlines[i];
        queue.insert(events[i]);
    }
    for (u64 expected : {10, 20, 30, 40, 50}) {
        ASSERT_NE(queue.first(), nullptr);
        EXPECT_EQ(queue.first()->deadline_ns, expected);
        queue.remove(*queue.first());
    }
    EXPECT_EQ(queue.first(), nullptr);
}

TEST(TimerQueue, RemoveMarksDisarmed) {
    TimerQueue queue;
    TimerEvent a, b;
    a.deadline_ns = 1, b.deadline_ns = 2;
    queue.insert(a);
    queue.insert(b);
    EXPECT_TRUE(b.armed);
    queue.remove(b);
    EXPECT_FALSE(b.armed);
    EXPECT_EQ(queue.first(), &a);
}

TEST(TimerQueue, RandomInsertAndRemoveAgreesWithASet) {
    std::mt19937_64 random(1);
    std::deque<TimerEvent> events(300);
    std::multiset<u64> model;
    TimerQueue queue;
    for (int step = 0; step < 20'000; step++) {
        TimerEvent& event = events[random() % events.size()];
        if (event.armed) {
            model.erase(model.find(event.deadline_ns));
            queue.remove(event);
        } else {
            event.deadline_ns = random() % 1000;
            model.insert(event.deadline_ns);
            queue.insert(event);
        }
        ASSERT_EQ(queue.first() == nullptr, model.empty());
        if (!model.empty()) { ASSERT_EQ(queue.first()->deadline_ns, *model.begin()); }
    }
}

TEST(TimerQueue, WhatFollowsTheWallMovesWithIt) {
    TimerQueue queue;
    TimerEvent fixed, early, late;
    fixed.deadline_ns = 100;
    early.deadline_ns = 90, early.follows_wall = true;
    late.deadline_ns = 1000, late.follows_wall = true;
    for (TimerEvent* event : {&fixed, &early, &late}) queue.insert(*event);
    queue.shift_wall(50);
    EXPECT_EQ(queue.first(), &fixed);
    EXPECT_EQ(early.deadline_ns, 140u);
    queue.shift_wall(-950);
    EXPECT_EQ(queue.first(), &early);
    EXPECT_EQ(early.deadline_ns, 1u) << "not before the beginning of time";
    queue.remove(early);
    EXPECT_EQ(queue.first(), &fixed) << "at the same time as the other, or before";
    EXPECT_EQ(late.deadline_ns, 100u);
    queue.remove(fixed);
    EXPECT_EQ(queue.first(), &late);
    EXPECT_TRUE(late.armed);
}

}  // namespace
}  // namespace astra::sched
