// Engine "kvm": one astra-vmm process per guest.
#include <fmt/format.h>
#include <sys/wait.h>

#include "guest_kernel/abi/counters.hpp"
#include "guest_kernel/abi/machine.hpp"
#include "vmm/engines/engine.hpp"
#include "vmm/engines/wiring.hpp"

namespace astra::vmm {
namespace {

class KvmEngine : public Engine {
  public:
    explicit KvmEngine(std::string vmm) : vmm_(std::move(vmm)) {}
    [[nodiscard]] std::string_view name() const override { return "kvm"; }
    [[nodiscard]] std::string_view program() const override { return "astra-vmm"; }
    [[nodiscard]] Result<Machine> launch(const MachineSpec& spec) const override;
    [[nodiscard]] MachineEnd end_of(int wait_status) const override;

  private:
    std::string vmm_;
};

Result<Machine> KvmEngine::launch(const MachineSpec& spec) const {
    auto counters = TRY(SharedMemory::create(
        "astra-counters",
        {{PhysAddr(abi::machine::kCountersBase), abi::counters::region_bytes(spec.cpus), 0}}));
    Ends control = TRY(make_socket_pair()), console = TRY(make_socket_pair());
    Ends log = TRY(make_pipe()), errors = TRY(make_pipe());

    ProcessSpec process{
        .program = vmm_, .arguments = {}, .inherited = {}, .errors = std::move(errors.theirs)};
    auto number = [&](Fd fd) { return fmt::to_string(process.inherit(std::move(fd))); };
    process.arguments = {"--kernel",      spec.kernel,
                         "--memory-mib",  fmt::to_string(spec.memory_mib),
                         "--cpus",        fmt::to_string(spec.cpus),
                         "--cmdline",     spec.command_line,
                         "--control-fd",  number(std::move(control.theirs)),
                         "--console-fd",  number(std::move(console.theirs)),
                         "--log-fd",      number(std::move(log.theirs)),
                         "--counters-fd", number(TRY(counters.share()))};
    process.arguments.insert(process.arguments.end(), {"--net", spec.network});
    for (const std::string& forward : spec.forwards)
        process.arguments.insert(process.arguments.end(), {"--forward", forward});
    if (!spec.image.empty()) {
        const char* policy = spec.image_policy == ImagePolicy::Map ? "map" : "copy";
        for (std::string word :
             {std::string("--image"), spec.image, std::string("--image-policy"), std::string(policy)})
            process.arguments.push_back(std::move(word));
    }
    return Machine{.process = TRY(Process::start(std::move(process))),
                   .control = std::move(control.ours),
                   .console = std::move(console.ours),
                   .log = std::move(log.ours),
                   .errors = std::move(errors.ours),
                   .shared = std::move(counters)};
}

MachineEnd KvmEngine::end_of(int wait_status) const {
    if (!WIFEXITED(wait_status)) return MachineEnd::Killed;
    switch (WEXITSTATUS(wait_status)) {  // astra-vmm's exit statuses
        case 0: return MachineEnd::Clean;
        case 2: return MachineEnd::Panic;
        case 3: return MachineEnd::WrongBuild;
        case 4: return MachineEnd::VcpuDied;
        default: return MachineEnd::Failed;
    }
}

}  // namespace

std::unique_ptr<Engine> make_kvm_engine(std::string vmm) {
    return std::make_unique<KvmEngine>(std::move(vmm));
}

}  // namespace astra::vmm
