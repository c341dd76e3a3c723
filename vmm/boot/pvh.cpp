// PVH start: xen/docs/misc/pvh.pandoc, xen/include/public/arch-x86/hvm/start_info.h.
#include "vmm/boot/pvh.hpp"

#include <fmt/format.h>

#include "guest_kernel/abi/pvh.hpp"

namespace astra::vmm {

namespace {

/// Lays objects one behind the other from kBootInfo on.
class BootArea {
  public:
    explicit BootArea(const GuestMemory& memory) : memory_(memory) {}

    /// The address of the copy; null when it does not fit.
    PhysAddr put(std::span<const u8> bytes) {
        PhysAddr at = next_;
        PhysAddr end = at + align_up(bytes.size(), 8);
        if (end > kBootInfoEnd || !memory_.write(at, bytes)) return PhysAddr();
        next_ = end;
        return at;
    }
    template <class T>
    PhysAddr put_object(const T& object) {
        return put({reinterpret_cast<const u8*>(&object), sizeof object});
    }

  private:
    const GuestMemory& memory_;
    PhysAddr next_ = kBootInfo;
};

std::vector<abi::pvh::MemoryRange> memory_map(const MemoryLayout& layout) {
    using abi::pvh::MemoryType;
    std::vector<abi::pvh::MemoryRange> map;
    auto add = [&map](const Range& range, MemoryType type) {
        if (range.size) map.push_back({range.base.raw(), range.size, type, 0});
    };
    for (const Range& ram : layout.ram) add(ram, MemoryType::Ram);
    add(layout.image, MemoryType::Reserved);
    add(layout.counters, MemoryType::Reserved);
    return map;
}

kvm_segment flat_segment(u16 selector, u8 type) {
    kvm_segment segment{};
    segment.limit = 0xffff'ffff;
    segment.selector = selector;
    segment.type = type;
    segment.present = segment.s = segment.db = segment.g = 1;
    return segment;
}

}  // namespace

Result<PhysAddr> write_start_info(const GuestMemory& memory, const MemoryLayout& layout, u64 image_bytes,
                                  std::string_view command_line) {
    if (command_line.size() >= kMaxCommandLine)
        return fail(Code::InvalidArgument, fmt::format("the kernel command line has {} bytes: at most {}",
                                                       command_line.size(), kMaxCommandLine - 1));
    if (command_line.contains('\0'))
        return fail(Code::InvalidArgument, "the kernel command line holds a NUL");

    BootArea area(memory);
    abi::pvh::StartInfo info{};
    info.magic = abi::pvh::kStartMagic;
    info.version = abi::pvh::kStartVersion;
    // First, so that its address is kBootInfo; written again once everything else has its place.
    PhysAddr start = area.put_object(info);

    auto map = memory_map(layout);
    auto map_at = area.put({reinterpret_cast<const u8*>(map.data()), map.size() * sizeof map[0]});
    std::string text(command_line);
    auto text_at = area.put({reinterpret_cast<const u8*>(text.c_str()), text.size() + 1});
    PhysAddr modules_at;
    if (layout.image.size) {
        modules_at = area.put_object(abi::pvh::Module{layout.image.base.raw(), image_bytes, 0, 0});
        info.modules = 1;
    }
    if (start.is_null() || map_at.is_null() || text_at.is_null() || (info.modules && modules_at.is_null()))
        return fail(Code::Internal, "the boot structures do not fit below the kernel");
    info.memory_map = map_at.raw();
    info.memory_ranges = static_cast<u32>(map.size());
    info.command_line = text_at.raw();
    info.module_list = modules_at.raw();
    if (!memory.write_object(start, info)) return fail(Code::Internal, "cannot write the boot structures");
    return start;
}

CpuState pvh_entry_state(CpuState state, u32 entry, PhysAddr start_info) {
    constexpr u8 kCode = 11, kData = 3, kBusyTss32 = 11;
    kvm_sregs& s = state.special;
    s.cr0 = 0x11;  // PE, and ET, which is wired to 1
    s.cr3 = s.cr4 = s.efer = 0;
    s.cs = flat_segment(0x10, kCode);
    s.ds = s.es = s.ss = s.fs = s.gs = flat_segment(0x18, kData);
    s.tr = {};
    s.tr.limit = 0x67;
    s.tr.type = kBusyTss32;
    s.tr.present = 1;
    s.ldt = {};
    s.ldt.unusable = 1;
    s.gdt = s.idt = {};
    state.general = {};
    state.general.rip = entry;
    state.general.rbx = start_info.raw();
    state.general.rflags = 2;  // the bit that is always set
    return state;
}

}  // namespace astra::vmm
