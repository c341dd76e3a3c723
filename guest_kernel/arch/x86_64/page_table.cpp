// PageTable: the program half of an address space, in the CPU's own format. Compiled for the host as well,
// where unit tests run it on an arena instead of RAM: nothing here touches the CPU.
#include <utility>

#include "guest_kernel/arch/x86_64/paging.hpp"
#include "guest_kernel/mm/frames.hpp"

namespace astra::arch {

namespace {

constexpr Pte kSameBits = kPtePresent | kPteWrite | kPteUser | kPteAccessed | kPteDirty | kPteHuge;
static_assert(Pte(PageFlags::Present | PageFlags::Write | PageFlags::User | PageFlags::Accessed |
                  PageFlags::Dirty | PageFlags::Huge) == kSameBits);

PageFlags flags_of(Pte entry) {
    return PageFlags(entry & kSameBits) | (entry & kPteNoExecute ? PageFlags::None : PageFlags::Execute);
}

/// The bits of a leaf. Accessed is always set: nothing reads it back, and the CPU need not write it then.
Pte bits_of(PageFlags flags) {
    Pte bits = (Pte(flags) & kSameBits & ~kPteHuge) | kPteAccessed;
    if (!has(flags, PageFlags::Present)) bits |= kPteNoAccess;
    return has(flags, PageFlags::Execute) ? bits : bits | kPteNoExecute;
}

/// The entry for `address` in the table of `level`, tables made on the way. EEXIST when a 2 MiB page is in
/// the way.
Result<Pte*> make_entry(PhysAddr root, u64 address, u32 level) {
    Pte* table = table_at(root.raw());
    for (u32 at = 3; at > level; at--) {
        Pte& entry = table[table_index(address, at)];
        if (!(entry & kPteMapped))
            entry = TRY(mm::alloc_page_table_frame()).raw() | kPtePresent | kPteWrite | kPteUser;
        if (entry & kPteHuge) return fail(Errno::kEEXIST);
        table = table_at(entry);
    }
    return &table[table_index(address, level)];
}

/// Frees the tables below `table`, which is of `level`, in its first `entries` entries.
void free_tables(Pte* table, u32 level, usize entries) {
    for (usize i = 0; i < entries; i++) {
        if (!(table[i] & kPtePresent) || table[i] & (kPteHuge | kPteShared)) continue;
        if (level > 1) free_tables(table_at(table[i]), level - 1, kTableEntries);
        mm::free_page_table_frame(PhysAddr(table[i] & kPteFrame));
    }
}

u64 count_tables(const Pte* table, u32 level, usize entries) {
    u64 count = 1;
    for (usize i = 0; level > 0 && i < entries; i++)
        if (table[i] & kPtePresent && !(table[i] & (kPteHuge | kPteShared)))
            count += level > 1 ? count_tables(table_at(table[i]), level - 1, kTableEntries) : 1;
    return count;
}

/// Address of the first page at or after `from` (below `end`) mapped in `table`, whose first byte is `base`;
/// else `end`.
u64 first_mapped(const Pte* table, u32 level, u64 base, u64 from, u64 end) {
    const u64 span = u64{kPageSize} << (9 * level);
    usize i = from > base ? (from - base) / span : 0;
    for (; i < kTableEntries && base + i * span < end; i++) {
        if (!(table[i] & kPteMapped)) continue;
        u64 start = base + i * span, first = start > from ? start : from;
        if (level > 0 && !(table[i] & kPteHuge)) {
            first = first_mapped(table_at(table[i]), level - 1, start, from, end);
            if (first == end) continue;
        }
        return first;
    }
    return end;
}

}  // namespace

FoundEntry find_entry(PhysAddr root, u64 address) {
    Pte* table = table_at(root.raw());
    for (u32 level = 3;; level--) {
        Pte& entry = table[table_index(address, level)];
        if (!(entry & kPteMapped)) return {};
        if (level == 0 || entry & kPteHuge) return {&entry, level};
        table = table_at(entry);
    }
}

Result<PageTable> PageTable::create() {
    PageTable table;
    table.root_ = TRY(mm::alloc_page_table_frame());
    share_kernel_half(table_at(table.root_.raw()));
    if (PhysAddr shared = bridge_table(); !shared.is_null())
        *TRY(make_entry(table.root_, kUserEnd, 1)) =
            shared.raw() | kPtePresent | kPteWrite | kPteUser | kPteShared;
    return table;
}

PageTable& PageTable::operator=(PageTable&& o) noexcept {
    std::swap(root_, o.root_);
    std::swap(leaf_, o.leaf_);
    std::swap(leaf_base_, o.leaf_base_);
    return *this;
}

/// An entry, and whether it maps 2 MiB.
struct PageTable::Found {
    Pte* entry = nullptr;
    bool huge = false;
};

PageTable::Found PageTable::find(u64 address) const {
    if (align_down(address, kHugePageSize) == leaf_base_) {
        Pte* entry = &leaf_[table_index(address, 0)];
        return {*entry & kPteMapped ? entry : nullptr, false};
    }
    FoundEntry found = find_entry(root_, address);
    if (found.entry && found.level == 0) {
        leaf_ = found.entry - table_index(address, 0);
        leaf_base_ = align_down(address, kHugePageSize);
    }
    return {found.entry, found.level == 1};
}

PageTable::~PageTable() {
    if (root_.is_null()) return;
    free_tables(table_at(root_.raw()), 3, kFirstKernelSlot);
    mm::free_page_table_frame(root_);
}

Result<void> PageTable::map(UserAddr page, PhysAddr frame, PageFlags flags) {
    u64 base = align_down(page.raw(), kHugePageSize);
    if (base != leaf_base_) {
        leaf_ = TRY(make_entry(root_, base, 0));
        leaf_base_ = base;
    }
    leaf_[table_index(page.raw(), 0)] = frame.raw() | bits_of(flags);
    return {};
}

/// Writes the entry of the page directory for `slot`. A leaf table that is there is empty and goes.
Result<void> PageTable::link(UserAddr slot, Pte content) {
    Pte* entry = TRY(make_entry(root_, slot.raw(), 1));
    Pte old = std::exchange(*entry, content);
    if (!(old & kPtePresent) || old & kPteHuge) return {};
    if (slot.raw() == leaf_base_) leaf_base_ = ~u64{0};
    // CPUs may still hold the way to the empty leaf table in their paging-structure caches.
    flush_tlb((u64{1} << cpus_online()) - 1, slot, slot + kPageSize);
    mm::free_page_table_frame(PhysAddr(old & kPteFrame));
    return {};
}

Result<void> PageTable::map_huge(UserAddr page, PhysAddr frame, PageFlags flags) {
    return link(page, frame.raw() | bits_of(flags) | kPteHuge);
}

Result<void> PageTable::attach_leaf(UserAddr slot, PhysAddr leaf) {
    return link(slot, leaf.raw() | kPtePresent | kPteWrite | kPteUser);
}

PhysAddr PageTable::leak() {
    PageTable gone;
    gone = static_cast<PageTable&&>(*this);
    return std::exchange(gone.root_, PhysAddr());
}

PageTable PageTable::adopt(PhysAddr root) {
    PageTable table;
    table.root_ = root;
    return table;
}

u64 PageTable::table_frames() const { return count_tables(table_at(root_.raw()), 3, kFirstKernelSlot); }

PhysAddr PageTable::detach_leaf(UserAddr slot) {
    Pte* table = table_at(root_.raw());
    for (u32 level = 3; level > 1; level--) {
        Pte entry = table[table_index(slot.raw(), level)];
        if (!(entry & kPtePresent)) return {};
        table = table_at(entry);
    }
    Pte& entry = table[table_index(slot.raw(), 1)];
    if (!(entry & kPtePresent) || entry & kPteHuge) return {};
    if (slot.raw() == leaf_base_) leaf_base_ = ~u64{0};
    return PhysAddr(std::exchange(entry, 0) & kPteFrame);
}

PageEntry PageTable::leaf_entry(PhysAddr leaf, usize index) {
    Pte entry = table_at(leaf.raw())[index];
    if (!(entry & kPteMapped)) return {};
    return {PhysAddr(entry & kPteFrame), flags_of(entry)};
}

void PageTable::clear_leaf_entry(PhysAddr leaf, usize index) { table_at(leaf.raw())[index] = 0; }

Result<void> PageTable::split(UserAddr page) {
    Found found = find(page.raw());
    if (!found.entry || !found.huge) return {};
    PhysAddr frame = TRY(mm::alloc_page_table_frame());
    Pte* leaf = table_at(frame.raw());
    for (usize i = 0; i < kTableEntries; i++) leaf[i] = (*found.entry & ~kPteHuge) + i * kPageSize;
    *found.entry = frame.raw() | kPtePresent | kPteWrite | kPteUser;
    return {};
}

// Accessed and Dirty are not read back, so nothing the CPU may write into an entry meanwhile is lost.
PageEntry PageTable::unmap(UserAddr page) {
    Found found = find(page.raw());
    if (!found.entry) return {};
    Pte old = *found.entry;
    __atomic_store_n(found.entry, 0, __ATOMIC_RELAXED);
    return {PhysAddr(old & kPteFrame), flags_of(old)};
}

PageEntry PageTable::lookup(UserAddr page) const {
    Found found = find(page.raw());
    if (!found.entry) return {};
    u64 inside = found.huge ? page.raw() & (kHugePageSize - 1) & ~(kPageSize - 1) : 0;
    return {PhysAddr((*found.entry & kPteFrame) + inside), flags_of(*found.entry)};
}

void PageTable::protect(UserAddr page, PageFlags flags) {
    Found found = find(page.raw());
    if (!found.entry) return;
    Pte same = *found.entry & (kPteFrame | kPteHuge);
    __atomic_store_n(found.entry, same | bits_of(flags), __ATOMIC_RELAXED);
}

PageEntry PageTable::next_mapped(UserAddr& at, UserAddr end) const {
    // In the leaf table used last, an entry at a time; beyond it, down from the root.
    while (at < end && align_down(at.raw(), kHugePageSize) == leaf_base_) {
        Pte entry = leaf_[table_index(at.raw(), 0)];
        if (entry & kPteMapped) return {PhysAddr(entry & kPteFrame), flags_of(entry)};
        at = at.page() + kPageSize;
    }
    if (at < end) at = UserAddr(first_mapped(table_at(root_.raw()), 3, 0, at.raw(), end.raw()));
    if (at < end) return lookup(at);
    at = end;
    return {};
}

}  // namespace astra::arch
