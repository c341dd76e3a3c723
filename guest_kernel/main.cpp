// From the arch's hand-over to the first program: the order in which the kernel comes up.
#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/drivers/command_line.hpp"
#include "guest_kernel/drivers/control.hpp"
#include "guest_kernel/drivers/counters.hpp"
#include "guest_kernel/drivers/log.hpp"
#include "guest_kernel/drivers/virtio_console.hpp"
#include "guest_kernel/drivers/virtio_rng.hpp"
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/mm/frames.hpp"
#include "guest_kernel/net/inet/network.hpp"
#include "guest_kernel/sched/scheduler.hpp"

namespace astra {

namespace {

constinit BootInfo::Range image{};

void set_log_level_from_command_line() {
    auto text = command_line_value("astra.log");
    if (!text) return;
    if (auto level = take_number(*text); level && *level <= 3)
        set_console_log_level(static_cast<LogLevel>(*level));
}

u32 cpus_wanted() {
    auto text = command_line_value("astra.cpus");
    auto count = text ? take_number(*text) : std::nullopt;
    return count && *count >= 1 && *count < arch::kMaxCpus ? static_cast<u32>(*count) : arch::kMaxCpus;
}

void log_to_console(std::span<const char> text) {
    virtio::ConsolePort::OutputBuffer buffer;
    auto* port = virtio::console_port();
    if (!port->try_acquire(buffer, false)) return arch::early_write(text);
    usize length = text.size() < buffer.bytes.size() ? text.size() : buffer.bytes.size();
    __builtin_memcpy(buffer.bytes.data(), text.data(), length);
    port->send(buffer, length);
}

// The rest of boot, in a thread that may sleep.
void boot_thread(void*) {
    if (auto console = virtio::init_console(); console)
        set_log_sink(log_to_console);
    else
        log(LogLevel::Error, "no console device: %s", abi::errno_name(static_cast<int>(console.error())));
    if (auto seed = virtio::seed_from_rng(); !seed)
        log(LogLevel::Warning, "no entropy device: %s", abi::errno_name(static_cast<int>(seed.error())));
    if (auto network = net::init_network(); !network)
        log(LogLevel::Error, "no network: %s", abi::errno_name(static_cast<int>(network.error())));
    std::span<const u8> bytes;
    if (image.size) bytes = {static_cast<const u8*>(arch::phys_to_virt(image.base)), image.size};
    if (auto mounted = fs::mount_root(bytes); !mounted)
        panic("cannot mount the root file system: %s", abi::errno_name(static_cast<int>(mounted.error())));
    net::provide_resolver();
    log(LogLevel::Info, "%lu KiB of RAM, %u CPUs, image of %lu KiB",
        mm::frame_stats().total * kPageSize / 1024, arch::cpus_online(), image.size / 1024);
    start_control(counters::phys(), counters::size());
}

}  // namespace

void kernel_main(const BootInfo& boot) {
    mm::init_frames(boot.ram);
    set_command_line(boot.command_line);
    set_log_level_from_command_line();
    image = boot.image;
    sched::init_cpu(0);
    sched::set_wall_offset_ns(static_cast<u64>(arch::read_rtc()) * 1'000'000'000 - arch::now_ns());
    u32 cpus = arch::start_secondary_cpus(cpus_wanted());
    if (auto ready = counters::init(cpus); !ready)
        panic("cannot set up the counters: %s", abi::errno_name(static_cast<int>(ready.error())));
    if (auto thread = sched::start_kernel_thread("boot", boot_thread, nullptr); !thread)
        panic("not enough memory to start: %lu frames", mm::frame_stats().total);
    sched::run_idle();
}

void kernel_secondary_main(u32 cpu) {
    sched::init_cpu(cpu);
    sched::run_idle();
}

}  // namespace astra
