// The flat kernel's entry and exit ranges, instruction by instruction: a debugged vCPU is stopped at each of
// them, an interrupt or a page fault is forced there, and the guest (tests/guest/arch/window.cpp) must notice
// nothing but the interrupt.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include <cstdio>
#include <cstring>
#include <functional>

#include "guest_kernel/abi/machine.hpp"
#include "tests/integration/vmm/guests.hpp"
#include "vmm/base/mapped_file.hpp"
#include "vmm/boot/command_line.hpp"
#include "vmm/boot/elf_loader.hpp"
#include "vmm/boot/pvh.hpp"
#include "vmm/kvm/cpuid.hpp"
#include "vmm/kvm/host_probe.hpp"
#include "vmm/machine/device_set.hpp"
#include "vmm/memory/backing.hpp"

namespace astra::vmm {
namespace {

constexpr u64 kRam = 64 << 20;
constexpr u32 kTimerVector = 0xf1;              // interrupts.hpp: kVectorTimer
constexpr u32 kPageFault = 14, kUserWrite = 6;  // Intel SDM vol. 3, 4.7 and 6.15
constexpr u64 kStubBytes = 128;                 // entry.S: FLAT_SYSCALL_STUB_SIZE

/// A machine with one vCPU that this thread runs and debugs.
struct Machine {
    Kvm kvm;
    Mapping ram;
    GuestMemory memory;
    Vm vm;
    EventLoop loop;
    Fd log;
    std::optional<u32> ended;
    std::unique_ptr<DeviceSet> devices;
    Vcpu vcpu;
    ExitCounts counts{};

    static Result<std::unique_ptr<Machine>> create(const std::string& kernel) {
        Kvm kvm = TRY(Kvm::open());
        Mapping ram = TRY(map_anonymous(kRam));
        MemoryLayout layout = TRY(lay_out(kRam, 0, 0));
        GuestMemory memory;
        (void)memory.add({layout.ram[0].base, ram.span()});
        Vm vm = TRY(Vm::create(kvm));
        TRY(vm.set_memory(0, layout.ram[0].base, ram.span(), false));
        TRY(vm.create_interrupt_controllers());
        Vcpu vcpu = TRY(Vcpu::create(kvm, vm, 0));
        CpuidTable supported = TRY(kvm.supported_cpuid());
        TRY(vcpu.set_cpuid(guest_cpuid(supported, {0, 1, vcpu.tsc_khz(), true})));
        MappedFile file = TRY(MappedFile::open(kernel));
        LoadedKernel loaded = TRY(load_kernel(file.bytes(), memory));
        PhysAddr info = TRY(write_start_info(
            memory, layout, 0, compose_command_line(DeviceSet::kVirtioSlots, {}, 1, "entry_window")));
        TRY(vcpu.set_state(pvh_entry_state(TRY(vcpu.state()), loaded.entry, info)));
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return fail_errno("pipe2");
        EventLoop loop = TRY(EventLoop::create());
        std::unique_ptr<Machine> machine(new Machine{std::move(kvm),
                                                     std::move(ram),
                                                     std::move(memory),
                                                     std::move(vm),
                                                     std::move(loop),
                                                     Fd(ends[0]),
                                                     {},
                                                     {},
                                                     std::move(vcpu)});
        HostEnds host;
        host.log = Fd(ends[1]);
        machine->devices = TRY(DeviceSet::create(machine->vm, machine->memory, machine->loop, std::move(host),
                                                 {}, [m = machine.get()](u32 value) { m->ended = value; }));
        return machine;
    }
};

/// Where the flat kernel is linked (layout.h: ASTRA_KERNEL_OFFSET), and what tests/guest/arch runs programs
/// at.
constexpr u64 kKernelOffset = 0xffff'ffff'8000'0000, kProgramBase = 0x40'0000;
/// Runs between two looks at the vCPU, and looks before a place counts as not reached.
constexpr int kLookMicroseconds = 200, kPatience = 25;

/// What the guest says on its log when it is ready.
struct Labels {
    u64 stubs, common, exit,
        end;      // of entry.S: the CPU's system call stub, behind all stubs, the way out, the end
    u64 stray;    // where the gate comes to when one of entry.S's instructions faults
    u64 resolve;  // a kernel function that runs with interrupts on
    u64 program;  // an instruction of the program
    u64 program_phys, progress_phys;
};
/// As window.cpp has it.
struct Progress {
    volatile u64 rounds, ticks;
};

/// Addresses of the instructions in [start, end), padding left out.
std::vector<u64> instructions(u64 start, u64 end) {
    std::string command =
        fmt::format("{} -d --no-show-raw-insn --start-address={:#x} --stop-address={:#x} {}", ASTRA_OBJDUMP,
                    start, end, ASTRA_FLAT_SELFTEST);
    std::vector<u64> found;
    std::unique_ptr<FILE, int (*)(FILE*)> listing(::popen(command.c_str(), "re"), ::pclose);
    char line[256], name[32];
    u64 address;
    while (listing && ::fgets(line, sizeof line, listing.get()))
        if (std::sscanf(line, " %lx: %31s", &address, name) == 2 &&
            !std::string_view(name).starts_with("nop") && !std::string_view(name).starts_with("xchg") &&
            !std::string_view(name).starts_with("data16") && !std::string_view(name).starts_with("cs"))
            found.push_back(address);
    return found;
}

/// Stops the vCPU at an instruction by putting a jump to itself there, which no debug facility of the KVM is
/// needed for.
class Stop {
  public:
    Stop(Machine& machine, u64 address, PhysAddr where)
        : address_(address), bytes_(machine.ram.data() + where.raw()) {
        std::memcpy(saved_, bytes_, sizeof saved_);
        std::memcpy(bytes_, "\xeb\xfe", sizeof saved_);
    }
    ~Stop() { std::memcpy(bytes_, saved_, sizeof saved_); }
    Stop(const Stop&) = delete;
    [[nodiscard]] u64 address() const { return address_; }

