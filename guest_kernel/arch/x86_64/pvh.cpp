// Reads the PVH start info: memory map, module 0 and command line.
#include "guest_kernel/arch/x86_64/pvh.hpp"

#include <algorithm>

#include "guest_kernel/abi/pvh.hpp"
#include "guest_kernel/arch/x86_64/boot.hpp"
#include "guest_kernel/arch/x86_64/layout.h"
#include "guest_kernel/drivers/command_line.hpp"

namespace astra::arch {

namespace {

namespace pvh = abi::pvh;
constexpr u32 kMaxMemoryRanges = 128;
constexpr usize kMaxCommandLine = 4096;

BootData boot_data;

/// `count` objects at physical `address`, or null when they do not lie inside the boot map.
template <class T>
const T* boot_array(u64 address, u64 count) {
    if (address == 0 || address >= ASTRA_BOOT_MAP_SIZE) return nullptr;
    if (count > (ASTRA_BOOT_MAP_SIZE - address) / sizeof(T)) return nullptr;
    return reinterpret_cast<const T*>(ASTRA_DIRECT_MAP + address);
}

void read_memory_map(const pvh::StartInfo& info) {
    const auto* map = boot_array<pvh::MemoryRange>(info.memory_map, info.memory_ranges);
    if (info.version < pvh::kStartVersion || !map || info.memory_ranges > kMaxMemoryRanges)
        boot_failure("no memory map");
    bool fits = true;
    for (u32 i = 0; i < info.memory_ranges; i++)
        if (map[i].type == pvh::MemoryType::Ram)
            fits &= boot_data.ram.add(PhysAddr(map[i].address), map[i].size);
    for (u32 i = 0; i < info.memory_ranges; i++)
        if (map[i].type != pvh::MemoryType::Ram)
            fits &= boot_data.ram.remove(PhysAddr(map[i].address), map[i].size);
    if (!fits) boot_failure("memory map has too many ranges");
}

void read_command_line(u64 address) {
    if (address == 0) return;
    const char* text = boot_array<char>(address, 1);
    if (!text) boot_failure("command line out of reach");
    usize limit = std::min<u64>(kMaxCommandLine, ASTRA_BOOT_MAP_SIZE - address);
    usize length = 0;
    while (length < limit && text[length]) length++;
    if (length == limit) boot_failure("command line too long");
    set_command_line({text, length});
}

}  // namespace

const BootData& read_start_info(PhysAddr address) {
    const auto* info = boot_array<pvh::StartInfo>(address.raw(), 1);
    if (!info || info->magic != pvh::kStartMagic) boot_failure("not started through PVH");
    read_memory_map(*info);
    read_command_line(info->command_line);
    if (info->modules > 0) {
        const auto* module = boot_array<pvh::Module>(info->module_list, 1);
        if (!module || module->address + module->size < module->address) boot_failure("bad module list");
        boot_data.module = {PhysAddr(module->address), module->size};
    }
    return boot_data;
}

}  // namespace astra::arch
