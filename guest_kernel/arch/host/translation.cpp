// The MMU: walks the active page tables, keeps a TLB that only flushes empty, raises faults.
#include <map>

#include "guest_kernel/arch/host/host.hpp"
#include "guest_kernel/arch/x86_64/paging.hpp"

namespace astra::arch {

namespace {

PhysAddr active_root;
std::map<u64, Pte> tlb;  // by page; a leaf's frame is that of the 4 KiB page
u64 flushes;

bool permits(Pte entry, host::Access access, bool from_user) {
    if (!(entry & kPtePresent) || (from_user && !(entry & kPteUser))) return false;
    if (access == host::Access::Write) return entry & kPteWrite && entry & kPteDirty;
    return access == host::Access::Read || !(entry & kPteNoExecute);
}

/// Walks the tables as the CPU does: sets Dirty on a permitted write, enters what it found in the TLB.
Pte walk(u64 page, host::Access access) {
    if (active_root.is_null()) return 0;
    FoundEntry found = find_entry(active_root, page);
    if (!found.entry) return 0;
    if (access == host::Access::Write && *found.entry & kPteWrite) *found.entry |= kPteDirty;
    u64 inside = found.level == 1 ? page & (kHugePageSize - 1) : 0;
    return *found.entry + inside;
}

}  // namespace

namespace host {

u8* reach(UserAddr at, Access access, bool from_user) {
    u64 page = at.page().raw();
    // A fault that is resolved again and again without effect would hang a CPU; here it ends the test.
    for (int attempts = 0; attempts < 16; attempts++) {
        auto cached = tlb.find(page);
        if (cached == tlb.end() || !permits(cached->second, access, from_user)) {
            Pte entry = walk(page, access);
            if (!permits(entry, access, from_user)) {
                tlb.erase(page);
                FaultInfo fault{at.raw(), access == Access::Write, access == Access::Execute,
                                (entry & kPtePresent) != 0, from_user};
                if (!handle_page_fault(fault, &user_registers())) return nullptr;
                continue;
            }
            cached = tlb.insert_or_assign(page, entry).first;
        }
        return static_cast<u8*>(phys_to_virt(PhysAddr(cached->second & kPteFrame))) + at.page_offset();
    }
    return nullptr;
}

void load_root(PhysAddr root) {
    active_root = root;
    tlb.clear();
}

u64 tlb_flushes() { return flushes; }

}  // namespace host

void share_kernel_half(Pte*) {}
PhysAddr bridge_table() { return PhysAddr(); }
void PageTable::activate() const { host::load_root(root_); }
void activate_kernel_tables() { host::load_root(PhysAddr()); }

void flush_tlb(u64, UserAddr start, UserAddr end) {
    flushes++;
    tlb.erase(tlb.lower_bound(start.page().raw()), tlb.lower_bound(end.raw()));
}

}  // namespace astra::arch
