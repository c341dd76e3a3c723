// The tree of areas: a treap (priorities from a counter-driven hash), joined and split by address.
#include <algorithm>

#include "guest_kernel/mm/area.hpp"

namespace astra::mm {

bool Area::continues_in(const Area& next) const {
    if (end != next.start || prot != next.prot || max_prot != next.max_prot || flags != next.flags)
        return false;
    if (source != next.source || keep != next.keep || name != next.name) return false;
    return !source || offset + (end - start) == next.offset;
}

void Area::copy_traits(const Area& from) {
    prot = from.prot;
    max_prot = from.max_prot;
    flags = from.flags;
    source = from.source;
    keep = from.keep;
    name = from.name;
}

/// Recomputes what a node knows about its subtree.
void AreaTree::update(Area& a) {
    a.first_ = a.guarded_start();
    a.last_ = a.end;
    a.max_gap_ = 0;
    auto widen = [&a](u64 from, u64 to) {
        if (to > from) a.max_gap_ = std::max(a.max_gap_, to - from);
    };
    if (const Area* l = a.left_) {
        widen(l->last_, a.first_);
        a.max_gap_ = std::max(a.max_gap_, l->max_gap_);
        a.first_ = l->first_;
    }
    if (const Area* r = a.right_) {
        widen(a.end, r->first_);
        a.max_gap_ = std::max(a.max_gap_, r->max_gap_);
        a.last_ = r->last_;
    }
}

void AreaTree::split(Area* tree, u64 address, Area*& below, Area*& above) {
    if (!tree) {
        below = above = nullptr;
    } else if (tree->start < address) {
        split(tree->right_, address, tree->right_, above);
        below = tree;
        update(*tree);
    } else {
        split(tree->left_, address, below, tree->left_);
        above = tree;
        update(*tree);
    }
}

Area* AreaTree::merge(Area* below, Area* above) {
    if (!below || !above) return below ? below : above;
    if (below->priority_ > above->priority_) {
        below->right_ = merge(below->right_, above);
        update(*below);
        return below;
    }
    above->left_ = merge(below, above->left_);
    update(*above);
    return above;
}

Area* AreaTree::previous(Area& area) const {
    const Area* best = nullptr;
    for (const Area* a = root_; a;) {
        if (a->start < area.start) {
            best = a;
            a = a->right_;
        } else {
            a = a->left_;
        }
    }
    return const_cast<Area*>(best);
}

Area* AreaTree::at_or_after(u64 address) const {
    Area* best = nullptr;
    for (Area* a = root_; a;) {
        if (a->end > address) {
            best = a;
            a = a->left_;
        } else {
            a = a->right_;
        }
    }
    return best;
}

Area* AreaTree::find(u64 address) const {
    Area* a = at_or_after(address);
    return a && a->start <= address ? a : nullptr;
}

Area* AreaTree::overlapping(u64 start, u64 end) const {
    Area* a = at_or_after(start);
    return a && a->start < end ? a : nullptr;
}

void AreaTree::insert(Area& area) {
    seed_ = seed_ * 1664525 + 1013904223;
    area.priority_ = seed_ ^ seed_ >> 15;
    area.left_ = area.right_ = nullptr;
    update(area);
    if (Area* after = at_or_after(area.start))
        list_.insert_before(*after, area);
    else
        list_.push_back(area);
    Area *below, *above;
    split(root_, area.start, below, above);
    root_ = merge(merge(below, &area), above);
    size_++;
}

void AreaTree::erase(Area& area) {
    Area *below, *rest, *self, *above;
    split(root_, area.start, below, rest);
    split(rest, area.start + 1, self, above);
    root_ = merge(below, above);
    list_.remove(area);
    size_--;
}

/// Recomputes the nodes from `tree` down to the area that starts at `address`, which is below it.
void AreaTree::refresh(Area& tree, u64 address) {
    if (tree.start != address) refresh(address < tree.start ? *tree.left_ : *tree.right_, address);
    update(tree);
}

void AreaTree::resize(Area& area, u64 start, u64 end) {
    area.start = start;
    area.end = end;
    refresh(*root_, start);
}

/// Walks the free spaces of the tree from one side, skipping subtrees without one that is wide enough.
struct AreaTree::Search {
    u64 length, align, low, high;
    u64 found = 0;

    /// Highest place in the space [from, to).
    bool fits_high(u64 from, u64 to) {
        from = std::max(from, low);
        to = std::min(to, high);
        if (to < from || to - from < length) return false;
        found = align_down(to - length, align);
        return found >= from;
    }
    bool fits_low(u64 from, u64 to) {
        from = align_up(std::max(from, low), align);
        to = std::min(to, high);
        if (to < from || to - from < length) return false;
        found = from;
        return true;
    }
    bool descend(const Area& a) {
        if (a.max_gap_ < length || a.last_ <= low) return false;
        if (const Area* r = a.right_) {
            if (descend(*r) || fits_high(a.end, r->first_)) return true;
        }
        const Area* l = a.left_;
        return l && (fits_high(l->last_, a.guarded_start()) || descend(*l));
    }
    bool ascend(const Area& a) {
        if (a.max_gap_ < length || a.first_ >= high) return false;
        if (const Area* l = a.left_) {
            if (ascend(*l) || fits_low(l->last_, a.guarded_start())) return true;
        }
        const Area* r = a.right_;
        return r && (fits_low(a.end, r->first_) || ascend(*r));
    }
};

Result<u64> AreaTree::gap_below(u64 length, u64 align, u64 low, u64 high) const {
    Search search{.length = length, .align = align, .low = low, .high = high};
    bool found = root_ ? search.fits_high(root_->last_, high) || search.descend(*root_) ||
                             search.fits_high(low, root_->first_)
                       : search.fits_high(low, high);
    if (!found) return fail(Errno::kENOMEM);
    return search.found;
}

Result<u64> AreaTree::gap_above(u64 length, u64 align, u64 low, u64 high) const {
    Search search{.length = length, .align = align, .low = low, .high = high};
    bool found = root_ ? search.fits_low(low, root_->first_) || search.ascend(*root_) ||
                             search.fits_low(root_->last_, high)
                       : search.fits_low(low, high);
    if (!found) return fail(Errno::kENOMEM);
    return search.found;
}

}  // namespace astra::mm
