// PageIndex: 64-way radix tree that is as deep as its highest page needs.
#include "guest_kernel/mm/page_index.hpp"

#include <algorithm>

namespace astra::mm {

PhysAddr PageIndex::find(u64 index) const {
    if (!covers(index)) return PhysAddr();
    const Node* node = root_;
    for (u32 level = levels_ - 1; level > 0; level--) {
        node = node->slots[index >> (kBits * level) & (kSlots - 1)].node;
        if (!node) return PhysAddr();
    }
    return PhysAddr(node->slots[index & (kSlots - 1)].frame);
}

/// Adds levels until `index` is covered.
Result<void> PageIndex::grow(u64 index) {
    while (!covers(index)) {
        if (levels_ == kMaxLevels) return fail(Errno::kEFBIG);
        Own<Node> node = TRY(make_own<Node>());
        if (root_) {
            node->slots[0].node = root_;
            node->used = 1;
        }
        root_ = node.leak();
        levels_++;
    }
    return {};
}

Result<void> PageIndex::insert(u64 index, FrameRef frame) {
    TRY(grow(index));
    Node* node = root_;
    for (u32 level = levels_ - 1; level > 0; level--) {
        Slot& slot = node->slots[index >> (kBits * level) & (kSlots - 1)];
        if (!slot.node) {
            Result<Own<Node>> fresh = make_own<Node>();
            if (!fresh) return remove(index, index + 1), fail(Errno::kENOMEM);
            slot.node = fresh->leak();
            node->used++;
        }
        node = slot.node;
    }
    node->slots[index & (kSlots - 1)].frame = frame.leak().raw();
    node->used++;
    count_++;
    return {};
}

/// Removes what lies in the range; true when the node became empty.
bool PageIndex::remove(Node& node, u32 level, u64 base, u64 first, u64 end) {
    usize from = first > base ? (first - base) >> (kBits * level) : 0;
    for (usize i = from; i < kSlots; i++) {
        u64 start = base + (u64{i} << (kBits * level));
        if (start >= end) break;
        Slot& slot = node.slots[i];
        if (level == 0) {
            if (!slot.frame) continue;
            unref_frame(PhysAddr(slot.frame));
            count_--;
            slot.frame = 0;
        } else {
            if (!slot.node || !remove(*slot.node, level - 1, start, first, end)) continue;
            delete slot.node;
            slot.node = nullptr;
        }
        node.used--;
    }
    return node.used == 0;
}

void PageIndex::remove(u64 first, u64 end) {
    if (!root_ || first >= end || !remove(*root_, levels_ - 1, 0, first, end)) return;
    delete root_;
    root_ = nullptr;
    levels_ = 0;
}

u64 PageIndex::next(const Node& node, u32 level, u64 base, u64 from) {
    for (usize i = from > base ? (from - base) >> (kBits * level) : 0; i < kSlots; i++) {
        const Slot& slot = node.slots[i];
        u64 start = base + (u64{i} << (kBits * level));
        if (level == 0 && slot.frame) return start;
        if (level == 0 || !slot.node) continue;
        u64 found = next(*slot.node, level - 1, start, from);
        if (found != ~u64{0}) return found;
    }
    return ~u64{0};
}

u64 PageIndex::next(u64 from) const { return covers(from) ? next(*root_, levels_ - 1, 0, from) : ~u64{0}; }

u64 PageIndex::next_free(u64 from) const {
    while (!find(from).is_null()) from++;
    return from;
}

}  // namespace astra::mm
