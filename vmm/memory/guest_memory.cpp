#include "vmm/memory/guest_memory.hpp"

#include <atomic>
#include <cstring>

namespace astra::vmm {

bool GuestMemory::add(Region region) {
    u64 end = 0;
    if (region.host.empty() || __builtin_add_overflow(region.base.raw(), region.host.size(), &end))
        return false;
    for (const Region& other : regions_)
        if (region.base.raw() < other.base.raw() + other.host.size() && other.base.raw() < end) return false;
    regions_.push_back(region);
    return true;
}

const GuestMemory::Region* GuestMemory::find(PhysAddr address, u64 length) const {
    for (const Region& region : regions_) {
        if (address < region.base) continue;
        u64 offset = address - region.base;
        if (offset <= region.host.size() && length <= region.host.size() - offset) return &region;
    }
    return nullptr;
}

bool GuestMemory::read(PhysAddr from, std::span<u8> to) const {
    const Region* region = find(from, to.size());
    if (!region) return false;
    std::memcpy(to.data(), region->host.data() + (from - region->base), to.size());
    return true;
}

bool GuestMemory::write(PhysAddr to, std::span<const u8> from) const {
    const Region* region = find(to, from.size());
    if (!region || region->read_only) return false;
    std::memcpy(region->host.data() + (to - region->base), from.data(), from.size());
    return true;
}

bool GuestMemory::load_u16(PhysAddr from, u16& value) const {
    const Region* region = find(from, sizeof value);
    if (!region || !is_aligned(from.raw(), sizeof value)) return false;
    auto* cell = reinterpret_cast<u16*>(region->host.data() + (from - region->base));
    value = std::atomic_ref<u16>(*cell).load(std::memory_order_acquire);
    return true;
}

bool GuestMemory::store_u16(PhysAddr to, u16 value) const {
    const Region* region = find(to, sizeof value);
    if (!region || region->read_only || !is_aligned(to.raw(), sizeof value)) return false;
    auto* cell = reinterpret_cast<u16*>(region->host.data() + (to - region->base));
    std::atomic_ref<u16>(*cell).store(value, std::memory_order_release);
    return true;
}

std::span<u8> GuestMemory::host_span(PhysAddr base, u64 length, bool writable) const {
    const Region* region = find(base, length);
    if (!region || (writable && region->read_only)) return {};
    return region->host.subspan(base - region->base, length);
}

}  // namespace astra::vmm
