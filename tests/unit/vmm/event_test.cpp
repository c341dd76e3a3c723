// The device thread's parts: the loop, timers, streams over descriptors.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "vmm/base/event_fd.hpp"
#include "vmm/machine/fd_stream.hpp"
#include "vmm/machine/timer_queue.hpp"

namespace astra::vmm {
namespace {

TEST(EventLoop, RunsTheCallbacksOfWhatIsReady) {
    auto loop = EventLoop::create();
    auto event = EventFd::create();
    ASSERT_TRUE(loop && event);
    int calls = 0;
    EXPECT_TRUE(*loop->add(event->fd(), EPOLLIN, [&](u32) { event->drain(), calls++; }));
    EXPECT_EQ(*loop->dispatch(0), 0u);
    event->signal();
    event->signal();
    EXPECT_EQ(*loop->dispatch(-1), 1u);
    EXPECT_EQ(*loop->dispatch(0), 0u);
    EXPECT_EQ(calls, 1);
}

TEST(EventLoop, SaysWhatItCannotWatch) {
    auto loop = EventLoop::create();
    Fd file(::memfd_create("file", 0));
    auto watched = loop->add(file.get(), EPOLLOUT, [](u32) {});
    ASSERT_TRUE(watched);
    EXPECT_FALSE(*watched);
    EXPECT_FALSE(loop->add(-1, EPOLLIN, [](u32) {}));
}

class TimerQueueTest : public testing::Test {
  protected:
    TimerQueueTest() : loop(*EventLoop::create()), queue(*TimerQueue::create()) {
        EXPECT_TRUE(loop.add(queue->fd(), EPOLLIN, [this](u32) { queue->fire(); }));
    }
    std::unique_ptr<Timer> timer(std::string name) {
        return queue->factory(lock)([this, name] { fired += name; });
    }
    void run_until(u64 deadline) {
        while (clock.now_ns() < deadline) ASSERT_TRUE(loop.dispatch(1));
    }
    EventLoop loop;
    std::unique_ptr<TimerQueue> queue;
    std::mutex lock;
    HostClock clock;
    std::string fired;
};

TEST_F(TimerQueueTest, FiresInOrderOnce) {
    auto a = timer("a"), b = timer("b"), c = timer("c");
    u64 now = clock.now_ns();
    b->arm(now + 4'000'000);
    a->arm(now + 2'000'000);
    c->arm(now + 6'000'000);
    c->disarm();
    run_until(now + 20'000'000);
    EXPECT_EQ(fired, "ab");
}

TEST_F(TimerQueueTest, ArmingAgainReplaces) {
    auto a = timer("a"), b = timer("b");
    u64 now = clock.now_ns();
    a->arm(now + 60'000'000'000);
    b->arm(now + 1'000'000);
    a->arm(0);  // long past
    run_until(now + 10'000'000);
    EXPECT_EQ(fired, "ab");
}

TEST_F(TimerQueueTest, CallbacksMayArmThemselves) {
    int count = 0;
    std::unique_ptr<Timer> periodic;
    periodic = queue->factory(lock)([&] {
        if (++count < 5) periodic->arm(clock.now_ns() + 500'000);
    });
    u64 now = clock.now_ns();
    periodic->arm(now);
    run_until(now + 30'000'000);
    EXPECT_EQ(count, 5);
}

TEST_F(TimerQueueTest, StoppedQueuesAndDeadTimersAreSilent) {
    auto a = timer("a");
    timer("dead")->arm(clock.now_ns());
    a->arm(clock.now_ns() + 1'000'000);
    queue->stop();
    a->arm(clock.now_ns());
    run_until(clock.now_ns() + 5'000'000);
    EXPECT_EQ(fired, "");
}

class SocketStreamTest : public testing::Test {
  protected:
    SocketStreamTest() {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
        peer = Fd(ends[0]);
        stream = *FdStream::create(Fd(ends[1]));
    }
    std::vector<u8> bytes(usize n) { return std::vector<u8>(n, 'x'); }
    Fd peer;
    std::unique_ptr<FdStream> stream;
};

TEST_F(SocketStreamTest, ReadsWhatIsThereAndTheEnd) {
    std::array<u8, 8> buffer;
    EXPECT_EQ(stream->read(buffer), 0u);
    ASSERT_EQ(::write(peer.get(), "hello world", 11), 11);
    EXPECT_EQ(stream->read(buffer), 8u);
    EXPECT_EQ(stream->read(buffer), 3u);
    peer.reset();
    EXPECT_EQ(stream->read(buffer), 0u);
}

TEST_F(SocketStreamTest, BlocksWhenThePeerDoesNotRead) {
    auto loop = *EventLoop::create();
    int ready = 0;
    ASSERT_TRUE(stream->watch(loop, [&] { ready++; }));
    ASSERT_TRUE(loop.dispatch(0));
    EXPECT_EQ(ready, 1);
    auto data = bytes(4 << 20);
    usize taken = stream->write(data);
    EXPECT_LT(taken, data.size());
    EXPECT_TRUE(stream->blocked());
    EXPECT_EQ(*loop.dispatch(0), 0u);
    std::vector<u8> sink(8 << 20);
    ASSERT_GT(::read(peer.get(), sink.data(), sink.size()), 0);
    EXPECT_EQ(*loop.dispatch(1000), 1u);
    EXPECT_EQ(ready, 2);
    EXPECT_EQ(stream->write(std::span(data).first(10)), 10u);
    EXPECT_FALSE(stream->blocked());
}

TEST_F(SocketStreamTest, DropsOutputWhenThePeerIsGone) {
    peer.reset();
    EXPECT_EQ(stream->write(bytes(1 << 20)), usize{1} << 20);
    EXPECT_FALSE(stream->blocked());
}

TEST(PipeStream, NeverBlocksOnAFullPipe) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    Fd reader(ends[0]);
    auto stream = *FdStream::create(Fd(ends[1]));
    std::vector<u8> data(1 << 20, 'y');
    usize taken = stream->write(data);
    EXPECT_GT(taken, 4096u);
    EXPECT_LT(taken, data.size());
    EXPECT_TRUE(stream->blocked());
    EXPECT_EQ(::fcntl(reader.get(), F_GETFL) & O_NONBLOCK, 0);
    std::array<u8, 4> buffer;
    EXPECT_EQ(stream->read(buffer), 0u);
}

TEST(FileStream, TakesEverything) {
    Fd file(::memfd_create("file", 0));
    auto loop = *EventLoop::create();
    auto stream = *FdStream::create(Fd(::dup(file.get())));
    ASSERT_TRUE(stream->watch(loop, [] {}));
    std::vector<u8> data(100'000, 'z');
    EXPECT_EQ(stream->write(data), data.size());
    EXPECT_EQ(::lseek(file.get(), 0, SEEK_END), 100'000);
}

TEST(NoStream, DropsOutput) {
    FdStream stream;
    std::array<u8, 4> buffer{};
    EXPECT_EQ(stream.write(buffer), 4u);
    EXPECT_EQ(stream.read(buffer), 0u);
}

}  // namespace
}  // namespace astra::vmm
