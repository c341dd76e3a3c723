// VcpuThread: KVM_RUN in a loop.
#include "vmm/machine/vcpu_thread.hpp"

#include <fmt/format.h>
#include <signal.h>

#include "vmm/machine/sandbox.hpp"
#include "vmm/machine/sandbox_rules.hpp"

namespace astra::vmm {

namespace {
/// Interrupts KVM_RUN; that is all it does.
const int kKickSignal = SIGRTMIN;

/// The registers on lines of their own, or why there are none.
std::string registers(const Vcpu& vcpu) {
    auto state = vcpu.state();
    if (!state) return " " + state.error().message;
    // On AMD hardware a shutdown leaves nothing defined behind (AMD APM volume 2, 15.14.3), and KVM starts
    // afresh.
    bool at_reset = state->special.cs.selector == 0xf000 && state->general.rip == 0xfff0;
    return fmt::format("{}\n{}",
                       at_reset ? " (this host's KVM has reset the CPU: its registers are lost)" : "",
                       describe(*state));
}
}  // namespace

void VcpuThread::install_signal() {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(kKickSignal, &action, nullptr);
}

Result<void> VcpuThread::start() {
    auto body = [](void* self) -> void* {
        static_cast<VcpuThread*>(self)->run();
        return nullptr;
    };
    if (int error = ::pthread_create(&thread_, nullptr, body, this))
        return fail_errno("cannot start a vCPU", error);
    started_ = true;
    return {};
}

void VcpuThread::stop() {
    stopping_ = true;
    interrupt();
    if (std::exchange(started_, false)) ::pthread_join(thread_, nullptr);
}

void VcpuThread::request_dump() {
    dump_ = true;
    interrupt();
}

void VcpuThread::interrupt() {
    // The flag first: a thread that is on its way into KVM_RUN sees it, one that is inside gets the signal.
    vcpu_.kick();
    if (started_) ::pthread_kill(thread_, kKickSignal);
}

void VcpuThread::run() {
    ::pthread_setname_np(::pthread_self(), fmt::format("vcpu{}", vcpu_.id()).c_str());
    if (options_.confine)
        if (auto confined = confine_thread(kVcpuRole, "CPU"); !confined)
            return reports_.host_error(std::move(confined.error()));
    while (!stopping_) {
        auto exit = vcpu_.run();
        if (!exit) return reports_.host_error(std::move(exit.error()));
        if (options_.trace) fmt::print(stderr, "cpu{} {}\n", vcpu_.id(), describe(*exit));
        if (handle_exit(buses_, counts_, *exit) == Verdict::Fault) {
            return reports_.fault(vcpu_.id(),
                                  fmt::format("cpu {}: {}{}", vcpu_.id(), describe(*exit), registers(vcpu_)));
        }
        // Before the flags are looked at, as interrupt() sets them before it kicks.
        if (std::holds_alternative<InterruptedExit>(*exit)) vcpu_.unkick();
        if (dump_.exchange(false)) fmt::print(stderr, "cpu {}:{}\n", vcpu_.id(), registers(vcpu_));
    }
}

}  // namespace astra::vmm
