// epoll: levels and edges, one shot, files that end, instances that watch instances, waiting.
#include "guest_kernel/fs/epoll.hpp"

#include "guest_kernel/fs/eventfd.hpp"
#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/pipe.hpp"
#include "guest_kernel/fs/poll_set.hpp"
#include "guest_kernel/mm/address_space.hpp"
#include "guest_kernel/mm/map_flags.hpp"
#include "tests/unit/kernel/threads.hpp"

#include <string>
#include <vector>

namespace astra::test {

namespace {

using namespace fs;

constexpr u32 kOneShot = 1u << 30, kEdge = 1u << 31;
constexpr u64 kMs = 1'000'000;

class Epolls : public ThreadTest {
  protected:
    void SetUp() override {
        ThreadTest::SetUp();
        // A page of program memory for the answers, present from the start.
        space = *mm::AddressSpace::create();
        mm::MapRequest request{};
        request.length = kPageSize;
        request.prot = mm::kProtRead | mm::kProtWrite;
        request.flags = mm::kMapPrivate;
        answers = *space->map(request);
        ASSERT_TRUE(space->populate(answers, kPageSize, true));
        space->activate(0);
        epoll = *make_epoll();
    }
    void TearDown() override {
        epoll = {};
        arch::activate_kernel_tables();
        space->deactivate(0);
        space = {};
        ThreadTest::TearDown();
    }
    static Ref<File> event(u64 initial = 0) { return *make_eventfd(initial, kONonblock); }
    static void signal(File& file, u64 by = 1) {
        KernelBuffer buffer(std::span<const u8>(reinterpret_cast<const u8*>(&by), sizeof by));
        EXPECT_TRUE(file.write(buffer, nullptr));
    }
    static void drain(File& file) {
        u64 value;
        KernelBuffer buffer(std::span<u8>(reinterpret_cast<u8*>(&value), sizeof value));
        EXPECT_TRUE(file.read(buffer, nullptr));
    }
    static Errno add(File& to, const Ref<File>& file, u32 events, u64 data) {
        auto done = control_epoll(to, kEpollAdd, static_cast<int>(data), file, {events, data});
        return done ? Errno{} : done.error();
    }
    Errno add(const Ref<File>& file, u32 events, u64 data) { return add(*epoll, file, events, data); }
    Errno modify(const Ref<File>& file, u32 events, u64 data) {
        auto done = control_epoll(*epoll, kEpollModify, static_cast<int>(data), file, {events, data});
        return done ? Errno{} : done.error();
    }
    Errno remove(const Ref<File>& file, u64 data) {
        auto done = control_epoll(*epoll, kEpollDelete, static_cast<int>(data), file, {});
        return done ? Errno{} : done.error();
    }
    /// "data:events" of what is ready.
    std::vector<std::string> wait(File& from, int most = 16, u64 deadline = 0) {
        Result<int> count = wait_epoll(from, abi::Out<abi::EpollEvent>(answers), most, deadline);
        std::vector<std::string> text;
        if (!count) return {abi::errno_name(static_cast<int>(count.error()))};
        for (int i = 0; i < *count; i++) {
            abi::EpollEvent e = *mm::read(abi::In<abi::EpollEvent>(answers) + static_cast<u64>(i));
            text.push_back(std::to_string(e.data) + ":" + std::to_string(e.events));
        }
        return text;
    }
    std::vector<std::string> wait(int most = 16, u64 deadline = 0) { return wait(*epoll, most, deadline); }

