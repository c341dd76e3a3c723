// One row per option: parsing and usage() both read the table.
#include "vmm/machine/options.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <charconv>
#include <climits>

#include "guest_kernel/abi/counters.hpp"
#include "vmm/memory/layout.hpp"

namespace astra::vmm {

namespace {

using Text = std::string_view;

std::unexpected<Error> refuse(std::string reason) {
    return fail(Code::InvalidArgument, std::move(reason), "astra-vmm --help");
}

Result<u64> number(Text text, u64 low, u64 high) {
    u64 value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < low || value > high)
        return refuse(fmt::format("must be a number from {} to {}", low, high));
    return value;
}

Result<void> take_descriptor(Fd& to, Text text) {
    u64 value = TRY(number(text, 0, INT_MAX));
    int fd = static_cast<int>(value);
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) return fail_errno("not an open descriptor");
    to = Fd(fd);
    return {};
}

Result<void> set_memory(Options& to, Text text) {
    u64 mib = TRY(number(text, kMinRam >> 20, kPhysicalLimit >> 20));
    to.machine.memory_bytes = mib << 20;
    return {};
}
Result<void> set_cpus(Options& to, Text text) {
    to.machine.cpus = static_cast<u32>(TRY(number(text, 1, abi::counters::kMaxCpus)));
    return {};
}
Result<void> set_policy(Options& to, Text text) {
    auto policy = parse_image_policy(text);
    if (!policy) return refuse("must be copy or map");
    to.machine.image_policy = *policy;
    return {};
}
template <auto member>
Result<void> set_text(Options& to, Text text) {
    to.machine.*member = text;
    return {};
}
template <auto member>
Result<void> set_end(Options& to, Text text) {
    return take_descriptor(to.machine.ends.*member, text);
}
Result<void> set_counters(Options& to, Text text) { return take_descriptor(to.machine.counters, text); }
template <auto member>
Result<void> set_flag(Options& to, Text) {
    to.*member = true;
    return {};
}
Result<void> set_trace(Options& to, Text) {
    to.machine.trace_exits = true;
    return {};
}

Result<void> set_network(Options& to, Text text) {
    to.network = text;
    return {};
}
Result<void> add_forward(Options& to, Text text) {
    to.forwards.emplace_back(text);
    return {};
}

struct Option {
    Text name;
    Text value;  // what usage() calls the argument; empty: takes none
    Text help;
    Result<void> (*apply)(Options& to, Text text);
};
constexpr Option kOptions[] = {
    {"kernel", "PATH", "the guest kernel, a PVH ELF (required)", set_text<&MachineConfig::kernel>},
    {"memory-mib", "N", "the guest's memory (required)", set_memory},
    {"cpus", "N", "its CPUs (1)", set_cpus},
    {"image", "PATH", "an image, which the guest sees read-only as PVH module 0",
     set_text<&MachineConfig::image>},
    {"image-policy", "P", "copy: into the guest's own memory (default); map: share the file's pages",
     set_policy},
    {"control-fd", "N", "connected stream socket: the control port", set_end<&HostEnds::control>},
    {"console-fd", "N", "connected stream socket: the console", set_end<&HostEnds::console>},
    {"log-fd", "N", "where the guest's serial output goes", set_end<&HostEnds::log>},
    {"counters-fd", "N", "memfd: the memory of the guest's counters", set_counters},
    {"net", "NETWORK", "none (default), user[,host-loopback] or tap=NAME", set_network},
    {"forward", "PORTS", "[ADDRESS:]HOST:GUEST[/udp], a port of the host that leads to the guest's",
     add_forward},
    {"cmdline", "TEXT", "words to append to the kernel's command line",
     set_text<&MachineConfig::command_line>},
    {"detach", "", "stay alive when the launcher ends", set_flag<&Options::detach>},
    {"trace-exits", "", "a line on stderr for every exit, and a table at the end", set_trace},
    {"probe", "", "only print whether this host's KVM is hardware or software", set_flag<&Options::probe>},
    {"help", "", "print this", set_flag<&Options::help>},
};

const Option* find(Text name) {
    for (const Option& option : kOptions)
        if (option.name == name) return &option;
    return nullptr;
}

}  // namespace

Result<Options> parse_options(std::span<const char* const> arguments) {
    Options options;
    for (usize i = 0; i < arguments.size(); i++) {
        Text argument = arguments[i];
        if (!argument.starts_with("--")) return refuse(fmt::format("unexpected argument '{}'", argument));
        Text name = argument.substr(2);
        usize equals = name.find('=');
        bool attached = equals != Text::npos;
        Text value = attached ? name.substr(equals + 1) : Text();
        name = name.substr(0, equals);
        const Option* option = find(name);
        if (!option) return refuse(fmt::format("unknown option --{}", name));
        if (option->value.empty() && attached) return refuse(fmt::format("--{} takes no value", name));
        if (!option->value.empty() && !attached) {
            if (++i == arguments.size()) return refuse(fmt::format("--{} needs a value", name));
            value = arguments[i];
        }
        if (auto applied = option->apply(options, value); !applied) {
            applied.error().message = fmt::format("--{} {}: {}", name, value, applied.error().message);
            return std::unexpected(std::move(applied.error()));
        }
    }
    bool runs = !options.help && !options.probe;
    if (runs && options.machine.kernel.empty()) return refuse("--kernel is missing");
    if (runs && options.machine.memory_bytes == 0) return refuse("--memory-mib is missing");
    options.machine.network = TRY(net::parse_config(options.network, options.forwards));
    return options;
}

std::string usage() {
    std::string text =
        "Usage: astra-vmm --kernel PATH --memory-mib N [OPTION]...\n"
        "Runs one guest on /dev/kvm until it ends.\n\n";
    for (const Option& option : kOptions)
        text += fmt::format("  {:<20} {}\n", fmt::format("--{} {}", option.name, option.value), option.help);
    text +=
        "\nSIGQUIT prints the registers of the guest's CPUs to stderr.\n"
        "Status: 0 the guest ended cleanly; 1 astra-vmm failed; 2 the guest kernel panicked; 3 it is the "
        "wrong\n"
        "build for this host; 4 a CPU of the guest could not go on (triple fault, KVM error);\n"
        "5 a thread tried a system call that its sandbox forbids (ASTRA_SANDBOX=off: there is none).\n";
    return text;
}

}  // namespace astra::vmm
