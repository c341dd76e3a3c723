// run_machine: a table of contents of how a guest starts, runs and ends.
#include "vmm/machine/machine.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <chrono>

#include "guest_kernel/abi/counters.hpp"
#include "vmm/base/mapped_file.hpp"
#include "vmm/boot/command_line.hpp"
#include "vmm/boot/elf_loader.hpp"
#include "vmm/boot/pvh.hpp"
#include "vmm/kvm/cpuid.hpp"
#include "vmm/machine/sandbox.hpp"
#include "vmm/machine/sandbox_rules.hpp"
#include "vmm/machine/vcpu_thread.hpp"

namespace astra::vmm {

namespace {

using namespace std::chrono_literals;

/// How long output that nobody takes may keep an ended machine from leaving.
constexpr auto kDrainPatience = 2s;

/// KVM's page-table budget. The default (2 % of the memory's pages) thrashes when many processes run on
/// software KVM, where every guest page table has its shadow; a sixteenth, but at least 4096, holds 4 KiB
/// mappings of all of RAM in eight address spaces at once. It is a limit: a host page is taken per shadow
/// page in use, and given back when the host runs short. Hardware KVM with two-level paging hardly uses it.
constexpr u64 shadow_page_limit(u64 ram) { return std::max<u64>(4096, ram / kPageSize / 16); }

struct Memory {
    MemoryLayout layout;
    u64 image_bytes = 0;
    Mapping ram, image, counters;
    GuestMemory guest;
};

Result<std::unique_ptr<Memory>> build_memory(const MachineConfig& config) {
    auto memory = std::make_unique<Memory>();
    if (!config.image.empty()) {
        Image image = TRY(load_image(config.image, config.image_policy));
        memory->image = std::move(image.memory);
        memory->image_bytes = image.size;
    }
    if (config.counters.valid())
        memory->counters = TRY(map_shared(config.counters.get(), abi::counters::region_bytes(config.cpus)));
    memory->layout = TRY(lay_out(config.memory_bytes, memory->image_bytes, memory->counters.size()));
    memory->ram = TRY(map_anonymous(config.memory_bytes));

    bool added = true;
    usize offset = 0;
    for (const Range& range : memory->layout.ram) {
        added &= memory->guest.add({range.base, memory->ram.span().subspan(offset, range.size)});
        offset += range.size;
    }
    if (memory->image.valid())
        added &= memory->guest.add({memory->layout.image.base, memory->image.span(), true});
    if (memory->counters.valid())
        added &= memory->guest.add({memory->layout.counters.base, memory->counters.span()});
    if (!added) return fail(Code::Internal, "the guest's memory regions overlap");
    return memory;
}

Result<Vm> build_vm(const Kvm& kvm, const Memory& memory) {
    Vm vm = TRY(Vm::create(kvm));
    TRY(vm.set_shadow_page_limit(shadow_page_limit(memory.ram.size())));
    // Memory first: putting devices on KVM's buses starts an RCU grace period that a later change of the
    // slots waits for, some 7 ms.
    u32 slot = 0;
    for (const auto& region : memory.guest.regions())
        TRY(vm.set_memory(slot++, region.base, region.host, region.read_only));
    TRY(vm.create_interrupt_controllers());
    return vm;
}

Result<std::vector<Vcpu>> build_vcpus(const Kvm& kvm, const Vm& vm, u32 cpus) {
    CpuidTable supported = TRY(kvm.supported_cpuid());
    bool tsc_deadline = kvm.capability(KVM_CAP_TSC_DEADLINE_TIMER) > 0;
    std::vector<Vcpu> vcpus;
    for (u32 id = 0; id < cpus; id++) {
        Vcpu vcpu = TRY(Vcpu::create(kvm, vm, id));
        CpuidTable table = guest_cpuid(supported, {id, cpus, vcpu.tsc_khz(), tsc_deadline});
        TRY(vcpu.set_cpuid(table));
        if (u64 features = usable_xfeatures(table); features && kvm.capability(KVM_CAP_XCRS) > 0)
            TRY(vcpu.set_xfeatures(features));
        vcpus.push_back(std::move(vcpu));
    }
    return vcpus;
}

Result<void> load_guest(const MachineConfig& config, const Memory& memory, std::span<const u32> virtio_slots,
                        const Vcpu& boot_cpu) {
    MappedFile file = TRY(MappedFile::open(config.kernel));
    LoadedKernel kernel = TRY(load_kernel(file.bytes(), memory.guest));
    std::string line =
        compose_command_line(virtio_slots, memory.layout.counters, config.cpus, config.command_line);
    PhysAddr start_info = TRY(write_start_info(memory.guest, memory.layout, memory.image_bytes, line));
    CpuState reset = TRY(boot_cpu.state());
    return boot_cpu.set_state(pvh_entry_state(reset, kernel.entry, start_info));
}

/// The first reason to stop, from whichever thread comes first.
class Ending {
  public:
    explicit Ending(const EventFd& wake) : wake_(wake) {}
    void set(Result<Outcome> outcome) {
        {
            std::lock_guard guard(mutex_);
            if (!outcome_) outcome_ = std::move(outcome);
        }
        wake_.signal();
    }
    [[nodiscard]] bool reached() {
        std::lock_guard guard(mutex_);
        return outcome_.has_value();
    }
    /// Once reached, and all threads that may set it have ended.
    [[nodiscard]] Result<Outcome> take() { return std::move(*outcome_); }

