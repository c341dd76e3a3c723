// What a PVH kernel finds when it starts: start info, memory map, module, command line, registers.
#include <gtest/gtest.h>

#include "guest_kernel/abi/pvh.hpp"
#include "vmm/boot/command_line.hpp"
#include "vmm/boot/pvh.hpp"

namespace astra::vmm {
namespace {

class StartInfoTest : public testing::Test {
  protected:
    StartInfoTest() : ram(1 << 20) { EXPECT_TRUE(memory.add({PhysAddr(0), ram})); }

    template <class T>
    T at(u64 address) {
        T object{};
        EXPECT_TRUE(memory.read_object(PhysAddr(address), object));
        return object;
    }
    std::vector<u8> ram;
    GuestMemory memory;
};

TEST_F(StartInfoTest, DescribesTheWholeMachine) {
    auto layout = lay_out(u64{4} << 30, 10'000, 8192);
    ASSERT_TRUE(layout);
    auto start = write_start_info(memory, *layout, 10'000, "a b=c");
    ASSERT_TRUE(start) << start.error().message;
    EXPECT_EQ(*start, kBootInfo);

    auto info = at<abi::pvh::StartInfo>(start->raw());
    EXPECT_EQ(info.magic, abi::pvh::kStartMagic);
    EXPECT_EQ(info.version, 1u);
    EXPECT_EQ(info.rsdp, 0u);
    ASSERT_EQ(info.memory_ranges, 4u);
    constexpr u64 kSize = sizeof(abi::pvh::MemoryRange);
    auto low = at<abi::pvh::MemoryRange>(info.memory_map);
    auto high = at<abi::pvh::MemoryRange>(info.memory_map + kSize);
    auto image = at<abi::pvh::MemoryRange>(info.memory_map + 2 * kSize);
    auto counters = at<abi::pvh::MemoryRange>(info.memory_map + 3 * kSize);
    EXPECT_EQ(low.size, 0xc000'0000u);
    EXPECT_EQ(low.type, abi::pvh::MemoryType::Ram);
    EXPECT_EQ(high.address, 0x1'0000'0000u);
    EXPECT_EQ(high.type, abi::pvh::MemoryType::Ram);
    EXPECT_EQ(image.type, abi::pvh::MemoryType::Reserved);
    EXPECT_EQ(image.size, 12288u);
    EXPECT_EQ(counters.type, abi::pvh::MemoryType::Reserved);

    ASSERT_EQ(info.modules, 1u);
    auto module = at<abi::pvh::Module>(info.module_list);
    EXPECT_EQ(module.address, layout->image.base.raw());
    EXPECT_EQ(module.size, 10'000u);
    EXPECT_STREQ(reinterpret_cast<const char*>(&ram[info.command_line]), "a b=c");
}

TEST_F(StartInfoTest, WithoutImageThereIsNoModule) {
    auto start = write_start_info(memory, *lay_out(64 << 20, 0, 0), 0, "");
    ASSERT_TRUE(start);
    auto info = at<abi::pvh::StartInfo>(start->raw());
    EXPECT_EQ(info.modules, 0u);
    EXPECT_EQ(info.module_list, 0u);
    EXPECT_EQ(info.memory_ranges, 1u);
}

TEST_F(StartInfoTest, RefusesCommandLinesTheKernelCouldNotRead) {
    auto layout = *lay_out(64 << 20, 0, 0);
    EXPECT_TRUE(write_start_info(memory, layout, 0, std::string(kMaxCommandLine - 1, 'x')));
    EXPECT_FALSE(write_start_info(memory, layout, 0, std::string(kMaxCommandLine, 'x')));
    EXPECT_FALSE(write_start_info(memory, layout, 0, std::string_view("a\0b", 3)));
}

TEST_F(StartInfoTest, NeedsMemoryThere) {
    GuestMemory none;
    EXPECT_FALSE(write_start_info(none, *lay_out(64 << 20, 0, 0), 0, ""));
}

TEST(EntryState, IsProtectedModeWithoutPaging) {
    CpuState reset{};
    reset.special.apic_base = 0xfee0'0900;
    reset.special.cr4 = 0x20;
    CpuState state = pvh_entry_state(reset, 0x10'0000, PhysAddr(0x9'0000));
    EXPECT_EQ(state.special.cr0 & 0x8000'0001, 1u);
    EXPECT_EQ(state.special.cr4, 0u);
    EXPECT_EQ(state.special.apic_base, 0xfee0'0900u);
    EXPECT_EQ(state.special.cs.base, 0u);
    EXPECT_EQ(state.special.cs.limit, 0xffff'ffffu);
    EXPECT_EQ(state.special.cs.db, 1);
    EXPECT_EQ(state.special.cs.l, 0);
    EXPECT_EQ(state.special.tr.limit, 0x67u);
    EXPECT_EQ(state.general.rip, 0x10'0000u);
    EXPECT_EQ(state.general.rbx, 0x9'0000u);
    EXPECT_EQ(state.general.rflags & 0x2'0300, 0u);  // VM, IF, TF
}

TEST(CommandLine, NamesDevicesCountersAndCpus) {
    const u32 slots[] = {0, 1};
    EXPECT_EQ(compose_command_line(slots, {PhysAddr(0xfe80'0000), 8192}, 2, "astra.log=3 x"),
              "virtio_mmio.device=512@0xfeb00000:5 virtio_mmio.device=512@0xfeb00200:6 "
              "astra.counters=8192@0xfe800000 astra.cpus=2 astra.log=3 x");
    EXPECT_EQ(compose_command_line({}, {}, 1, ""), "astra.cpus=1");
}

}  // namespace
}  // namespace astra::vmm