  private:
    u64 address_;
    u8* bytes_;
    u8 saved_[2];
};

class EntryWindow : public testing::Test {
  protected:
    void SetUp() override {
        auto kind = probe_kvm();
        if (!kind || *kind != KvmKind::Software) GTEST_SKIP() << "the flat build is for software KVM";
        auto made = Machine::create(ASTRA_FLAT_SELFTEST);
        ASSERT_TRUE(made) << made.error().message;
        machine_ = std::move(*made);
        struct sigaction action {};
        action.sa_handler = [](int) {};
        action.sa_flags = SA_RESTART;  // KVM_RUN ends with EINTR all the same
        ::sigaction(SIGALRM, &action, nullptr);
        itimerval often{{0, kLookMicroseconds}, {0, kLookMicroseconds}};
        ::setitimer(ITIMER_REAL, &often, nullptr);
        read_labels();
    }
    void TearDown() override {
        itimerval never{};
        ::setitimer(ITIMER_REAL, &never, nullptr);
    }

    /// Runs the guest until the timer's next signal; false, with a failure, when it ended instead.
    bool look() {
        for (;;) {
            auto exit = machine_->vcpu.run();
            if (exit && std::holds_alternative<InterruptedExit>(*exit)) return true;
            bool on =
                exit && handle_exit(machine_->devices->buses(), machine_->counts, *exit) == Verdict::Resume;
            if (on && !machine_->ended) continue;
            ADD_FAILURE() << "the guest ended: " << read_log()
                          << (exit ? describe(*exit) : exit.error().message);
            return false;
        }
    }
    [[nodiscard]] u64 rip() const {
        auto state = machine_->vcpu.state();
        return state ? state->general.rip : 0;
    }
    /// Runs until the vCPU is at `stop`. False when it does not come there.
    bool reach(const Stop& stop) {
        for (int i = 0; i < kPatience && look(); i++)
            if (rip() == stop.address()) return true;
        return false;
    }
    /// Raises the timer's interrupt where the vCPU is.
    void force_tick() {
        kvm_msi message{};
        message.address_lo = 0xfee0'0000;
        message.data = kTimerVector;
        ASSERT_GE(::ioctl(machine_->vm.fd(), KVM_SIGNAL_MSI, &message), 0);
        forced_++;
    }
    /// Makes the instruction where the vCPU is fault, though nothing is wrong with what it accesses, and sees
    /// the fault come to the gate.
    void force_fault() {
        kvm_sregs registers{};
        kvm_vcpu_events events{};
        int vcpu = machine_->vcpu.fd();
        ASSERT_GE(::ioctl(vcpu, KVM_GET_SREGS, &registers), 0);
        registers.cr2 = labels_.stubs;
        ASSERT_GE(::ioctl(vcpu, KVM_SET_SREGS, &registers), 0);
        ASSERT_GE(::ioctl(vcpu, KVM_GET_VCPU_EVENTS, &events), 0);
        events.exception.injected = 1;
        events.exception.nr = kPageFault;
        events.exception.has_error_code = 1;
        events.exception.error_code = kUserWrite;
        ASSERT_GE(::ioctl(vcpu, KVM_SET_VCPU_EVENTS, &events), 0);
        Stop gate = stop_at(labels_.stray);
        ASSERT_TRUE(reach(gate)) << fmt::format("rip {:#x}", rip());
    }
    /// Runs until the kernel has seen every forced tick and the program has gone round since.
    bool settle() {
        u64 round = progress().rounds + 2;
        for (int i = 0; i < 40 * kPatience; i++) {
            if (progress().ticks == forced_ && progress().rounds >= round) return true;
            if (!look()) return false;
        }
        ADD_FAILURE() << fmt::format("{} ticks forced, {} seen, rip {:#x}", forced_, progress().ticks, rip());
        return false;
    }
    Progress& progress() {
        return *reinterpret_cast<Progress*>(machine_->ram.data() + labels_.progress_phys);
    }
    /// At an address of the kernel or the program.
    Stop stop_at(u64 address) {
        u64 physical = address >= kKernelOffset ? address - kKernelOffset
                                                : labels_.program_phys + address - kProgramBase;
        return Stop(*machine_, address, PhysAddr(physical));
    }

