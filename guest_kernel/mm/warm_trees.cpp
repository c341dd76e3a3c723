// Whole page tables that outlive their process and serve the next one of its kind (warm_tables.hpp says why).
#include "guest_kernel/mm/space.hpp"

namespace astra::mm {

using arch::PageEntry;
using arch::PageFlags;
using arch::PageTable;

namespace {

/// A process with more pages of its own leaves no tables behind: to fill them again would cost more than
/// faults.
constexpr u64 kMostPages = 512;
const UserAddr kEnd(arch::kUserEnd);

}  // namespace

bool Operation::park_tree() {
    if (map_.warmth.key == 0 || !is_plentiful()) return false;
    PageTable& table = guard_->table;
    u64 own = 0;
    for (Area* area = guard_->areas.first(); area; area = guard_->areas.next(*area)) {
        UserAddr at(area->start);
        for (PageEntry e; is_mapped(e = table.next_mapped(at, UserAddr(area->end))); at += size_of(e)) {
            if (may_stay(*area, e)) {
                own += !is_outside_ram(e.frame);
                continue;
            }
            table.unmap(at);
            retire(at.raw(), e);
        }
    }
    if (own > kMostPages) return false;
    flush();
    park_tables(map_.warmth, table.leak());
    while (Area* area = guard_->areas.first()) erase(*area);
    return true;
}

void Operation::adopt_tree(WarmName name, PageTable& contents) {
    PhysAddr root = take_parked(name);
    if (root.is_null()) return;
    PageTable tree = PageTable::adopt(root);
    Area* area = nullptr;
    i64 resident = 0;
    UserAddr at;
    for (PageEntry e; is_mapped(e = tree.next_mapped(at, kEnd)); at += kPageSize) {
        if (!area || at.raw() >= area->end) area = guard_->areas.at_or_after(at.raw());
        bool inside = area && area->start <= at.raw();
        // A page of its own may have become read-only meanwhile, as what a dynamic linker has relocated does.
        if (inside && !is_outside_ram(e.frame) && e.flags != leaf_flags(*area, true)) {
            e.flags = leaf_flags(*area, true);
            tree.protect(at, e.flags);
        }
        bool wiped = inside && area->has(kAreaWipeOnFork) && &contents != &guard_->table;
        if (inside && renews(*area, at.raw(), e, wiped ? PageEntry() : contents.lookup(at), true)) {
            resident++;
            continue;
        }
        tree.unmap(at);
        unref_frame(e.frame);
    }
    if (!merge(tree, guard_->table)) return free_tables(name.kind, tree.leak());
    guard_->add_resident(resident);
}

/// Puts `tree` in the place of `old`, with the pages that only `old` has. False, with nothing changed, when a
/// table cannot be had.
bool Operation::merge(PageTable& tree, PageTable& old) {
    bool fits = true;
    UserAddr at;
    for (PageEntry e; fits && is_mapped(e = old.next_mapped(at, kEnd)); at += size_of(e))
        if (!is_mapped(tree.lookup(at)))
            fits = !arch::has(e.flags, PageFlags::Huge) && tree.map(at, e.frame, e.flags).has_value();
    at = UserAddr();
    for (PageEntry e; is_mapped(e = old.next_mapped(at, kEnd)); at += size_of(e)) {
        bool moved = tree.lookup(at).frame == e.frame;
        if (!fits) {
            if (moved) tree.unmap(at);
            continue;
        }
        old.unmap(at);
        if (moved) continue;
        guard_->add_resident(-resident_pages(e));
        unref_frame(e.frame);
    }
    if (fits) old = static_cast<PageTable&&>(tree);
    return fits;
}

void AddressSpace::warm_up() {
    if (!warm_tables_used()) return;
    Operation op(*this, *map_);
    Area* first = op->areas.first();
    while (first && !first->source) first = op->areas.next(*first);
    if (!first) return;
    PageSource::Identity file = first->source->identity();
    map_->warmth = {WarmKind::Executed, (file.device << 48 ^ file.inode) | 1};
    op.adopt_tree(map_->warmth, op->table);
}

}  // namespace astra::mm