  private:
    const EventFd& wake_;
    std::mutex mutex_;
    std::optional<Result<Outcome>> outcome_;
};

/// Lets the devices finish what the guest told them, and the host ends take it.
Result<void> drain(EventLoop& loop, DeviceSet& devices) {
    devices.quiesce();
    auto deadline = std::chrono::steady_clock::now() + kDrainPatience;
    for (;;) {
        usize handled = TRY(loop.dispatch(0));
        if (handled == 0 && !devices.output_blocked()) return {};
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline -
                                                                          std::chrono::steady_clock::now());
        if (left <= 0ms) return {};
        if (handled == 0) {
            if (TRY(loop.dispatch(static_cast<int>(left.count()))) == 0) return {};
            deadline = std::chrono::steady_clock::now() + kDrainPatience;
        }
    }
}

/// SIGQUIT as a descriptor. Threads started from now on have it blocked too.
Result<Fd> block_dump_signal() {
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGQUIT);
    ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd.valid()) return fail_errno("signalfd");
    return fd;
}

void print_counts(const std::vector<std::unique_ptr<VcpuThread>>& threads, Buses& buses) {
    for (usize cpu = 0; cpu < threads.size(); cpu++)
        for (usize kind = 0; kind < kExitKinds; kind++)
            if (u64 count = threads[cpu]->counts()[kind])
                fmt::print(stderr, "cpu{} {} exits: {}\n", cpu, kExitNames[kind], count);
    for (const Bus* bus : {&buses.ports, &buses.memory}) {
        for (const auto& window : bus->counts())
            if (window.reads + window.writes)
                fmt::print(stderr, "{} at {:#x}: {} reads, {} writes\n", window.label, window.base,
                           window.reads, window.writes);
        if (bus->unclaimed()) fmt::print(stderr, "accesses nobody answered: {}\n", bus->unclaimed());
    }
}

}  // namespace

Result<Outcome> run_machine(MachineConfig config) {
    if (config.cpus < 1 || config.cpus > abi::counters::kMaxCpus)
        return fail(Code::InvalidArgument,
                    fmt::format("{} CPUs: must be 1 to {}", config.cpus, abi::counters::kMaxCpus));
    Kvm kvm = TRY(Kvm::open());
    auto memory = TRY(build_memory(config));
    Vm vm = TRY(build_vm(kvm, *memory));

    EventLoop loop = TRY(EventLoop::create());
    EventFd wake = TRY(EventFd::create());
    Ending ending(wake);
    TRY(loop.add(wake.fd(), EPOLLIN, [&wake](u32) { wake.drain(); }));
    auto devices = TRY(DeviceSet::create(vm, memory->guest, loop, std::move(config.ends), config.network,
                                         [&ending](u32 value) { ending.set(Outcome(GuestExit{value})); }));

    std::vector<Vcpu> vcpus = TRY(build_vcpus(kvm, vm, config.cpus));
    TRY(load_guest(config, *memory, devices->virtio_slots(), vcpus[0]));

    VcpuThread::Reports reports{[&ending](u32 cpu, std::string report) {
                                    ending.set(Outcome(GuestFault{cpu, std::move(report)}));
                                },
                                [&ending](Error error) { ending.set(std::unexpected(std::move(error))); }};
    if (config.confine) TRY(drop_privileges());
    VcpuThread::install_signal();
    Fd dump_signal = TRY(block_dump_signal());
    std::vector<std::unique_ptr<VcpuThread>> threads;
    for (Vcpu& vcpu : vcpus)
        threads.push_back(std::make_unique<VcpuThread>(
            std::move(vcpu), devices->buses(), reports,
            VcpuThread::Options{.confine = config.confine, .trace = config.trace_exits}));
    devices->start_network(config.confine);
    for (auto& thread : threads) TRY(thread->start());

    TRY(loop.add(dump_signal.get(), EPOLLIN, [&](u32) {
        signalfd_siginfo info;
        (void)!::read(dump_signal.get(), &info, sizeof info);
        for (auto& thread : threads) thread->request_dump();
    }));
    if (config.confine) TRY(confine_thread(kDeviceRole, "device"));
    while (!ending.reached()) TRY(loop.dispatch(-1));
    for (auto& thread : threads) thread->stop();
    TRY(drain(loop, *devices));
    if (config.trace_exits) print_counts(threads, devices->buses());
    return ending.take();
}

}  // namespace astra::vmm
