// Pipes: order, capacity, atomic writes, ends that go away, waiting; FIFOs.
#include "guest_kernel/fs/pipe.hpp"

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/inode.hpp"
#include "tests/unit/kernel/threads.hpp"

#include <deque>
#include <random>
#include <string>

namespace astra::test {

namespace {

using namespace fs;

constexpr int kSetPipeSize = 1031, kGetPipeSize = 1032;

/// Bytes read or written, or -errno.
i64 put(File& file, std::string_view text) {
    KernelBuffer buffer(std::span<const u8>(reinterpret_cast<const u8*>(text.data()), text.size()));
    Result<usize> done = file.write(buffer, nullptr);
    return done ? static_cast<i64>(*done) : -static_cast<i64>(done.error());
}
i64 get(File& file, std::string& text, usize most = 1 << 20) {
    text.resize(most);
    KernelBuffer buffer(std::span<u8>(reinterpret_cast<u8*>(text.data()), most));
    Result<usize> done = file.read(buffer, nullptr);
    text.resize(done ? *done : 0);
    return done ? static_cast<i64>(*done) : -static_cast<i64>(done.error());
}
i64 no(Errno e) { return -static_cast<i64>(e); }

class Pipes : public ThreadTest {
  protected:
    static PipeEnds make(u32 flags = kONonblock) { return *make_pipe(flags); }
};

TEST_F(Pipes, KeepOrderAndCapacity) {
    PipeEnds p = make();
    std::string text;
    EXPECT_EQ(get(*p.reader, text), no(Errno::kEAGAIN));
    EXPECT_EQ(put(*p.writer, "first"), 5);
    EXPECT_EQ(put(*p.writer, "second"), 6);
    EXPECT_EQ(get(*p.reader, text, 3), 3);
    EXPECT_EQ(get(*p.reader, text), 8);
    EXPECT_EQ(text, "stsecond");
    EXPECT_EQ(put(*p.writer, std::string(100000, 'x')), 65536);
    EXPECT_EQ(put(*p.writer, "x"), no(Errno::kEAGAIN));
    EXPECT_EQ(p.writer->poll(nullptr), 0u);
    EXPECT_EQ(get(*p.reader, text, 100), 100);
    EXPECT_EQ(put(*p.writer, std::string(4096, 'y')), no(Errno::kEAGAIN));  // whole or not at all
    EXPECT_EQ(put(*p.writer, std::string(5000, 'y')), 100);
    EXPECT_EQ(put(*p.reader, "x"), no(Errno::kEBADF));
    EXPECT_EQ(get(*p.writer, text), no(Errno::kEBADF));
}

TEST_F(Pipes, AgreeWithAQueue) {
    std::mt19937 random(4);
    u64 free = mm::frame_stats().free;
    {
        PipeEnds p = make();
        std::deque<char> model;
        usize capacity = 65536;
        u8 next = 0;
        for (int step = 0; step < 20000; step++) {
            usize count = 1 + random() % (random() % 4 ? 700 : 30000);
            if (random() % 100 == 0) {
                usize wanted = kPageSize << random() % 6;
                i64 set = p.reader->control(kSetPipeSize, wanted).value_or(-1);
                ASSERT_EQ(set, wanted < model.size() ? -1 : static_cast<i64>(wanted));
                if (set > 0) capacity = wanted;
            } else if (random() % 2) {
                std::string text;
                for (usize i = 0; i < count; i++) text += static_cast<char>(next + i);
                usize room = capacity - model.size();
                i64 expected = count <= 4096 ? (room >= count ? static_cast<i64>(count) : no(Errno::kEAGAIN))
                               : room == 0   ? no(Errno::kEAGAIN)
                                             : static_cast<i64>(std::min(room, count));
                ASSERT_EQ(put(*p.writer, text), expected) << "step " << step;
                for (i64 i = 0; i < expected; i++) model.push_back(text[static_cast<usize>(i)]);
                if (expected > 0) next = static_cast<u8>(next + expected);
            } else {
                std::string text;
                i64 expected =
                    model.empty() ? no(Errno::kEAGAIN) : static_cast<i64>(std::min(model.size(), count));
                ASSERT_EQ(get(*p.reader, text, count), expected) << "step " << step;
                for (char c : text) {
                    ASSERT_EQ(c, model.front()) << "step " << step;
                    model.pop_front();
                }
            }
            ASSERT_EQ(p.reader->poll(nullptr) != 0, !model.empty());
            ASSERT_EQ(p.writer->poll(nullptr) != 0, capacity - model.size() >= 4096);
        }
        EXPECT_EQ(p.writer->control(kGetPipeSize, 0).value_or(0), static_cast<i64>(capacity));
    }
    EXPECT_EQ(mm::frame_stats().free, free);
}

TEST_F(Pipes, TellWhenTheOtherEndIsGone) {
    std::string text;
    PipeEnds p = make();
    EXPECT_EQ(put(*p.writer, "last"), 4);
    p.writer = {};
    EXPECT_EQ(p.reader->poll(nullptr), kPollReadable | kPollHup);
    EXPECT_EQ(get(*p.reader, text), 4);
    EXPECT_EQ(get(*p.reader, text), 0);
    EXPECT_EQ(p.reader->poll(nullptr), u32{kPollHup});
    p = make();
    p.reader = {};
    EXPECT_EQ(p.writer->poll(nullptr), kPollWritable | kPollErr);
    EXPECT_EQ(put(*p.writer, "x"), no(Errno::kEPIPE));
    EXPECT_EQ(put(*p.writer, ""), 0);
}

TEST_F(Pipes, WaitForTheOtherSide) {
    PipeEnds p = make(0);
    std::string got, all;
    i64 sent = 0;
    start([&] { get(*p.reader, got, 10); });
    settle();
    EXPECT_TRUE(got.empty() || got.size() == 10);  // asleep: its buffer as it was
    start([&] { put(*p.writer, "hello"); });
    finish();
    EXPECT_EQ(got, "hello");
    // More than the pipe holds: the two take turns.
    start([&] {
        sent = put(*p.writer, std::string(300000, 'z'));
        p.writer = {};
    });
    start([&] {
        std::string part;
        while (get(*p.reader, part, 7000) > 0) all += part;
    });
    finish();
    EXPECT_EQ(sent, 300000);
    EXPECT_EQ(all, std::string(300000, 'z'));
}

TEST_F(Pipes, WakeTheBlockedWhenAnEndCloses) {
    PipeEnds p = make(0);
    std::string text;
    i64 read = 99, written = 99;
    start([&] { read = get(*p.reader, text, 10); });
    settle();
    p.writer = {};
    finish();
    EXPECT_EQ(read, 0);
    p = make(0);
    start([&] { written = put(*p.writer, std::string(70000, 'x')); });
    settle();
    p.reader = {};
    finish();
    EXPECT_EQ(written, 65536);
}

class TestInode final : public Inode {
  public:
    TestInode() : Inode(kTypeFifo) {}
    Ownership ownership() override { return {kTypeFifo | 0600u, 0, 0}; }
    Result<void> stat(abi::Stat& out) override {
        out = {};
        return {};
    }
};

TEST_F(Pipes, FifosMeet) {
    auto inode = *make_ref<TestInode>();
    EXPECT_EQ(open_fifo(*inode, kOWriteOnly | kONonblock).error(), Errno::kENXIO);
    Ref<File> early = *open_fifo(*inode, kOReadOnly | kONonblock);
    EXPECT_EQ(early->poll(nullptr), 0u);  // no writer yet is not a hang-up
    std::string text;
    EXPECT_EQ(get(*early, text), 0);
    Ref<File> writer = *open_fifo(*inode, kOWriteOnly | kONonblock);
    EXPECT_EQ(put(*writer, "through"), 7);
    EXPECT_EQ(get(*early, text), 7);
    EXPECT_EQ(get(*early, text), no(Errno::kEAGAIN));
    writer = {};
    EXPECT_EQ(early->poll(nullptr), u32{kPollHup});
    early = {};
    // Blocking opens wait for each other.
    Ref<File> ends[2];
    start([&] { ends[0] = open_fifo(*inode, kOReadOnly).value_or(nullptr); });
    settle();
    EXPECT_FALSE(ends[0]);
    start([&] { ends[1] = open_fifo(*inode, kOWriteOnly).value_or(nullptr); });
    finish();
    EXPECT_TRUE(ends[0] && ends[1]);
    EXPECT_EQ(ends[0]->inode(), inode.get());
    ends[0] = ends[1] = {};
    EXPECT_EQ(inode->ref_count(), 1u);
}

}  // namespace

}  // namespace astra::test
