// The machine with tiny hand-written kernels on the host's KVM: what a guest finds and what comes out of it.
#include "vmm/machine/machine.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstring>

#include "guest_kernel/abi/counters.hpp"
#include "tests/integration/vmm/guests.hpp"
#include "vmm/kvm/cpuid.hpp"
#include "vmm/kvm/host_probe.hpp"

namespace astra::vmm {
namespace {

using test::TemporaryFile;
using test::TemporaryKernel;

class MachineTest : public testing::Test {
  protected:
    void SetUp() override {
        if (!test::have_kvm()) GTEST_SKIP() << "no /dev/kvm";
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        log_ = Fd(ends[0]);
        config.ends.log = Fd(ends[1]);
        config.memory_bytes = 64 << 20;
    }

    /// Runs `code` to its end.
    Result<Outcome> run(std::span<const u8> code) {
        TemporaryKernel kernel(code);
        config.kernel = kernel.path();
        auto outcome = run_machine(std::move(config));
        if (!outcome) ADD_FAILURE() << outcome.error().message;
        if (outcome && std::holds_alternative<GuestFault>(*outcome))
            fault = std::get<GuestFault>(*outcome).report;
        return outcome;
    }
    /// Runs `code`, which must leave through the doorbell; the value it wrote.
    u32 exit_code(std::span<const u8> code) {
        auto outcome = run(code);
        if (outcome && std::holds_alternative<GuestExit>(*outcome))
            return std::get<GuestExit>(*outcome).value;
        ADD_FAILURE() << "did not leave through the doorbell: " << fault;
        return ~0u;
    }
    /// All serial output of the guest that ended.
    std::string serial() {
        std::string text(4096, '\0');
        ssize_t count = ::read(log_.get(), text.data(), text.size());
        text.resize(static_cast<usize>(std::max<ssize_t>(count, 0)));
        return text;
    }

    MachineConfig config;
    std::string fault;

  private:
    Fd log_;
};

TEST_F(MachineTest, SerialOutputAndCleanExit) {
    EXPECT_EQ(exit_code(GUEST_CODE(hello)), 0u);
    EXPECT_EQ(serial(), "hello from the guest\n");
}

TEST_F(MachineTest, CommandLineComesFromTheMachineAndTheUser) {
    config.command_line = "astra.log=2";
    config.cpus = 2;
    EXPECT_EQ(exit_code(GUEST_CODE(command_line)), 0u);
    EXPECT_EQ(
        serial(),
        "virtio_mmio.device=512@0xfeb00000:5 virtio_mmio.device=512@0xfeb00200:6 astra.cpus=2 astra.log=2");
}

TEST_F(MachineTest, ImageIsReadOnlyUnderBothPolicies) {
    for (auto policy : {ImagePolicy::Copy, ImagePolicy::Map}) {
        if (policy == ImagePolicy::Map) SetUp();
        TemporaryFile image(std::span(reinterpret_cast<const u8*>("tar bytes"), 9));
        config.image = image.path();
        config.image_policy = policy;
        EXPECT_EQ(exit_code(GUEST_CODE(image)), 0u);
        EXPECT_EQ(serial(), std::string("tar bytes\0", 10));
    }
}

TEST_F(MachineTest, CountersAreSharedMemory) {
    Fd memory(::memfd_create("counters", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(memory.get(), abi::counters::region_bytes(1)), 0);
    config.counters = Fd(::dup(memory.get()));
    EXPECT_EQ(exit_code(GUEST_CODE(counters)), 0u);
    u32 mark = 0;
    EXPECT_EQ(::pread(memory.get(), &mark, sizeof mark, 8), 4);
    EXPECT_EQ(mark, 0x600df00du);
}

TEST_F(MachineTest, CpuidTellsTimingAndTopology) {
    config.cpus = 2;
    EXPECT_EQ(exit_code(GUEST_CODE(cpuid)), 0u);
    std::string text = serial();
    ASSERT_EQ(text.size(), 12u);
    u32 words[3];
    std::memcpy(words, text.data(), sizeof words);
    EXPECT_GT(words[0], 100'000u);  // kHz
    EXPECT_EQ(words[1], kLapicTimerKhz);
    EXPECT_EQ(words[2] >> 16, 2u);  // APIC id 0, two logical CPUs
}

TEST_F(MachineTest, PitInterruptsArriveThroughThePic) {
    HostClock clock;
    u64 before = clock.now_ns();
    EXPECT_EQ(exit_code(GUEST_CODE(ticks)), 0u);
    EXPECT_GE(clock.now_ns() - before, 19'000'000u);
}

TEST_F(MachineTest, SecondCpuStartsByInitAndSipi) {
    config.cpus = 2;
    EXPECT_EQ(exit_code(GUEST_CODE(second_cpu)), 0u);
    EXPECT_EQ(serial(), "AB");
}

TEST_F(MachineTest, VirtioRngGivesRandomBytes) {
    EXPECT_EQ(exit_code(GUEST_CODE(random)), 0u);
    std::string bytes = serial();
    EXPECT_EQ(bytes.size(), 16u);
    EXPECT_NE(bytes, std::string(16, '\0'));
}

TEST_F(MachineTest, VirtioConsoleCarriesBothDirectionsAndLosesNothingAtTheEnd) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    Fd ours(ends[0]);
    config.ends.console = Fd(ends[1]);
    ASSERT_EQ(::write(ours.get(), "are you there?", 14), 14);
    EXPECT_EQ(exit_code(GUEST_CODE(echo)), 0u);
    std::string answer(64, '\0');
    ssize_t count = ::read(ours.get(), answer.data(), answer.size());
    ASSERT_GE(count, 0);
    EXPECT_EQ(answer.substr(0, static_cast<usize>(count)), "are you there?");
}

TEST_F(MachineTest, UnknownExitCodesAreTold) { EXPECT_EQ(exit_code(GUEST_CODE(odd_code)), 77u); }

TEST_F(MachineTest, TripleFaultShowsTheRegisters) {
    auto outcome = run(GUEST_CODE(triple_fault));
    ASSERT_TRUE(outcome && std::holds_alternative<GuestFault>(*outcome));
    EXPECT_THAT(fault, testing::HasSubstr("cpu 0: "));
    // Where KVM lost the registers, the report says so.
    EXPECT_THAT(fault, testing::AnyOf(testing::HasSubstr("rip=0000000000100000"),
                                      testing::HasSubstr("reset the CPU")));
}

TEST_F(MachineTest, ProbeAgreesWithTheLane) {
    auto kind = probe_kvm();
    ASSERT_TRUE(kind) << kind.error().message;
    if (::getenv("ASTRA_LAB")) { EXPECT_EQ(*kind, KvmKind::Hardware); }
}

TEST(Kvm, SaysWhyItCannotBeOpened) {
    auto missing = Kvm::open("/nonexistent/kvm");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, Code::NotFound);
    EXPECT_FALSE(missing.error().hint.empty());
    auto other = Kvm::open("/dev/null");
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().message, "/dev/null is not a KVM device");
}

}  // namespace
}  // namespace astra::vmm