    using Ready = std::vector<std::string>;
    Ref<mm::AddressSpace> space;
    UserAddr answers;
    Ref<File> epoll;
};

TEST_F(Epolls, ChecksItsArguments) {
    Ref<File> a = event();
    EXPECT_EQ(add(a, kPollIn, 1), Errno{});
    EXPECT_EQ(add(a, kPollIn, 1), Errno::kEEXIST);
    EXPECT_EQ(add(a, kPollIn, 2), Errno{});  // another descriptor of the same file
    EXPECT_EQ(modify(a, kPollIn, 3), Errno::kENOENT);
    EXPECT_EQ(remove(a, 3), Errno::kENOENT);
    EXPECT_EQ(add(epoll, kPollIn, 9), Errno::kEINVAL);
    EXPECT_EQ(control_epoll(*a, kEpollAdd, 1, epoll, {}).error(), Errno::kEINVAL);
    EXPECT_EQ(control_epoll(*epoll, 77, 1, a, {}).error(), Errno::kEINVAL);
    EXPECT_EQ(wait_epoll(*epoll, {}, 0, 0).error(), Errno::kEINVAL);
    EXPECT_EQ(wait(), Ready{});
}

TEST_F(Epolls, LevelsStayReadyEdgesDoNot) {
    Ref<File> level = event(), edge = event();
    add(level, kPollIn, 1);
    add(edge, kPollIn | kEdge, 2);
    EXPECT_EQ(wait(), Ready{});
    signal(*level);
    signal(*edge);
    EXPECT_EQ(wait(), (Ready{"1:1", "2:1"}));
    EXPECT_EQ(wait(), Ready{"1:1"});
    signal(*edge);
    EXPECT_EQ(wait().size(), 2u);
    drain(*level);
    EXPECT_EQ(wait(), Ready{});
    EXPECT_EQ(modify(edge, kPollIn | kEdge, 2), Errno{});  // armed anew: still readable
    EXPECT_EQ(wait(), Ready{"2:1"});
}

TEST_F(Epolls, OneShotWaitsToBeArmed) {
    Ref<File> a = event(1);
    add(a, kPollIn | kOneShot, 1);
    EXPECT_EQ(wait(), Ready{"1:1"});
    signal(*a);
    EXPECT_EQ(wait(), Ready{});
    EXPECT_EQ(modify(a, kPollIn | kOneShot, 1), Errno{});
    EXPECT_EQ(wait(), Ready{"1:1"});
}

TEST_F(Epolls, TakesTurnsWhenThereIsMoreThanFits) {
    std::vector<Ref<File>> files;
    for (u64 i = 0; i < 5; i++) {
        files.push_back(event(1));
        add(files.back(), kPollIn, i);
    }
    EXPECT_EQ(wait(2), (Ready{"0:1", "1:1"}));
    EXPECT_EQ(wait(2), (Ready{"2:1", "3:1"}));
    EXPECT_EQ(wait(2), (Ready{"4:1", "0:1"}));
}

TEST_F(Epolls, ForgetsFilesThatEnd) {
    Ref<File> a = event(1), b = event(1);
    add(a, kPollIn, 1);
    add(b, kPollIn, 2);
    a = {};
    EXPECT_EQ(wait(), Ready{"2:1"});
    remove(b, 2);
    EXPECT_EQ(wait(), Ready{});
    EXPECT_EQ(b->ref_count(), 1u);
    add(b, kPollIn, 2);
    epoll = *make_epoll();  // the watcher ends first
    signal(*b);
    EXPECT_EQ(b->watcher_count, 0u);
}

TEST_F(Epolls, ReportsHangUpUnasked) {
    PipeEnds p = *make_pipe(kONonblock);
    add(p.reader, 0, 1);
    EXPECT_EQ(wait(), Ready{});
    p.writer = {};
    EXPECT_EQ(wait(), Ready{"1:16"});
}

TEST_F(Epolls, Nests) {
    Ref<File> inner = *make_epoll(), a = event();
    add(*inner, a, kPollIn, 1);
    add(inner, kPollIn, 2);
    EXPECT_EQ(wait(), Ready{});
    EXPECT_EQ(inner->poll(nullptr), 0u);
    signal(*a);
    EXPECT_EQ(wait(), Ready{"2:1"});
    EXPECT_NE(inner->poll(nullptr), 0u);
    drain(*a);
    EXPECT_EQ(wait(), Ready{});
    // No circles, no towers.
    EXPECT_EQ(add(*inner, epoll, kPollIn, 3), Errno::kELOOP);
    Ref<File> tower = inner;
    std::vector<Ref<File>> floors;
    Errno last{};
    for (int i = 0; i < 8 && last == Errno{}; i++) {
        Ref<File> next = *make_epoll();
        last = add(*next, tower, kPollIn, 1);
        floors.push_back(next);
        tower = next;
    }
    EXPECT_EQ(last, Errno::kELOOP);
    EXPECT_LE(floors.size(), 6u);
    while (!floors.empty()) floors.pop_back();
}

TEST_F(Epolls, WakesOneThreadPerEvent) {
    Ref<File> a = event();
    add(a, kPollIn | kEdge, 1);
    int woken = 0;
    for (int i = 0; i < 3; i++)
        start([&] {
            if (!wait(16, sched::kForever).empty()) woken++;
        });
    settle();
    EXPECT_EQ(woken, 0);
    signal(*a);
    settle();
    EXPECT_EQ(woken, 1);
    signal(*a);
    signal(*a);
    settle();
    EXPECT_GE(woken, 2);
    signal(*a);
    finish();
    EXPECT_EQ(woken, 3);
}

TEST_F(Epolls, TimesOut) {
    Ref<File> a = event();
    add(a, kPollIn, 1);
    u64 before = arch::now_ns(), after = 0;
    bool nothing = false;
    start([&] {
        nothing = wait(16, arch::now_ns() + 50 * kMs).empty();
        after = arch::now_ns();
    });
    finish();
    EXPECT_TRUE(nothing);
    EXPECT_GE(after - before, 50 * kMs);
}

TEST_F(Epolls, PollSetsWaitForAnyFile) {
    Ref<File> a = event(), b = event();
    std::vector<u32> seen;
    start([&] {
        PollSet set;
        (void)set.reserve(3);
        set.add(a, kPollIn);
        set.add(nullptr, kPollIn);
        set.add(b, kPollIn);
        Result<usize> ready = set.wait(sched::kForever);
        seen = {static_cast<u32>(ready.value_or(99)), set.events(0), set.events(1), set.events(2)};
    });
    settle();
    EXPECT_TRUE(seen.empty());
    signal(*b);
    finish();
    EXPECT_EQ(seen, (std::vector<u32>{1, 0, 0, kPollIn}));
    usize timed_out = 99;
    start([&] {
        PollSet set;
        (void)set.reserve(1);
        set.add(a, kPollIn);
        timed_out = set.wait(arch::now_ns() + kMs).value_or(98);
    });
    finish();
    EXPECT_EQ(timed_out, 0u);
}

}  // namespace

}  // namespace astra::test
