// Checking and resolving a launch specification.
#include "vmm/engines/prepare.hpp"

#include <fmt/format.h>

#include "vmm/image/store.hpp"
#include "vmm/net/backend.hpp"

namespace astra::vmm {

using control::LaunchSpec;

namespace {

SpawnRequest program_of(const LaunchSpec& spec) {
    SpawnRequest request{
        .workdir = spec.workdir, .arguments = spec.arguments, .environment = spec.environment};
    if (spec.terminal) {
        request.stdio = abi::control::StdioMode::Console;
        request.rows = spec.terminal->rows;
        request.columns = spec.terminal->columns;
    }
    return request;
}

}  // namespace

Result<void> check_spec(const LaunchSpec& spec) {
    if (spec.arguments.empty() || spec.arguments.front().empty())
        return fail(Code::InvalidArgument, "no program to run", "name one: astra run … -- /bin/sh");
    if (spec.cpus < 1 || spec.cpus > control::kMaxCpus)
        return fail(Code::InvalidArgument,
                    fmt::format("{} CPUs: a guest has 1 to {}", spec.cpus, control::kMaxCpus));
    if (spec.memory_mib < control::kMinMemoryMib)
        return fail(Code::InvalidArgument, fmt::format("{} MiB of memory: a guest has at least {}",
                                                       spec.memory_mib, control::kMinMemoryMib));
    if (!spec.workdir.starts_with('/'))
        return fail(Code::InvalidArgument, "working directory '" + spec.workdir + "' is not absolute",
                    "name it as the guest sees it, from /");
    for (const std::string& entry : spec.environment)
        if (entry.find('=') == std::string::npos || entry.starts_with('='))
            return fail(Code::InvalidArgument, "environment entry '" + entry + "' is not NAME=value");
    if (spec.rootfs.empty() && spec.image.empty())
        return fail(Code::InvalidArgument, "the guest has no root file system",
                    "give it one: --rootfs FILE.tar");
    if (!spec.rootfs.empty() && !spec.image.empty())
        return fail(Code::InvalidArgument, "both an archive and an image are named", "one is enough");
    bool is_id =
        spec.image.size() == 64 && spec.image.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!spec.image.empty() && !is_id)
        return fail(Code::InvalidArgument, "'" + spec.image + "' is not an image's id",
                    "an id is 64 hexadecimal digits; --rootfs takes archives");
    TRY(net::parse_config(spec.network, spec.ports));
    TRY(encode_spawn(program_of(spec)));
    return {};
}

namespace {

/// The aligned TAR the guest gets: imported from the archive, or found in the store.
Result<image::ImportedImage> resolve_image(const LaunchSpec& spec, const std::string& path,
                                           control::RunEvents& events) {
    if (!spec.image.empty()) {
        auto store = TRY(image::Store::open(path));
        auto found = store.find(spec.image);
        if (!found && found.error().code == Code::NotFound)
            return fail(Code::NotFound, "there is no image " + spec.image,
                        "import its archive again: --rootfs FILE");
        return found;
    }
    image::ImportOptions options;
    options.store = path;
    options.progress = [&](const image::ImportProgress& progress) {
        events.on_progress(progress.stage, progress.done, progress.total);
    };
    return image::import_image(spec.rootfs, options);
}

}  // namespace

Result<RunRequest> prepare(const LaunchSpec& spec, const std::string& store, control::RunEvents& events) {
    TRY(check_spec(spec));
    HostFacts facts = gather_host_facts();
    Plan plan = TRY(choose(facts, spec.engine, spec.kernel));
    if (spec.machine != control::MachineType::Microvm && plan.kind == EngineKind::Kvm)
        return fail(Code::InvalidArgument, "engine kvm has a machine of its own, which is like microvm",
                    "use --engine qemu, or no --machine");
    events.on_detail(fmt::format("engine {} with the {} kernel: {}", engine_kind_name(plan.kind),
                                 plan.kernel_name, plan.reason));
    auto image = TRY(resolve_image(spec, store, events));
    events.on_detail(
        fmt::format("image {}: {} files, {} KiB", image.sha256, image.inodes, image.bytes >> 10));
    net::Config network = TRY(net::parse_config(spec.network, spec.ports));
    bool hardware = facts.kvm && *facts.kvm == KvmKind::Hardware;
    RunRequest request{.engine = make_engine(facts, plan.kind, spec.libvirt_uri),
                       .machine = {.kernel = plan.kernel,
                                   .image = image.path,
                                   .image_policy = hardware ? ImagePolicy::Map : ImagePolicy::Copy,
                                   .cpus = spec.cpus,
                                   .memory_mib = spec.memory_mib,
                                   .network = spec.network,
                                   .forwards = spec.ports,
                                   .type = spec.machine,
                                   .command_line = net::kernel_words(network) + " " + spec.kernel_arguments},
                       .program = program_of(spec),
                       .kernel_name = plan.kernel_name,
                       .other_kernel = plan.other_kernel,
                       .timing = spec.timing};
    return request;
}

}  // namespace astra::vmm
