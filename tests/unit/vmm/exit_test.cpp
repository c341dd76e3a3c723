// Exits without a guest: decoding kvm_run, and what the machine does about each kind.
#include <gtest/gtest.h>

#include <cstring>

#include "vmm/kvm/exit.hpp"
#include "vmm/machine/exit_handler.hpp"

namespace astra::vmm {
namespace {

class ExitTest : public testing::Test {
  protected:
    kvm_run& run() { return *reinterpret_cast<kvm_run*>(area.data()); }
    Exit port(u8 direction, u8 size, u16 number, u32 count, u64 offset = 4096) {
        run().exit_reason = KVM_EXIT_IO;
        run().io = {direction, size, number, count, offset};
        return decode_exit(area);
    }
    alignas(4096) std::array<u8, 3 * 4096> area{};
};

TEST_F(ExitTest, DecodesPortAccesses) {
    std::memcpy(&area[4096], "abcd", 4);
    Exit exit = port(KVM_EXIT_IO_OUT, 1, 0x3f8, 4);
    auto* out = std::get_if<PortExit>(&exit);
    ASSERT_TRUE(out);
    EXPECT_TRUE(out->write);
    EXPECT_EQ(out->port, 0x3f8);
    EXPECT_EQ(out->data.size(), 4u);
    EXPECT_EQ(out->data[3], 'd');
    EXPECT_EQ(describe(exit), "port out 0x3f8 4x1 61 62 63 64");
}

TEST_F(ExitTest, RefusesPortDataOutsideTheArea) {
    EXPECT_TRUE(std::holds_alternative<UnexpectedExit>(port(KVM_EXIT_IO_IN, 4, 1, 1, area.size() - 3)));
    EXPECT_TRUE(std::holds_alternative<UnexpectedExit>(port(KVM_EXIT_IO_IN, 4, 1, ~0u)));
    EXPECT_TRUE(std::holds_alternative<UnexpectedExit>(port(KVM_EXIT_IO_IN, 4, 1, 1, ~u64{0})));
    EXPECT_TRUE(std::holds_alternative<UnexpectedExit>(port(KVM_EXIT_IO_IN, 0, 1, 1)));
}

TEST_F(ExitTest, DecodesMmio) {
    run().exit_reason = KVM_EXIT_MMIO;
    run().mmio.phys_addr = 0xfeb0'0050;
    run().mmio.len = 4;
    run().mmio.is_write = 1;
    run().mmio.data[0] = 9;
    Exit exit = decode_exit(area);
    auto* mmio = std::get_if<MmioExit>(&exit);
    ASSERT_TRUE(mmio);
    EXPECT_EQ(mmio->address, PhysAddr(0xfeb0'0050));
    EXPECT_EQ(mmio->data.size(), 4u);
    EXPECT_EQ(describe(exit), "mmio write 0xfeb00050 4 09 00 00 00");
    run().mmio.len = 9;
    EXPECT_TRUE(std::holds_alternative<UnexpectedExit>(decode_exit(area)));
}

TEST_F(ExitTest, DecodesEmulationFailures) {
    run().exit_reason = KVM_EXIT_INTERNAL_ERROR;
    run().internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
    run().internal.ndata = 0;
    EXPECT_EQ(describe(decode_exit(area)), "KVM internal error 1 (an instruction it cannot emulate)");
    run().internal.ndata = 3;
    run().internal.data[0] = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
    const u8 bytes[] = {3, 0x0f, 0x01, 0xf9};
    std::memcpy(&run().internal.data[1], bytes, sizeof bytes);
    EXPECT_EQ(describe(decode_exit(area)),
              "KVM internal error 1 (an instruction it cannot emulate), bytes at RIP 0f 01 f9");
}

TEST_F(ExitTest, DecodesTheRest) {
    run().exit_reason = KVM_EXIT_SHUTDOWN;
    EXPECT_EQ(describe(decode_exit(area)), "triple fault");
    run().exit_reason = KVM_EXIT_FAIL_ENTRY;
    run().fail_entry.hardware_entry_failure_reason = 0x21;
    EXPECT_EQ(std::get<FailEntryExit>(decode_exit(area)).reason, 0x21u);
    run().exit_reason = KVM_EXIT_INTR;
    EXPECT_TRUE(std::holds_alternative<InterruptedExit>(decode_exit(area)));
    run().exit_reason = KVM_EXIT_DEBUG;
    EXPECT_EQ(describe(decode_exit(area)), "unexpected KVM exit 4");
}

/// Remembers what was written; reads give the offset.
class Recorder final : public Device {
  public:
    std::string_view label() const override { return "recorder"; }
    void read(u64 offset, std::span<u8> data) override { std::ranges::fill(data, static_cast<u8>(offset)); }
    void write(u64, std::span<const u8> data) override { writes.emplace_back(data.begin(), data.end()); }
    std::vector<std::vector<u8>> writes;
};

class HandlerTest : public testing::Test {
  protected:
    HandlerTest() {
        EXPECT_TRUE(buses.ports.attach(0x10, 8, recorder, lock));
        EXPECT_TRUE(buses.memory.attach(0x1000, 0x100, recorder, lock));
    }
    Recorder recorder;
    std::mutex lock;
    Buses buses;
    ExitCounts counts{};
    std::array<u8, 4> data{1, 2, 3, 4};
};

TEST_F(HandlerTest, StringOutputBecomesOneAccessPerItem) {
    EXPECT_EQ(handle_exit(buses, counts, PortExit{0x10, true, 2, data}), Verdict::Resume);
    EXPECT_EQ(recorder.writes, (std::vector<std::vector<u8>>{{1, 2}, {3, 4}}));
    EXPECT_EQ(counts[0], 1u);
}

TEST_F(HandlerTest, InputReachesTheSharedArea) {
    EXPECT_EQ(handle_exit(buses, counts, PortExit{0x13, false, 1, data}), Verdict::Resume);
    EXPECT_EQ(data, (std::array<u8, 4>{3, 3, 3, 3}));
    EXPECT_EQ(handle_exit(buses, counts, MmioExit{PhysAddr(0x1004), false, data}), Verdict::Resume);
    EXPECT_EQ(data, (std::array<u8, 4>{4, 4, 4, 4}));
}

TEST_F(HandlerTest, NobodyThereReadsAsOnes) {
    EXPECT_EQ(handle_exit(buses, counts, PortExit{0x80, false, 4, data}), Verdict::Resume);
    EXPECT_EQ(data, (std::array<u8, 4>{0xff, 0xff, 0xff, 0xff}));
    EXPECT_EQ(buses.ports.unclaimed(), 1u);
}

TEST_F(HandlerTest, FaultsEndTheMachine) {
    EXPECT_EQ(handle_exit(buses, counts, InterruptedExit{}), Verdict::Resume);
    EXPECT_EQ(handle_exit(buses, counts, ShutdownExit{}), Verdict::Fault);
    EXPECT_EQ(handle_exit(buses, counts, InternalErrorExit{}), Verdict::Fault);
    EXPECT_EQ(handle_exit(buses, counts, FailEntryExit{}), Verdict::Fault);
    EXPECT_EQ(handle_exit(buses, counts, UnexpectedExit{}), Verdict::Fault);
    EXPECT_EQ(counts[Exit(ShutdownExit{}).index()], 1u);
    EXPECT_EQ(kExitNames[Exit(ShutdownExit{}).index()], "shutdown");
}

}  // namespace
}  // namespace astra::vmm
