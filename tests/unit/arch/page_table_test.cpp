// PageTable on the host: the real code, walked by an emulated MMU.
#include "tests/unit/arch/fixture.hpp"

namespace astra::arch {

namespace {

using PageTableTest = ArchTest;
constexpr PageFlags kData = PageFlags::Present | PageFlags::User | PageFlags::Write;
constexpr PageFlags kReadOnly = PageFlags::Present | PageFlags::User;
constexpr UserAddr kPage(0x40'0000), kEnd(kUserEnd);

UserAddr next_mapped(const PageTable& table, UserAddr at, UserAddr end) {
    PageEntry entry = table.next_mapped(at, end);
    EXPECT_EQ(entry.frame, at == end ? PhysAddr() : table.lookup(at).frame);
    return at;
}

TEST_F(PageTableTest, MapsAndLooksUp) {
    auto table = PageTable::create();
    ASSERT_TRUE(table);
    PhysAddr f = frame(1);
    ASSERT_TRUE(table->map(kPage, f, kData));
    PageEntry entry = table->lookup(kPage + 123);
    EXPECT_EQ(entry.frame, f);
    EXPECT_TRUE(has(entry.flags, PageFlags::Present) && has(entry.flags, PageFlags::Write));
    EXPECT_FALSE(has(entry.flags, PageFlags::Execute) || has(entry.flags, PageFlags::Huge));
    EXPECT_EQ(table->lookup(kPage + kPageSize).flags, PageFlags::None);
    EXPECT_EQ(table->unmap(kPage).frame, f);
    EXPECT_EQ(table->lookup(kPage).flags, PageFlags::None);
    EXPECT_EQ(table->unmap(kPage).flags, PageFlags::None);
}

TEST_F(PageTableTest, FreesItsTables) {
    {
        auto table = PageTable::create();
        ASSERT_TRUE(table);
        for (u64 at = 0x1000; at < kUserEnd; at = at * 3 + 0x1000)
            ASSERT_TRUE(table->map(UserAddr(at).page(), frame(0), kData));
        ASSERT_TRUE(table->map_huge(UserAddr(0x7000'0000'0000), frame(0), kData));
        EXPECT_GT(Frames::live, 4u);
        PageTable moved = std::move(*table);
    }
    EXPECT_EQ(Frames::live, 0u);
}

TEST_F(PageTableTest, RunsOutOfMemoryCleanly) {
    Frames::budget = 0;
    EXPECT_EQ(PageTable::create().error(), Errno::kENOMEM);
    for (usize budget = 1; budget < 4; budget++) {
        Frames::budget = budget;
        auto table = PageTable::create();
        ASSERT_TRUE(table);
        EXPECT_EQ(table->map(kPage, frame(0), kData).error(), Errno::kENOMEM);
    }
    EXPECT_EQ(Frames::live, 0u);
}

TEST_F(PageTableTest, HugePagesSplit) {
    auto table = PageTable::create();
    ASSERT_TRUE(table);
    PhysAddr huge(align_up(host::kRam.base.raw() + (32 << 20), kHugePageSize));
    ASSERT_TRUE(table->map_huge(kPage, huge, kData));
    EXPECT_EQ(table->lookup(kPage + 5 * kPageSize + 7).frame, huge + 5 * kPageSize);
    EXPECT_TRUE(has(table->lookup(kPage).flags, PageFlags::Huge));
    EXPECT_EQ(table->map(kPage, frame(0), kData).error(), Errno::kEEXIST);
    ASSERT_TRUE(table->split(kPage + kPageSize));
    PageEntry small = table->lookup(kPage + 5 * kPageSize);
    EXPECT_EQ(small.frame, huge + 5 * kPageSize);
    EXPECT_FALSE(has(small.flags, PageFlags::Huge));
    EXPECT_TRUE(has(small.flags, PageFlags::Write));
    table->protect(kPage + 5 * kPageSize, kReadOnly);
    EXPECT_FALSE(has(table->lookup(kPage + 5 * kPageSize).flags, PageFlags::Write));
    EXPECT_TRUE(has(table->lookup(kPage + 6 * kPageSize).flags, PageFlags::Write));
    ASSERT_TRUE(table->split(UserAddr(0x1234'0000)));  // nothing there: no effect
}

TEST_F(PageTableTest, HugePageReplacesEmptyTable) {
    auto table = PageTable::create();
    ASSERT_TRUE(table);
    ASSERT_TRUE(table->map(kPage, frame(0), kData));
    table->unmap(kPage);
    usize before = Frames::live;
    u64 flushes = host::tlb_flushes();
    ASSERT_TRUE(table->map_huge(kPage, PhysAddr(host::kRam.base.raw() + (32 << 20)), kData));
    EXPECT_EQ(Frames::live, before - 1);
    EXPECT_EQ(host::tlb_flushes(), flushes + 1);
    PageEntry removed = table->unmap(kPage + 3 * kPageSize);
    EXPECT_TRUE(has(removed.flags, PageFlags::Huge));
    EXPECT_EQ(removed.frame, PhysAddr(host::kRam.base.raw() + (32 << 20)));
}

TEST_F(PageTableTest, PagesWithoutAccessKeepTheirFrame) {
    auto table = PageTable::create();
    ASSERT_TRUE(table);
    table->activate();
    const PhysAddr page = frame(9);
    ASSERT_TRUE(table->map(kPage, page, kData));
    const UserAddr huge(0x7f00'0020'0000);
    const PhysAddr huge_frame(host::kRam.base.raw() + (32 << 20));
    ASSERT_TRUE(table->map_huge(huge, huge_frame, kData));
    table->protect(kPage, PageFlags::None);
    table->protect(huge, PageFlags::None);
    EXPECT_FALSE(host::program_touch(kPage, host::Access::Read));
    EXPECT_FALSE(host::program_touch(huge, host::Access::Read));
    EXPECT_EQ(table->lookup(kPage).frame, page);
    EXPECT_FALSE(has(table->lookup(kPage).flags, PageFlags::Present));
    EXPECT_EQ(next_mapped(*table, UserAddr(), kEnd), huge < kPage ? huge : kPage);
    EXPECT_EQ(table->map(huge, page, kData).error(), Errno::kEEXIST);
    ASSERT_TRUE(table->split(huge));
    EXPECT_EQ(table->lookup(huge + 3 * kPageSize).frame, huge_frame + 3 * kPageSize);
    EXPECT_FALSE(has(table->lookup(huge + 3 * kPageSize).flags, PageFlags::Present));
    table->protect(kPage, kData);
    EXPECT_TRUE(host::program_touch(kPage, host::Access::Write));
    EXPECT_EQ(table->unmap(huge).frame, huge_frame);
}

TEST_F(PageTableTest, FindsPresentPages) {
    auto table = PageTable::create();
    ASSERT_TRUE(table);
    EXPECT_EQ(next_mapped(*table, UserAddr(), kEnd), kEnd);
    const UserAddr pages[] = {UserAddr(0x1000), kPage, UserAddr(0x5555'5555'5000),
                              UserAddr(kUserEnd - kPageSize)};
    for (UserAddr page : pages) ASSERT_TRUE(table->map(page, frame(0), kData));
    const UserAddr huge(0x7f00'0020'0000);
    ASSERT_TRUE(table->map_huge(huge, PhysAddr(host::kRam.base.raw() + (32 << 20)), kData));
    EXPECT_EQ(next_mapped(*table, UserAddr(), kEnd), pages[0]);
    EXPECT_EQ(next_mapped(*table, pages[0] + kPageSize, kEnd), pages[1]);
    EXPECT_EQ(next_mapped(*table, pages[1] + kPageSize, kEnd), pages[2]);
    EXPECT_EQ(next_mapped(*table, pages[2] + kPageSize, kEnd), huge);
    EXPECT_EQ(next_mapped(*table, huge + kPageSize, kEnd), huge + kPageSize);  // inside the 2 MiB page
    EXPECT_EQ(next_mapped(*table, huge + kHugePageSize, kEnd), pages[3]);
    EXPECT_EQ(next_mapped(*table, pages[1] + kPageSize, pages[2]), pages[2]);  // nothing below: the end
    EXPECT_EQ(next_mapped(*table, pages[2], pages[2] + kPageSize), pages[2]);
}

TEST_F(PageTableTest, ProgramSeesMappingsAndFaults) {
    auto table = PageTable::create();
    ASSERT_TRUE(table);
    table->activate();
    int faults = 0;
    on_fault = [&](const FaultInfo& fault) {
        faults++;
        EXPECT_TRUE(fault.from_user && fault.write && !fault.present);
        return table->map(UserAddr(fault.address).page(), frame(7), kData).has_value();
    };
    EXPECT_TRUE(host::program_write(kPage + kPageSize - 2, "abcd", 4));
    EXPECT_EQ(faults, 2);
    EXPECT_TRUE(has(table->lookup(kPage).flags, PageFlags::Dirty));
    char text[4];
    EXPECT_EQ(copy_from_user(text, kPage + kPageSize - 2, 4), 0u);
    EXPECT_EQ(std::string_view(text, 4), "abcd");
    on_fault = nullptr;
    EXPECT_EQ(copy_to_user(kPage + 2 * kPageSize - 3, text, 4), 1u);
    EXPECT_FALSE(host::program_touch(kPage, host::Access::Execute));
}

TEST_F(PageTableTest, MissingFlushShowsStaleData) {
    auto table = PageTable::create();
    ASSERT_TRUE(table);
    table->activate();
    ASSERT_TRUE(table->map(kPage, frame(1), kReadOnly));
    u8 byte;
    ASSERT_TRUE(host::program_read(kPage, &byte, 1));
    ASSERT_TRUE(table->map(kPage, frame(2), kReadOnly));
    ASSERT_TRUE(host::program_read(kPage, &byte, 1));
    EXPECT_EQ(byte, 1);
    flush_tlb(1, kPage, kPage + kPageSize);
    ASSERT_TRUE(host::program_read(kPage, &byte, 1));
    EXPECT_EQ(byte, 2);
}

TEST_F(PageTableTest, UserWords) {
    auto table = PageTable::create();
    ASSERT_TRUE(table);
    table->activate();
    ASSERT_TRUE(table->map(kPage, frame(0), kData));
    u32 seen = 0;
    EXPECT_TRUE(user_compare_exchange(kPage, 0, 5, seen));
    EXPECT_EQ(seen, 0u);
    EXPECT_TRUE(user_compare_exchange(kPage, 0, 6, seen));
    EXPECT_EQ(seen, 5u);
    EXPECT_TRUE(user_load(kPage, seen));
    EXPECT_EQ(seen, 5u);
    EXPECT_FALSE(user_load(kPage + kPageSize, seen));
    EXPECT_EQ(clear_user(kPage + 4000, 200), 104u);
}

}  // namespace

}  // namespace astra::arch