    /// Carries out `force` at `address`: when the kernel comes there by itself, else after a tick at one of
    /// `helpers` brought it there. False when nothing does, or the guest did not survive.
    bool force_at(u64 address, std::span<const u64> helpers, const std::function<void()>& force) {
        Stop stop = stop_at(address);
        if (reach(stop)) return force(), true;
        for (u64 helper : helpers) {
            if (HasFailure()) break;
            {
                Stop first = stop_at(helper);
                if (!reach(first)) continue;
                force_tick();
            }
            if (reach(stop)) return force(), true;
        }
        return false;
    }

    /// Carries out `force` at every instruction between program and kernel. Returns how many there are.
    usize force_everywhere(const std::function<void()>& force) {
        std::vector<u64> places = instructions(labels_.stubs, labels_.stubs + kStubBytes);
        std::vector<u64> common = instructions(labels_.common, labels_.end);
        std::vector<u64> way_out = instructions(labels_.exit, labels_.end);
        EXPECT_FALSE(places.empty() || common.empty() || way_out.size() < 2);
        places.insert(places.end(), common.begin(), common.end());
        // The first instruction of the way out still runs masked; from the second on a tick starts it anew.
        const u64 helpers[] = {labels_.program, labels_.resolve, way_out[1]};
        for (u64 address : places) {
            EXPECT_TRUE(force_at(address, helpers, force)) << fmt::format("{:#x} was not reached", address);
            EXPECT_TRUE(settle()) << fmt::format("after {:#x}", address);
            if (HasFailure()) break;
        }
        return places.size();
    }

    Labels labels_{};

  private:
    std::string read_log() {
        std::string text(4096, '\0');
        ssize_t count = ::read(machine_->log.get(), text.data(), text.size());
        text.resize(static_cast<usize>(std::max<ssize_t>(count, 0)));
        return text;
    }
    void read_labels() {
        std::string text;
        for (int i = 0; i < 5000 && !text.ends_with("\r\n") && !text.ends_with('\n') && look(); i++)
            text += read_log();
        ASSERT_EQ(
            std::sscanf(text.c_str(), "entry window: %lx %lx %lx %lx %lx %lx %lx %lx %lx", &labels_.stubs,
                        &labels_.common, &labels_.exit, &labels_.end, &labels_.stray, &labels_.resolve,
                        &labels_.program, &labels_.program_phys, &labels_.progress_phys),
            9)
            << text;
    }
    std::unique_ptr<Machine> machine_;
    u64 forced_ = 0;
};

TEST_F(EntryWindow, SurvivesATickAtEveryInstruction) {
    usize places = force_everywhere([this] { force_tick(); });
    fmt::print("entry window: ticks forced at {} instructions, {} in all\n", places, progress().ticks);
}

TEST_F(EntryWindow, SurvivesAPageFaultAtEveryInstruction) {
    usize places = force_everywhere([this] { force_fault(); });
    fmt::print("entry window: page faults forced at {} instructions\n", places);
}

}  // namespace
}  // namespace astra::vmm
