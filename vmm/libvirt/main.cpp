// astra-libvirt URI TYPE MACHINE XML: starts a transient domain and lives as long as it does. Descriptor 3
// gets a byte once the domain runs. SIGUSR1 suspends the domain, SIGUSR2 resumes it. When this process dies,
// libvirt destroys the domain. Status: 0 the guest left; 1 anything else, stderr says what.
#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>

#include "vmm/base/fd.hpp"

namespace {

using astra::vmm::Fd;

constexpr int kStartedFd = 3;
constexpr int kKeepAliveSeconds = 5, kKeepAliveCount = 6;

struct Release {
    void operator()(virConnectPtr connection) const { virConnectClose(connection); }
    void operator()(virDomainPtr domain) const { virDomainFree(domain); }
};
using Connection = std::unique_ptr<virConnect, Release>;
using Domain = std::unique_ptr<virDomain, Release>;

int complain(const std::string& message, const char* hint = "") {
    fmt::print(stderr, "{}\n", message);
    if (*hint) fmt::print(stderr, "hint: {}\n", hint);
    return 1;
}

/// The domain under watch, and how its watch ended.
struct Watch {
    unsigned char uuid[VIR_UUID_BUFLEN] = {};
    virDomainPtr domain = nullptr;
    std::optional<int> status;
};

int status_of(int detail) {
    switch (detail) {
        // Left by the exit doorbell (QEMU exits), or by a reset.
        case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
        case VIR_DOMAIN_EVENT_STOPPED_FAILED: return 0;
        case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
            return complain("the domain was destroyed through libvirt", "someone ran virsh destroy, perhaps");
        case VIR_DOMAIN_EVENT_STOPPED_CRASHED: return complain("libvirt says that the domain crashed");
        default: return complain(fmt::format("libvirt stopped the domain (detail {})", detail));
    }
}

int on_lifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* opaque) {
    auto& watch = *static_cast<Watch*>(opaque);
    unsigned char uuid[VIR_UUID_BUFLEN];
    // Other people's domains are theirs.
    if (event != VIR_DOMAIN_EVENT_STOPPED || virDomainGetUUID(domain, uuid) < 0 ||
        !std::equal(uuid, uuid + sizeof uuid, watch.uuid))
        return 0;
    watch.status = status_of(detail);
    return 0;
}

void on_close(virConnectPtr, int, void* opaque) {
    auto& watch = *static_cast<Watch*>(opaque);
    if (!watch.status) watch.status = complain("libvirtd closed the connection", "is it still running?");
}

void on_signal(int, int fd, int, void* opaque) {
    signalfd_siginfo info{};
    if (::read(fd, &info, sizeof info) != sizeof info) return;
    auto& watch = *static_cast<Watch*>(opaque);
    const bool suspend = info.ssi_signo == SIGUSR1;
    if ((suspend ? virDomainSuspend(watch.domain) : virDomainResume(watch.domain)) < 0)
        complain(fmt::format("libvirt could not {} the domain: {}", suspend ? "suspend" : "resume",
                             virGetLastErrorMessage()));
}

/// Guests' sockets, kernels and images are this host's.
bool is_this_host(virConnectPtr connection) {
    char here[256] = {};
    if (::gethostname(here, sizeof here - 1) != 0) return false;
    std::unique_ptr<char, decltype(&::free)> there(virConnectGetHostname(connection), &::free);
    const std::string_view name = there ? there.get() : "";
    return name.substr(0, name.find('.')) ==
           std::string_view(here).substr(0, std::string_view(here).find('.'));
}

int run(const char* uri, const char* type, const char* machine, const char* xml) {
    // Blocked before any thread of libvirt's starts.
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGUSR1);
    ::sigaddset(&signals, SIGUSR2);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    const Fd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC));
    virSetErrorFunc(nullptr, [](void*, virErrorPtr) {});  // what matters is said below
    if (!signal_fd.valid() || virEventRegisterDefaultImpl() < 0)
        return complain("libvirt's event loop failed");

    const std::string where = *uri ? fmt::format("libvirt at {}", uri) : "libvirt at its default URI";
    Connection connection(virConnectOpen(*uri ? uri : nullptr));
    if (!connection)
        return complain(fmt::format("cannot reach {}: {}", where, virGetLastErrorMessage()),
                        "start libvirtd, or name another URI: --engine libvirt:qemu:///session");
    if (!is_this_host(connection.get()))
        return complain(where + " is on another host",
                        "run astra there: a guest's files and sockets are local");
    std::unique_ptr<char, decltype(&::free)> capabilities(
        virConnectGetDomainCapabilities(connection.get(), nullptr, "x86_64", machine, type, 0), &::free);
    if (!capabilities)
        return complain(fmt::format("{} has no machine '{}' of type '{}': {}", where, machine, type,
                                    virGetLastErrorMessage()),
                        "apt-get install qemu-system-x86 libvirt-daemon-driver-qemu");

    Watch watch;
    virConnectSetKeepAlive(connection.get(), kKeepAliveSeconds, kKeepAliveCount);  // not all drivers have it
    // Before the domain exists: no event is missed.
    if (virConnectRegisterCloseCallback(connection.get(), on_close, &watch, nullptr) < 0 ||
        virConnectDomainEventRegisterAny(connection.get(), nullptr, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
                                         VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle), &watch, nullptr) < 0)
        return complain(fmt::format("{} tells no events: {}", where, virGetLastErrorMessage()));
    Domain domain(virDomainCreateXML(connection.get(), xml, VIR_DOMAIN_START_AUTODESTROY));
    if (!domain)
        return complain(fmt::format("{} did not start the domain: {}", where, virGetLastErrorMessage()));
    virDomainGetUUID(domain.get(), watch.uuid);
    watch.domain = domain.get();
    if (virEventAddHandle(signal_fd.get(), VIR_EVENT_HANDLE_READABLE, on_signal, &watch, nullptr) < 0)
        return complain("libvirt's event loop failed");
    if (::write(kStartedFd, "", 1) != 1) return complain("the launcher is gone");
    while (!watch.status)
        if (virEventRunDefaultImpl() < 0) return complain("libvirt's event loop failed");
    return *watch.status;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) return complain("usage: astra-libvirt URI TYPE MACHINE XML (started by astra)");
    ::signal(SIGPIPE, SIG_IGN);
    return run(argv[1], argv[2], argv[3], argv[4]);
}
