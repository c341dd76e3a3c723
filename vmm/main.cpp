// astra-vmm: runs one guest. Its launcher hands it connected stream sockets and waits for its exit status.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>

#include "guest_kernel/abi/machine.hpp"
#include "vmm/kvm/host_probe.hpp"
#include "vmm/machine/options.hpp"

using namespace astra;
using namespace astra::vmm;

namespace {

/// Exit statuses; options.cpp's usage() tells them to people.
enum Status { kClean = 0, kFailed = 1, kPanicked = 2, kWrongBuild = 3, kFaulted = 4 };

int complain(const Error& error) {
    fmt::print(stderr, "astra-vmm: {}\n", error.message);
    if (!error.hint.empty()) fmt::print(stderr, "astra-vmm: hint: {}\n", error.hint);
    return kFailed;
}

/// Dies with the launcher: by signal from now on; at once if it has gone already, as its socket tells.
Result<void> follow_launcher(const Fd& control) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return fail_errno("PR_SET_PDEATHSIG");
    pollfd peer{control.get(), 0, 0};
    if (control.valid() && ::poll(&peer, 1, 0) == 1 && (peer.revents & POLLHUP))
        return fail(Code::Unavailable, "the launcher is gone");
    return {};
}

int status_of(const GuestExit& exit) {
    switch (exit.value) {
        case static_cast<u32>(abi::machine::ExitCode::Clean): return kClean;
        case static_cast<u32>(abi::machine::ExitCode::Panic): return kPanicked;
        case static_cast<u32>(abi::machine::ExitCode::WrongBuild): return kWrongBuild;
        default:
            fmt::print(stderr, "astra-vmm: the guest left with unknown code {}\n", exit.value);
            return kFailed;
    }
}

int status_of(const GuestFault& fault) {
    fmt::print(stderr, "astra-vmm: {}\n", fault.report);
    return kFaulted;
}

int probe() {
    auto kind = probe_kvm();
    if (!kind) return complain(kind.error());
    fmt::print("{}\n", kvm_kind_name(*kind));
    return kClean;
}

}  // namespace

int main(int argc, char** argv) {
    auto options = parse_options({argv + 1, static_cast<usize>(argc - 1)});
    if (!options) return complain(options.error());
    if (options->help) return fmt::print("{}", usage()), kClean;
    if (options->probe) return probe();
    if (!options->detach)
        if (auto followed = follow_launcher(options->machine.ends.control); !followed)
            return complain(followed.error());
    // A reader of stderr or of a log pipe that went away must not end the guest.
    ::signal(SIGPIPE, SIG_IGN);
    // For debuggers, and for hosts with a C library that needs more than the rules allow.
    const char* sandbox = ::getenv("ASTRA_SANDBOX");
    options->machine.confine = !sandbox || std::string_view(sandbox) != "off";
    auto outcome = run_machine(std::move(options->machine));
    if (!outcome) return complain(outcome.error());
    return std::visit([](const auto& end) { return status_of(end); }, *outcome);
}
