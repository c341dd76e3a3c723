// Finding the pieces of an installation.
#include "vmm/engines/host_facts.hpp"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace astra::vmm {
namespace {

namespace fs = std::filesystem;

std::string if_accessible(const fs::path& path, int mode) {
    return ::access(path.c_str(), mode) == 0 ? path.string() : std::string();
}

std::string find_in_path(const char* program) {
    const char* path = ::getenv("PATH");
    for (std::string_view rest = path ? path : ""; !rest.empty();) {
        usize colon = rest.find(':');
        std::string_view folder = rest.substr(0, colon);
        rest = colon == rest.npos ? "" : rest.substr(colon + 1);
        if (folder.empty()) continue;
        if (auto found = if_accessible(fs::path(folder) / program, X_OK); !found.empty()) return found;
    }
    return {};
}

}  // namespace

HostFacts gather_host_facts() {
    HostFacts facts;
    facts.kvm = probe_kvm();
    std::error_code error;
    fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
    fs::path share = (here / "../share/astra").lexically_normal();
    facts.installation = here.string();
    facts.kernels = share.string();
    facts.vmm = if_accessible(here / "astra-vmm", X_OK);
    facts.libvirt = if_accessible(here / "astra-libvirt", X_OK);
    facts.kernel_isolated = if_accessible(share / "kernel-isolated.elf", R_OK);
    facts.kernel_flat = if_accessible(share / "kernel-flat.elf", R_OK);
    facts.qemu = find_in_path("qemu-system-x86_64");
    return facts;
}

}  // namespace astra::vmm
