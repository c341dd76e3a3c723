// Directories of tmpfs; see the header. All but the table's own work runs with names() held.
#include "guest_kernel/fs/tmpfs/directory.hpp"

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/inode_file.hpp"

namespace astra::fs::tmpfs {

namespace {

u32 hash_of(std::string_view name) {
    u32 h = 2166136261u;
    for (char c : name) h = (h ^ static_cast<u8>(c)) * 16777619u;
    return h;
}

}  // namespace

u32 NameTable::find(std::string_view name) const {
    if (buckets_.empty()) return kNone;
    u32 hash = hash_of(name);
    u32 at = buckets_[hash & (buckets_.size() - 1)];
    while (at != kNone && (slots_[at].hash != hash || slots_[at].name.view() != name)) at = slots_[at].next;
    return at;
}

Result<void> NameTable::grow() {
    Vector<u32> wider;
    TRY(wider.resize(buckets_.empty() ? 8 : buckets_.size() * 2));
    for (u32& bucket : wider) bucket = kNone;
    for (u32 i = 0; i < slots_.size(); i++) {
        if (!slots_[i].used) continue;
        u32& bucket = wider[slots_[i].hash & (wider.size() - 1)];
        slots_[i].next = std::exchange(bucket, i);
    }
    buckets_ = std::move(wider);
    return {};
}

Result<u32> NameTable::add(std::string_view name, bool shadows) {
    if (used_ == buckets_.size()) TRY(grow());
    String text = TRY(String::from(name));
    u32 at = free_;
    if (at == kNone) {
        at = static_cast<u32>(slots_.size());
        TRY(slots_.push_back(Slot{}));
    } else {
        free_ = slots_[at].next;
    }
    Slot& slot = slots_[at];
    slot.name = std::move(text);
    slot.hash = hash_of(name);
    slot.used = true;
    slot.shadows = shadows;
    u32& bucket = buckets_[slot.hash & (buckets_.size() - 1)];
    slot.next = std::exchange(bucket, at);
    used_++;
    return at;
}

void NameTable::remove(u32 at) {
    Slot& slot = slots_[at];
    u32* link = &buckets_[slot.hash & (buckets_.size() - 1)];
    while (*link != at) link = &slots_[*link].next;
    *link = slot.next;
    slot = Slot{};
    slot.next = std::exchange(free_, at);
    used_--;
}

bool Directory::empty() { return own_names_ == 0 && whiteouts_ >= lower_count(); }

Result<u32> Directory::slot_for(std::string_view name) {
    u32 found = table_.find(name);
    if (found != NameTable::kNone) return found;
    u32 below = lower_lookup(name);
    Ref<Node> node;
    if (below != kNoLower) node = TRY(volume()->lower_node(below));
    u32 slot = TRY(table_.add(name, below != kNoLower));
    table_[slot].node = std::move(node);
    pin();
    return slot;
}

void Directory::set(u32 at, Ref<Node> node) {
    NameTable::Slot& slot = table_[at];
    u32& counter = slot.shadows ? whiteouts_ : own_names_;
    bool counted = slot.shadows ? !slot.node : static_cast<bool>(slot.node);
    bool counts = slot.shadows ? !node : static_cast<bool>(node);
    counter += static_cast<u32>(counts) - static_cast<u32>(counted);
    std::swap(slot.node, node);
    if (!slot.node && !slot.shadows) table_.remove(at);
}

Result<Ref<Inode>> Directory::lookup(std::string_view name) {
    u32 slot = table_.find(name);
    if (slot != NameTable::kNone) {
        if (!table_[slot].node) return fail(Errno::kENOENT);
        return Ref<Inode>(table_[slot].node);
    }
    u32 below = lower_lookup(name);
    if (below == kNoLower) return fail(Errno::kENOENT);
    return Ref<Inode>(TRY(volume()->lower_node(below)));
}

Result<void> Directory::add(std::string_view name, Ref<Node> node) {
    if (links() == 0) return fail(Errno::kENOENT);  // removed meanwhile
    set(TRY(slot_for(name)), std::move(node));
    modified();
    return {};
}

Result<Ref<Inode>> Directory::add_new(std::string_view name, const NewInode& what, std::string_view target) {
    Ref<Node> node = TRY(make_node(volume(), what, target));
    TRY(add(name, node));
    return Ref<Inode>(std::move(node));
}

Result<Ref<Inode>> Directory::create(std::string_view name, const NewInode& what) {
    return add_new(name, what);
}

Result<Ref<Inode>> Directory::create_unnamed(const NewInode& what) {
    Ref<Node> node = TRY(make_node(volume(), what));
    node->drop_link();
    node->unnamed = true;
    return Ref<Inode>(std::move(node));
}

Result<Ref<Inode>> Directory::make_directory(std::string_view name, const NewInode& what) {
    Ref<Inode> made = TRY(add_new(name, what));
    add_link();
    return made;
}

Result<Ref<Inode>> Directory::make_symlink(std::string_view name, std::string_view target,
                                           const NewInode& what) {
    return add_new(name, what, target);
}

Result<void> Directory::link(std::string_view name, Inode& existing) {
    Node& node = static_cast<Node&>(existing);
    if (node.links() == 0 && !node.unnamed) return fail(Errno::kENOENT);
    TRY(add(name, Ref<Node>(node)));
    node.add_link();
    return {};
}

Result<void> Directory::unlink(std::string_view name) {
    u32 slot = TRY(slot_for(name));
    Ref<Node> victim = table_[slot].node;
    set(slot, nullptr);
    modified();
    victim->drop_link();
    return {};
}

Result<void> Directory::remove_directory(std::string_view name) {
    u32 slot = TRY(slot_for(name));
    Ref<Node> victim = table_[slot].node;
    if (!static_cast<Directory&>(*victim).empty()) return fail(Errno::kENOTEMPTY);
    set(slot, nullptr);
    victim->drop_all_links();
    drop_link();
    modified();
    return {};
}

Result<void> Directory::rename(std::string_view name, Inode& new_parent, std::string_view new_name,
                               u32 flags) {
    Directory& to = static_cast<Directory&>(new_parent);
    if (to.links() == 0) return fail(Errno::kENOENT);
    u32 old_slot = TRY(slot_for(name));
    u32 new_slot = TRY(to.slot_for(new_name));
    Ref<Node> moved = table_[old_slot].node, replaced = to.table_[new_slot].node;
    bool exchange = flags & kRenameExchange;
    if (replaced && replaced->is_directory() && !exchange && !static_cast<Directory&>(*replaced).empty())
        return fail(Errno::kENOTEMPTY);
    to.set(new_slot, moved);
    set(old_slot, exchange ? replaced : Ref<Node>());

    // A directory's ".." is a link to its parent.
    auto change_parent = [](Node& node, Directory& from, Directory& into) {
        if (!node.is_directory() || &from == &into) return;
        from.drop_link();
        into.add_link();
    };
    change_parent(*moved, *this, to);
    if (replaced && exchange) {
        change_parent(*replaced, to, *this);
    } else if (replaced && replaced->is_directory()) {
        replaced->drop_all_links();
        to.drop_link();
    } else if (replaced) {
        replaced->drop_link();
    }
    modified();
    if (&to != this) to.modified();
    TRY(moved->set_attributes({.which = Attributes::kCtime}));
    return {};
}

Result<void> Directory::list(u64& cursor, DirectorySink& sink) {
    u64 below = lower_count();
    for (; cursor < below; cursor++) {
        auto entry = image().entry(lower(), static_cast<u32>(cursor));
        if (!entry) continue;
        u64 number = u64{entry->inode} + 1;
        u32 mode = image().inode(entry->inode)->mode;
        u32 slot = table_.empty() ? NameTable::kNone : table_.find(entry->name);
        if (slot != NameTable::kNone) {
            const Ref<Node>& node = table_[slot].node;
            if (!node) continue;
            number = node->number();
            mode = node->type();
        }
        if (!sink.entry(entry->name, number, entry_type(mode), static_cast<i64>(cursor + 1))) return {};
    }
    for (; cursor - below < table_.size(); cursor++) {
        const NameTable::Slot& slot = table_[static_cast<u32>(cursor - below)];
        if (!slot.used || slot.shadows || !slot.node) continue;
        if (!sink.entry(slot.name.view(), slot.node->number(), entry_type(slot.node->type()),
                        static_cast<i64>(cursor + 1)))
            return {};
    }
    accessed();
    return {};
}

// A whole tree may go at once (umount): one directory after the other, since the kernel stack could not hold
// a recursion as deep as directories nest.
void Directory::destroy() {
    Directory* doomed = this;
    while (doomed) {
        Directory* current = doomed;
        doomed = current->next_doomed_;
        for (u32 i = 0; i < current->table_.size(); i++) {
            Ref<Node> child = std::move(current->table_[i].node);
            if (!child || !child->is_directory()) continue;
            static_cast<Directory&>(*child).leave();  // nobody finds it any more
            if (child->ref_count() != 1) continue;
            auto* last = static_cast<Directory*>(child.leak());  // ours alone: it goes with the next rounds
            last->next_doomed_ = doomed;
            doomed = last;
        }
        current->leave();
        delete current;
    }
}

}  // namespace astra::fs::tmpfs
