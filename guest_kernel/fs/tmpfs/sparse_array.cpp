// The radix tree; see the header.
#include "guest_kernel/fs/tmpfs/sparse_array.hpp"

#include <new>

namespace astra::fs::tmpfs {

u64 SparseArray::get(u64 index) const {
    if (!covers(index)) return 0;
    u64 slot = root_;
    for (u32 level = height_; level-- > 0 && slot;) slot = child(slot)->slots[slot_of(index, level)];
    return slot;
}

Result<void> SparseArray::set(u64 index, u64 value) {
    while (!covers(index)) {
        if (root_) {
            Node* taller = new (std::nothrow) Node;
            if (!taller) return fail(Errno::kENOMEM);
            taller->slots[0] = root_;
            root_ = reinterpret_cast<u64>(taller);
        }
        height_++;
    }
    u64* slot = &root_;
    for (u32 level = height_; level-- > 0;) {
        if (!*slot) {
            Node* fresh = new (std::nothrow) Node;
            if (!fresh) return fail(Errno::kENOMEM);
            *slot = reinterpret_cast<u64>(fresh);
        }
        slot = &child(*slot)->slots[slot_of(index, level)];
    }
    if (!*slot) count_++;
    *slot = value;
    return {};
}

u64 SparseArray::take(u64 index) {
    if (!covers(index)) return 0;
    u64* path[kMaxHeight + 1];
    u64* slot = &root_;
    for (u32 level = height_; level-- > 0;) {
        path[level] = slot;
        if (!*slot) return 0;
        slot = &child(*slot)->slots[slot_of(index, level)];
    }
    u64 value = *slot;
    if (!value) return 0;
    *slot = 0;
    count_--;
    for (u32 level = 0; level < height_; level++) {
        Node* node = child(*path[level]);
        for (u64 word : node->slots)
            if (word) return value;
        delete node;
        *path[level] = 0;
    }
    return value;
}

u64 SparseArray::next_below(const Node* node, u32 level, u64 from) {
    u32 first = slot_of(from, level);
    for (u32 i = first; i < kSlots; i++) {
        if (!node->slots[i]) continue;
        u64 start =
            i == first ? from : (((from >> (kBits * level)) & ~u64{kSlots - 1}) | i) << (kBits * level);
        if (level == 0) return start;
        if (u64 found = next_below(child(node->slots[i]), level - 1, start); found != kNone) return found;
    }
    return kNone;
}

u64 SparseArray::next(u64 from) const {
    if (!root_ || !covers(from)) return kNone;
    return height_ == 0 ? 0 : next_below(child(root_), height_ - 1, from);
}

void SparseArray::free_below(u64 slot, u32 height) {
    if (!slot || height == 0) return;
    for (u64 word : child(slot)->slots) free_below(word, height - 1);
    delete child(slot);
}

void SparseArray::clear() {
    free_below(root_, height_);
    root_ = 0;
    height_ = 0;
    count_ = 0;
}

}  // namespace astra::fs::tmpfs
