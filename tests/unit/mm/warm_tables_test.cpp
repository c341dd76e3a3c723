// Warm tables: what comes back, what may not, and that parked memory is free memory.
#include "guest_kernel/mm/warm_tables.hpp"

#include "guest_kernel/mm/address_space.hpp"
#include "tests/unit/mm/fixture.hpp"

namespace astra::mm {

namespace {

constexpr u32 kRw = kProtRead | kProtWrite, kFixed = kMapPrivate | kMapFixed;
constexpr u64 kSlot = 0x4000'0000, kProgram = 0x1000'0000;
constexpr u64 kPages = 64;

class Warm : public SpaceTest {
  protected:
    Warm() {
        use_warm_tables(true);
        source = Ref<TestSource>(*make_ref<TestSource>(4));
    }
    ~Warm() override { source = {}; }
    void fill(u64 at, u64 pages, u8 value) {
        for (u64 i = 0; i < pages; i++) ASSERT_TRUE(put(at + i * kPageSize, value));
    }
    void expect(u64 at, u64 pages, int value) {
        for (u64 i = 0; i < pages; i++) ASSERT_EQ(get(at + i * kPageSize), value) << "page " << i;
    }
    /// A program of a data segment and some memory, as exec would map it.
    void load(AddressSpace& in) {
        map(in, kProgram, 4 * kPageSize, kRw, kFixed, source);
        map(in, kSlot, kPages * kPageSize, kRw, kFixed);
        u8 argument = 99;
        EXPECT_EQ(*in.poke(UserAddr(kSlot), {&argument, 1}), 1u);
        in.warm_up();
    }
    Ref<TestSource> source;
};

TEST_F(Warm, LargeAreasComeBackZeroed) {
    u64 at = map(0, kPages * kPageSize);
    EXPECT_TRUE(is_aligned(at, kHugePageSize));
    fill(at, kPages, 7);
    EXPECT_EQ(resident(*space), kPages);
    u64 free = frame_stats().free;
    EXPECT_TRUE(space->unmap(UserAddr(at), kPages * kPageSize));
    EXPECT_EQ(resident(*space), 0u);
    EXPECT_EQ(warm_stats().pages, kPages);
    EXPECT_EQ(frame_stats().free, free + kPages + 1);  // the table, too, is free memory
    EXPECT_EQ(get(at), -1);
    EXPECT_EQ(u64(map(0, kPages * kPageSize)), at);
    faults = 0;
    EXPECT_TRUE(put(at, 1));
    expect(at + kPageSize, kPages - 1, 0);
    EXPECT_EQ(faults, 1u);
    EXPECT_EQ(resident(*space), kPages);
    EXPECT_EQ(get(at + kPages * kPageSize), -1);
    EXPECT_EQ(last, FaultOutcome::NotMapped);
}

TEST_F(Warm, TablesAreTrimmedToTheArea) {
    map(kSlot, kPages * kPageSize, kRw, kFixed);
    fill(kSlot, kPages, 7);
    EXPECT_TRUE(space->unmap(UserAddr(kSlot), kPages * kPageSize));
    u64 at = kSlot + 8 * kPageSize;
    map(at, (kPages - 16) * kPageSize, kRw, kFixed);
    expect(at, kPages - 16, 0);
    EXPECT_EQ(get(kSlot + 7 * kPageSize), -1);
    EXPECT_EQ(get(kSlot + (kPages - 8) * kPageSize), -1);
    EXPECT_EQ(resident(*space), kPages - 16);
}

TEST_F(Warm, ReadOnlyAreasTakeNothingWritable) {
    map(kSlot, kPages * kPageSize, kRw, kFixed);
    fill(kSlot, kPages, 7);
    EXPECT_TRUE(space->unmap(UserAddr(kSlot), kPages * kPageSize));
    map(kSlot, kPages * kPageSize, kProtRead, kFixed);
    expect(kSlot, kPages, 0);
    EXPECT_FALSE(put(kSlot, 1));
    EXPECT_EQ(last, FaultOutcome::Denied);
}

TEST_F(Warm, NeighboursInTheSlotStay) {
    map(kSlot, kPages * kPageSize, kRw, kFixed);
    u64 other = kSlot + 2 * kPages * kPageSize;
    map(other, kPages * kPageSize, kRw, kFixed);
    fill(kSlot, kPages, 7);
    fill(other, kPages, 8);
    EXPECT_TRUE(space->unmap(UserAddr(kSlot), kPages * kPageSize));
    EXPECT_EQ(warm_stats().tables, 0u);
    expect(other, kPages, 8);
    EXPECT_EQ(get(kSlot), -1);
}

TEST_F(Warm, SharedPagesAreNotParked) {
    map(kSlot, kPages * kPageSize, kRw, kFixed);
    fill(kSlot, kPages, 7);
    Ref<AddressSpace> child = *space->fork();
    EXPECT_TRUE(space->unmap(UserAddr(kSlot), kPages * kPageSize));
    EXPECT_EQ(warm_stats().pages, 0u);
    run(*child);
    expect(kSlot, kPages, 7);
    run(*space);
    child = {};
}

TEST_F(Warm, SmallAreasComePageByPage) {
    map(kSlot, 8 * kPageSize, kRw, kFixed);
    fill(kSlot, 8, 7);
    EXPECT_EQ(resident(*space), 8u);
    EXPECT_TRUE(space->unmap(UserAddr(kSlot), 8 * kPageSize));
    map(kSlot, 8 * kPageSize, kRw, kFixed);
    EXPECT_TRUE(put(kSlot, 1));
    EXPECT_EQ(resident(*space), 1u);
}

TEST_F(Warm, ParkedMemoryIsGivenBack) {
    map(kSlot, kPages * kPageSize, kRw, kFixed);
    fill(kSlot, kPages, 7);
    EXPECT_TRUE(space->unmap(UserAddr(kSlot), kPages * kPageSize));
    EXPECT_EQ(warm_stats().pages, kPages);
    u64 free = frame_stats().free, taken = 0;
    std::vector<FrameRef> all;
    while (Result<PhysAddr> frame = alloc_frame(Zero::No)) all.push_back(FrameRef::adopt(*frame)), taken++;
    EXPECT_EQ(warm_stats().tables, 0u);
    EXPECT_EQ(taken + frame_stats().free, free);
}

TEST_F(Warm, ForkedTablesServeTheNextChild) {
    load(*space);
    fill(kSlot, kPages, 5);
    auto child = [this](u8 parents, u8 writes) {
        Ref<AddressSpace> copy = *space->fork();
        run(*copy);
        expect(kSlot, kPages, parents);
        EXPECT_EQ(get(kProgram + kPageSize), 2);
        fill(kSlot, kPages / 2, writes);
        put(kProgram + kPageSize, writes);
        run(*space);
        expect(kSlot, kPages, parents);
    };
    child(5, 6);
    EXPECT_GT(warm_stats().tables, 1u);
    child(5, 7);
    fill(kSlot, kPages, 8);
    child(8, 9);
    EXPECT_TRUE(space->unmap(UserAddr(kSlot), kPageSize));
    Ref<AddressSpace> last_child = *space->fork();
    run(*last_child);
    EXPECT_EQ(get(kSlot), -1);
    EXPECT_EQ(get(kSlot + kPageSize), 8);
    run(*space);
}

TEST_F(Warm, ExecutedTablesServeTheNextProcess) {
    for (int round = 0; round < 3; round++) {
        Ref<AddressSpace> process = *AddressSpace::create();
        load(*process);
        run(*process);
        faults = 0;
        EXPECT_EQ(get(kSlot), 99);
        expect(kSlot + kPageSize, kPages - 1, 0);
        for (int i = 0; i < 4; i++) EXPECT_EQ(get(kProgram + i * kPageSize), i + 1);
        fill(kSlot, kPages, 3);
        fill(kProgram, 4, 3);
        EXPECT_TRUE(round == 0 || faults == 0) << faults;
        run(*space);
    }
    source->frames[2] = FrameRef::adopt(*alloc_frame(Zero::Yes));  // the file has changed meanwhile
    Ref<AddressSpace> process = *AddressSpace::create();
    load(*process);
    run(*process);
    EXPECT_EQ(get(kProgram + 2 * kPageSize), 0);
    run(*space);
}

}  // namespace

}  // namespace astra::mm
