// Address spaces seen by their program: mappings, protection, faults, fork, and the frames they cost.
#include "guest_kernel/mm/address_space.hpp"

#include "guest_kernel/mm/warm_tables.hpp"
#include "tests/unit/mm/fixture.hpp"

namespace astra::mm {

namespace {

using Space = SpaceTest;
constexpr u32 kRw = kProtRead | kProtWrite;
using Areas = std::vector<std::string>;
u64 error(Errno e) { return static_cast<u64>(-static_cast<i64>(e)); }

TEST_F(Space, MapsTopDownAndJoins) {
    u64 a = map(0, 3 * kPageSize), b = map(0, kPageSize), c = map(0, kPageSize, kProtRead);
    EXPECT_EQ(b, a - kPageSize);
    EXPECT_EQ(c, b - kPageSize);
    EXPECT_EQ(areas(*space).size(), 2u);  // a and b are one
    EXPECT_TRUE(space->unmap(UserAddr(a), kPageSize));
    EXPECT_EQ(areas(*space).size(), 3u);
    EXPECT_EQ(u64(map(0, kPageSize)), a);  // the gap is found again
    EXPECT_EQ(areas(*space).size(), 2u);
}

TEST_F(Space, ChecksItsArguments) {
    EXPECT_EQ(u64(map(0, 0)), error(Errno::kEINVAL));
    EXPECT_EQ(u64(map(0x10001, kPageSize, kRw, kMapPrivate | kMapFixed)), error(Errno::kEINVAL));
    EXPECT_EQ(u64(map(0x1000, kPageSize, kRw, kMapPrivate | kMapFixed)), error(Errno::kEPERM));
    EXPECT_EQ(u64(map(arch::kUserEnd, kPageSize, kRw, kMapPrivate | kMapFixed)), error(Errno::kENOMEM));
    EXPECT_EQ(u64(map(0, ~u64{0})), error(Errno::kENOMEM));
    EXPECT_EQ(u64(map(0, u64{1} << 47, kProtNone, kMapPrivate | kMapNoReserve)), error(Errno::kENOMEM));
    // More private memory than the machine has is refused, reserving address space is not.
    EXPECT_EQ(u64(map(0, u64{1} << 40)), error(Errno::kENOMEM));
    EXPECT_GT(map(0, u64{1} << 40, kProtNone), 0);
    EXPECT_GT(map(0, u64{1} << 40, kRw, kMapPrivate | kMapNoReserve), 0);
    EXPECT_EQ(space->unmap(UserAddr(1), kPageSize).error(), Errno::kEINVAL);
    EXPECT_EQ(space->unmap(UserAddr(kPageSize), 0).error(), Errno::kEINVAL);
    EXPECT_TRUE(space->unmap(UserAddr(0x7000'0000), kPageSize));  // nothing there: fine
}

TEST_F(Space, PlacesFixedMappings) {
    u64 at = 0x4000'0000;
    EXPECT_EQ(u64(map(at, 4 * kPageSize, kRw, kMapPrivate | kMapFixed)), at);
    EXPECT_TRUE(put(at + kPageSize, 9));
    EXPECT_EQ(u64(map(at + kPageSize, kPageSize, kRw, kMapPrivate | kMapFixedNoReplace)),
              error(Errno::kEEXIST));
    EXPECT_EQ(u64(map(at + kPageSize, kPageSize, kRw, kMapPrivate | kMapFixed)), at + kPageSize);
    EXPECT_EQ(get(at + kPageSize), 0);  // replaced
    EXPECT_EQ(areas(*space), Areas{"40000000-40004000 rw-p"});
    u64 hinted = map(at + kPageSize, kPageSize), free = map(0, kPageSize);
    EXPECT_EQ(hinted, free + kPageSize);                        // a taken hint is only a hint
    EXPECT_EQ(u64(map(0x5000'0123, kPageSize)), 0x5000'1000u);  // a free one is followed
    u64 low = map(0, kPageSize, kRw, kMapPrivate | kMap32Bit);
    EXPECT_LT(low, kMap32BitEnd);
}

TEST_F(Space, FaultsBringZeroesAndTakeFramesOnlyForWrites) {
    u64 at = map(0, 8 * kPageSize);
    u64 free = frame_stats().free;
    EXPECT_EQ(get(at + 5000), 0);
    EXPECT_EQ(resident(*space), 0u);
    EXPECT_LE(free - frame_stats().free, 3u);  // tables only
    EXPECT_TRUE(put(at + 5000, 42));
    EXPECT_EQ(get(at + 5000), 42);
    EXPECT_EQ(get(at + 5001), 0);
    EXPECT_EQ(resident(*space), 1u);
    EXPECT_FALSE(put(at + 8 * kPageSize, 1));
    EXPECT_EQ(last, FaultOutcome::NotMapped);
    EXPECT_FALSE(arch::host::program_touch(UserAddr(at), arch::host::Access::Execute));
    EXPECT_EQ(last, FaultOutcome::Denied);
    EXPECT_TRUE(space->unmap(UserAddr(at), 8 * kPageSize));
    EXPECT_EQ(get(at + 5000), -1);
    EXPECT_EQ(resident(*space), 0u);
}

TEST_F(Space, ProtectSplitsAndJoins) {
    u64 at = map(0x4000'0000, 5 * kPageSize, kRw, kMapPrivate | kMapFixed);
    for (u64 i = 0; i < 5; i++) EXPECT_TRUE(put(at + i * kPageSize, static_cast<u8>(i + 1)));
    EXPECT_TRUE(space->protect(UserAddr(at + kPageSize), kPageSize, kProtRead));
    EXPECT_TRUE(space->protect(UserAddr(at + 3 * kPageSize), kPageSize, kProtNone));
    EXPECT_EQ(areas(*space),
              (Areas{"40000000-40001000 rw-p", "40001000-40002000 r--p", "40002000-40003000 rw-p",
                     "40003000-40004000 ---p", "40004000-40005000 rw-p"}));
    EXPECT_FALSE(put(at + kPageSize, 7));
    EXPECT_EQ(last, FaultOutcome::Denied);
    EXPECT_EQ(get(at + kPageSize), 2);
    EXPECT_EQ(get(at + 3 * kPageSize), -1);
    EXPECT_EQ(last, FaultOutcome::Denied);
    u8 byte;
    EXPECT_EQ(arch::copy_from_user(&byte, UserAddr(at + 3 * kPageSize), 1), 1u);  // nor may the kernel
    u64 before = faults;
    EXPECT_TRUE(space->protect(UserAddr(at), 5 * kPageSize, kRw));
    EXPECT_EQ(areas(*space), Areas{"40000000-40005000 rw-p"});
    for (u64 i = 0; i < 5; i++) EXPECT_EQ(get(at + i * kPageSize), static_cast<int>(i + 1));
    for (u64 i = 0; i < 5; i++) EXPECT_TRUE(put(at + i * kPageSize, 1));
    EXPECT_EQ(faults, before);  // pages of its own are writable at once
    EXPECT_EQ(space->protect(UserAddr(at + 4 * kPageSize), 2 * kPageSize, kProtRead).error(), Errno::kENOMEM);
}

TEST_F(Space, ForkSharesUntilWritten) {
    u64 at = map(0, 4 * kPageSize);
    for (u64 i = 0; i < 4; i++) EXPECT_TRUE(put(at + i * kPageSize, static_cast<u8>(i + 1)));
    u64 free = frame_stats().free;
    Ref<AddressSpace> child = *space->fork();
    EXPECT_LE(free - frame_stats().free, 5u);  // tables, no pages
    EXPECT_EQ(resident(*child), 4u);
    // The parent's old writable translations must be gone.
    EXPECT_TRUE(put(at, 100));
    run(*child);
    EXPECT_EQ(get(at), 1);
    EXPECT_TRUE(put(at + kPageSize, 200));
    run(*space);
    EXPECT_EQ(get(at), 100);
    EXPECT_EQ(get(at + kPageSize), 2);
    child->deactivate(0);
    child = {};
    u64 before = frame_stats().free;
    for (u64 i = 0; i < 4; i++) EXPECT_TRUE(put(at + i * kPageSize, 5));
    EXPECT_EQ(frame_stats().free, before);  // the survivor owns them alone: no copies
}

TEST_F(Space, ForkFollowsAdvice) {
    u64 kept = map(0x4000'0000, kPageSize, kRw, kMapPrivate | kMapFixed);
    u64 wiped = map(0x4010'0000, kPageSize, kRw, kMapPrivate | kMapFixed);
    u64 left = map(0x4020'0000, kPageSize, kRw, kMapPrivate | kMapFixed);
    u64 shared = map(0x4030'0000, kPageSize, kRw, kMapShared | kMapFixed);
    for (u64 at : {kept, wiped, left, shared}) EXPECT_TRUE(put(at, 7));
    EXPECT_TRUE(space->advise(UserAddr(wiped), kPageSize, kAdviseWipeOnFork));
    EXPECT_TRUE(space->advise(UserAddr(left), kPageSize, kAdviseDontFork));
    Ref<AddressSpace> child = *space->fork();
    run(*child);
    EXPECT_EQ(get(kept), 7);
    EXPECT_EQ(get(wiped), 0);
    EXPECT_EQ(get(left), -1);
    EXPECT_EQ(get(shared), 7);
    EXPECT_TRUE(put(shared, 8));
    run(*space);
    EXPECT_EQ(get(shared), 8);
    child = {};
}

TEST_F(Space, MapsFilesPrivately) {
    auto file = *make_ref<TestSource>(4);
    u64 at = map(*space, 0, 6 * kPageSize, kRw, kMapPrivate, Ref<PageSource>(file));
    EXPECT_EQ(get(at + kPageSize), 2);
    u64 before = faults;
    EXPECT_EQ(get(at), 1);  // brought in with its neighbour
    EXPECT_EQ(faults, before);
    EXPECT_TRUE(put(at + kPageSize, 99));
    EXPECT_TRUE(put(at + 2 * kPageSize, 98));
    EXPECT_EQ(file->frames[1].data()[0], 2);
    EXPECT_EQ(file->frames[2].data()[0], 3);
    EXPECT_EQ(file->asked_for_write, 0);
    EXPECT_EQ(get(at + 4 * kPageSize), -1);
    EXPECT_EQ(last, FaultOutcome::BeyondEnd);
    Ref<AddressSpace> child = *space->fork();
    run(*child);
    EXPECT_EQ(get(at), 1);
    EXPECT_EQ(get(at + kPageSize), 99);
    run(*space);
    child = {};
    EXPECT_TRUE(space->unmap(UserAddr(at), 6 * kPageSize));
    EXPECT_EQ(file->ref_count(), 1u);
    for (FrameRef& frame : file->frames) EXPECT_EQ(frame_refs(frame.frame()), 1u);
}

TEST_F(Space, MapsFilesShared) {
    auto file = *make_ref<TestSource>(4);
    u64 at = map(*space, 0, 4 * kPageSize, kRw, kMapShared, Ref<PageSource>(file), kPageSize);
    EXPECT_EQ(get(at), 2);
    EXPECT_EQ(file->asked_for_write, 0);
    EXPECT_TRUE(put(at, 50));
    EXPECT_EQ(file->asked_for_write, 1);
    EXPECT_EQ(file->frames[1].data()[0], 50);
    file->copy_up = true;
    EXPECT_EQ(get(at + kPageSize), 3);
    EXPECT_TRUE(put(at + kPageSize, 60));
    EXPECT_EQ(get(at + kPageSize), 60);
    EXPECT_EQ(file->frames[2].data()[0], 60);
    EXPECT_EQ(file->frames[2].data()[1], 3);
    EXPECT_TRUE(space->unmap(UserAddr(at), 4 * kPageSize));
}

TEST_F(Space, TruncationTakesPagesOutOfEveryMapping) {
    auto file = *make_ref<TestSource>(4);
    u64 shared = map(*space, 0, 4 * kPageSize, kRw, kMapShared, Ref<PageSource>(file));
    u64 own = map(*space, 0, 4 * kPageSize, kRw, kMapPrivate, Ref<PageSource>(file));
    Ref<AddressSpace> child = *space->fork();
    for (u64 i = 0; i < 4; i++) EXPECT_TRUE(put(shared + i * kPageSize, 9) && put(own + i * kPageSize, 8));
    run(*child);
    EXPECT_EQ(get(shared + 3 * kPageSize), 9);
    run(*space);
    file->size = 2 * kPageSize - 100;
    file->unmap_pages(2, ~u64{0});
    EXPECT_EQ(get(shared + kPageSize), 9);
    EXPECT_EQ(get(own + kPageSize), 8);
    EXPECT_EQ(get(shared + 2 * kPageSize), -1);
    EXPECT_EQ(last, FaultOutcome::BeyondEnd);
    EXPECT_EQ(get(own + 3 * kPageSize), -1);
    run(*child);
    EXPECT_EQ(get(shared + 3 * kPageSize), -1);
    run(*space);
    child = {};
    for (u64 at : {shared, own}) EXPECT_TRUE(space->unmap(UserAddr(at), 4 * kPageSize));
}

TEST_F(Space, GrowsTheStack) {
    u64 top = arch::kUserEnd;
    EXPECT_EQ(u64(map(top - 16 * kPageSize, 16 * kPageSize, kRw, kMapPrivate | kMapFixed | kMapGrowsDown)),
              top - 16 * kPageSize);
    EXPECT_TRUE(put(top - 40 * kPageSize, 1));
    EXPECT_TRUE(put(top - (8 << 20), 1));
    EXPECT_FALSE(put(top - (8 << 20) - 1, 1));  // RLIMIT_STACK
    EXPECT_EQ(last, FaultOutcome::NotMapped);
    // A guard gap stays between the stack and what lies below.
    AddressSpace::Limits limits{.address_space = ~u64{0}, .data = ~u64{0}, .stack = 64 << 20};
    space->set_limits(limits);
    u64 below = align_down(top - (16 << 20), kPageSize);
    EXPECT_EQ(u64(map(below, kPageSize, kRw, kMapPrivate | kMapFixed)), below);
    EXPECT_TRUE(put(below + kPageSize + (1 << 20), 1));
    EXPECT_FALSE(put(below + (1 << 20), 1));
}

TEST_F(Space, MovesTheBreak) {
    space->init_break(UserAddr(0x6000'0100));
    EXPECT_EQ(space->set_break(UserAddr(0)).raw(), 0x6000'0100u);
    EXPECT_EQ(space->set_break(UserAddr(0x6000'5000)).raw(), 0x6000'5000u);
    EXPECT_TRUE(put(0x6000'4fff, 3));
    EXPECT_FALSE(put(0x6000'5000, 3));
    EXPECT_EQ(space->set_break(UserAddr(0x6000'9001)).raw(), 0x6000'9001u);
    EXPECT_EQ(areas(*space), Areas{"60001000-6000a000 rw-p [heap]"});
    EXPECT_EQ(space->set_break(UserAddr(0x6000'2000)).raw(), 0x6000'2000u);
    EXPECT_EQ(get(0x6000'4fff), -1);
    // Something in the way.
    EXPECT_GT(map(0x6000'4000, kPageSize, kRw, kMapPrivate | kMapFixed), 0);
    EXPECT_EQ(space->set_break(UserAddr(0x6000'8000)).raw(), 0x6000'2000u);
    space->set_limits({.address_space = ~u64{0}, .data = 0x1000, .stack = 8 << 20});
    EXPECT_EQ(space->set_break(UserAddr(0x6000'3000)).raw(), 0x6000'2000u);
}

TEST_F(Space, KeepsToItsLimits) {
    space->set_limits({.address_space = 10 * kPageSize, .data = 4 * kPageSize, .stack = 8 << 20});
    EXPECT_GT(map(0, 6 * kPageSize, kProtRead), 0);
    EXPECT_EQ(u64(map(0, 5 * kPageSize, kProtRead)), error(Errno::kENOMEM));
    EXPECT_GT(map(0, 3 * kPageSize), 0);
    EXPECT_EQ(u64(map(0, kPageSize + 1)), error(Errno::kENOMEM));
}

TEST_F(Space, RemapsInPlaceAndElsewhere) {
    u64 at = map(0x4000'0000, 2 * kPageSize, kRw, kMapPrivate | kMapFixed);
    EXPECT_TRUE(put(at, 1) && put(at + kPageSize, 2));
    EXPECT_EQ(space->remap(UserAddr(at), 2 * kPageSize, 4 * kPageSize, 0, {})->raw(), at);
    EXPECT_EQ(map(at + 4 * kPageSize, kPageSize, kProtRead, kMapPrivate | kMapFixed),
              i64(at + 4 * kPageSize));
    EXPECT_EQ(space->remap(UserAddr(at), 4 * kPageSize, 5 * kPageSize, 0, {}).error(), Errno::kENOMEM);
    u64 moved = space->remap(UserAddr(at), 4 * kPageSize, 5 * kPageSize, kRemapMayMove, {})->raw();
    EXPECT_NE(moved, at);
    EXPECT_EQ(get(moved), 1);
    EXPECT_EQ(get(moved + kPageSize), 2);
    EXPECT_EQ(get(at), -1);
    EXPECT_EQ(space->remap(UserAddr(moved), 5 * kPageSize, kPageSize, 0, {})->raw(), moved);
    EXPECT_EQ(get(moved + kPageSize), -1);
    u64 fixed = 0x5000'0000;
    EXPECT_EQ(
        space->remap(UserAddr(moved), kPageSize, kPageSize, kRemapMayMove | kRemapFixed, UserAddr(fixed))
            ->raw(),
        fixed);
    EXPECT_EQ(get(fixed), 1);
    EXPECT_EQ(space->remap(UserAddr(fixed), kPageSize, kPageSize, kRemapFixed, UserAddr(fixed)).error(),
              Errno::kEINVAL);
    EXPECT_EQ(space->remap(UserAddr(0x9000'0000), kPageSize, 2 * kPageSize, kRemapMayMove, {}).error(),
              Errno::kEFAULT);
    // Left in place, but empty.
    u64 copy =
        space->remap(UserAddr(fixed), kPageSize, kPageSize, kRemapMayMove | kRemapDontUnmap, {})->raw();
    EXPECT_EQ(get(copy), 1);
    EXPECT_EQ(get(fixed), 0);
}

TEST_F(Space, AdviceDropsAndFills) {
    u64 at = map(0, 4 * kPageSize);
    for (u64 i = 0; i < 4; i++) EXPECT_TRUE(put(at + i * kPageSize, 1));
    EXPECT_TRUE(space->advise(UserAddr(at), 2 * kPageSize, kAdviseDontNeed));
    EXPECT_EQ(get(at), 0);
    EXPECT_EQ(get(at + 2 * kPageSize), 1);
    EXPECT_EQ(resident(*space), 2u);
    EXPECT_TRUE(space->advise(UserAddr(at), 4 * kPageSize, kAdvisePopulateWrite));
    EXPECT_EQ(resident(*space), 4u);
    Vector<u8> pages;
    EXPECT_TRUE(space->resident(UserAddr(at), 4 * kPageSize, pages));
    EXPECT_EQ(pages.size(), 4u);
    EXPECT_EQ(pages[3], 1);
    EXPECT_EQ(space->advise(UserAddr(at), 5 * kPageSize, kAdviseFree).error(), Errno::kENOMEM);
    EXPECT_EQ(space->advise(UserAddr(at), kPageSize, 77).error(), Errno::kEINVAL);
    EXPECT_EQ(space->advise(UserAddr(at + 1), kPageSize, kAdviseFree).error(), Errno::kEINVAL);
    u64 shared = map(0, 2 * kPageSize, kRw, kMapShared);
    EXPECT_TRUE(put(shared, 5) && put(shared + kPageSize, 6));
    EXPECT_TRUE(space->advise(UserAddr(shared), kPageSize, kAdviseDontNeed));
    EXPECT_EQ(get(shared), 5);  // the object keeps it
    EXPECT_TRUE(space->advise(UserAddr(shared), kPageSize, kAdviseRemove));
    EXPECT_EQ(get(shared), 0);
    EXPECT_EQ(get(shared + kPageSize), 6);
}

TEST_F(Space, UsesLargePages) {
    u64 at = map(0, 8 << 20);
    EXPECT_TRUE(is_aligned(at, kHugePageSize));
    EXPECT_TRUE(put(at + kHugePageSize + 5, 1));
    EXPECT_EQ(resident(*space), 512u);
    u64 before = faults;
    for (u64 i = 0; i < kHugePageSize; i += kPageSize)
        EXPECT_TRUE(put(at + kHugePageSize + i, static_cast<u8>(i >> 12)));
    EXPECT_EQ(faults, before);
    // Shared by fork as one, split by the first write.
    Ref<AddressSpace> child = *space->fork();
    run(*child);
    EXPECT_TRUE(put(at + kHugePageSize + 3 * kPageSize, 77));
    EXPECT_EQ(get(at + kHugePageSize + 4 * kPageSize), 4);
    run(*space);
    EXPECT_EQ(get(at + kHugePageSize + 3 * kPageSize), 3);
    child->deactivate(0);
    child = {};
    // Protecting and unmapping part of it.
    EXPECT_TRUE(space->protect(UserAddr(at + kHugePageSize), kPageSize, kProtRead));
    EXPECT_TRUE(space->unmap(UserAddr(at + kHugePageSize + kPageSize), kPageSize));
    EXPECT_EQ(get(at + kHugePageSize + kPageSize), -1);
    EXPECT_EQ(get(at + kHugePageSize + 2 * kPageSize), 2);
    EXPECT_EQ(resident(*space), 511u);
    // Moved as a whole when alignment allows.
    EXPECT_TRUE(put(at + 2 * kHugePageSize, 42));
    u64 target = 0x5000'0000;
    EXPECT_TRUE(space->remap(UserAddr(at + 2 * kHugePageSize), kHugePageSize, kHugePageSize,
                             kRemapMayMove | kRemapFixed, UserAddr(target)));
    EXPECT_EQ(get(target), 42);
}

TEST_F(Space, PeekAndPokeIgnoreProtection) {
    u64 at = map(0, 2 * kPageSize, kProtRead);
    const u8 text[] = "across the page";
    EXPECT_EQ(*space->poke(UserAddr(at + kPageSize - 5), text), sizeof text);
    u8 back[sizeof text];
    EXPECT_EQ(*space->peek(UserAddr(at + kPageSize - 5), back), sizeof text);
    EXPECT_EQ(memcmp(text, back, sizeof text), 0);
    EXPECT_FALSE(put(at, 1));
    EXPECT_EQ(get(at + kPageSize - 5), 'a');
    EXPECT_EQ(*space->peek(UserAddr(at + 2 * kPageSize - 3), back), 3u);
    EXPECT_EQ(space->peek(UserAddr(0x1234'5000), back).error(), Errno::kEFAULT);
}

TEST_F(Space, RunsOutOfMemoryGracefully) {
    u64 at = map(0, 80 << 20, kRw, kMapPrivate | kMapNoReserve);
    u64 page = at;
    while (put(page, 1)) page += kPageSize;
    EXPECT_EQ(last, FaultOutcome::OutOfMemory);
    EXPECT_GT(page - at, u64{50} << 20);
    EXPECT_EQ(get(page - kPageSize), 1);
    EXPECT_TRUE(space->unmap(UserAddr(at), 80 << 20));
    EXPECT_TRUE(put(map(0, kPageSize), 1));
}

// Every page of a window against what it should be, through mappings, protections, moves and forks.
class SpaceModel : public SpaceTest {
  protected:
    void agree();
};

TEST_F(SpaceModel, Agrees) { agree(); }

TEST_F(SpaceModel, AgreesWithWarmTables) {
    use_warm_tables(true);
    map(*space, 0x7000'0000, kPageSize, kRw, kMapPrivate | kMapFixed,
        Ref<PageSource>(*make_ref<TestSource>(1)));
    space->warm_up();
    agree();
}

void SpaceModel::agree() {
    constexpr u64 kWindow = 0x4000'0000, kPages = 1200;
    struct Page {
        bool mapped = false;
        u32 prot = 0;
        u8 value = 0;
    };
    std::vector<Page> model(kPages);
    std::mt19937 random(3);
    Ref<AddressSpace> parent;
    auto at = [](u64 page) { return kWindow + page * kPageSize; };
    for (int step = 0; step < 4000; step++) {
        u64 first = random() % kPages, count = 1 + random() % (random() % 8 ? 20 : 700);
        count = std::min(count, kPages - first);
        u32 prot = random() % 4 ? kRw : random() % 2 ? kProtRead : kProtNone;
        switch (random() % 6) {
            case 0:
                ASSERT_EQ(u64(map(at(first), count * kPageSize, prot, kMapPrivate | kMapFixed)), at(first));
                for (u64 i = first; i < first + count; i++) model[i] = {true, prot, 0};
                break;
            case 1:
                if (random() % 2) count = std::min<u64>(count, 5);
                ASSERT_TRUE(space->unmap(UserAddr(at(first)), count * kPageSize));
                for (u64 i = first; i < first + count; i++) model[i] = {};
                break;
            case 2: {
                bool whole = true;
                for (u64 i = first; i < first + count && whole; i++) {
                    whole = model[i].mapped;
                    if (whole) model[i].prot = prot;
                }
                ASSERT_EQ(space->protect(UserAddr(at(first)), count * kPageSize, prot).has_value(), whole);
                break;
            }
            case 3: {
                bool whole = true;
                for (u64 i = first; i < first + count; i++) {
                    whole = whole && model[i].mapped;
                    model[i].value = 0;
                }
                ASSERT_EQ(space->advise(UserAddr(at(first)), count * kPageSize, kAdviseDontNeed).has_value(),
                          whole);
                break;
            }
            case 4:
                if (random() % 8) break;
                parent = space;  // the old generation keeps its references for a while
                space = *space->fork();
                run(*space);
                break;
            default: break;
        }
        for (u64 i = first; i < first + count; i += 1 + random() % 4) {
            u8 value = static_cast<u8>(random());
            ASSERT_EQ(put(at(i), value), model[i].mapped && model[i].prot & kProtWrite)
                << i << " step " << step;
            if (model[i].prot & kProtWrite) model[i].value = value;
        }
        for (int probe = 0; probe < 20; probe++) {
            u64 i = random() % kPages;
            bool readable = model[i].mapped && model[i].prot != kProtNone;
            ASSERT_EQ(get(at(i)), readable ? model[i].value : -1) << i << " step " << step;
        }
    }
    parent = {};
}

TEST_F(Space, NamesFutexWords) {
    u64 own = map(0, kPageSize), shared = map(0, 2 * kPageSize, kRw, kMapShared);
    EXPECT_EQ(space->futex_origin(UserAddr(own))->object, nullptr);
    Ref<AddressSpace> child = *space->fork();
    auto here = *space->futex_origin(UserAddr(shared + kPageSize + 8));
    auto there = *child->futex_origin(UserAddr(shared + kPageSize + 8));
    EXPECT_NE(here.object, nullptr);
    EXPECT_EQ(here.object, there.object);
    EXPECT_EQ(here.offset, kPageSize + 8);
    EXPECT_EQ(space->futex_origin(UserAddr(0x1000'0000)).error(), Errno::kEFAULT);
    child = {};
}

}  // namespace

}  // namespace astra::mm
