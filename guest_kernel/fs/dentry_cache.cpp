// The dentry cache; see the header.
#include "guest_kernel/fs/dentry_cache.hpp"

#include "guest_kernel/fs/vfs.hpp"

namespace astra::fs {

namespace {
DentryCache g_cache;
}

DentryCache& dentry_cache() { return g_cache; }

// Parents go one by one: a chain of deleted directories may be longer than the kernel stack could recurse.
void Dentry::destroy() {
    Ref<Dentry> up = std::move(parent_);
    delete this;
    while (up && up->ref_count() == 1) {  // ours alone, and not in the table, so nobody can find it again
        Ref<Dentry> next = std::move(up->parent_);
        up = std::move(next);
    }
}

u32 DentryCache::bucket(const Dentry* parent, std::string_view name) {
    u64 h = 0xcbf29ce484222325 ^ (reinterpret_cast<u64>(parent) >> 4);
    for (char c : name) h = (h ^ static_cast<u8>(c)) * 0x100000001b3;
    return static_cast<u32>(h ^ (h >> 32)) % kBuckets;
}

void DentryCache::hash(Table& table, Dentry& child) {
    Dentry*& head = table.buckets[bucket(child.parent_.get(), child.name_)];
    child.hash_next_ = head;
    head = &child;
}

void DentryCache::unhash(Table& table, Dentry& child) {
    Dentry** at = &table.buckets[bucket(child.parent_.get(), child.name_)];
    while (*at != &child) at = &(*at)->hash_next_;
    *at = child.hash_next_;
}

Ref<Dentry> DentryCache::find(Dentry& parent, std::string_view name) {
    u32 index = bucket(&parent, name);
    auto table = table_.lock();
    for (Dentry* d = table->buckets[index]; d; d = d->hash_next_)
        if (d->parent_.get() == &parent && d->name_.view() == name) {
            d->referenced.store(true, std::memory_order_relaxed);
            return Ref<Dentry>(*d);
        }
    return nullptr;
}

void DentryCache::insert(Dentry& child, Ref<Dentry> parent, String name, bool keep) {
    if (!keep) {
        child.parent_ = std::move(parent);
        child.name_ = std::move(name);
        return;
    }
    constexpr u32 kLook = 8;  // how many to look at for each one that is added
    Ref<Dentry> victims[kLook];
    u32 found = 0;
    auto table = table_.lock();
    for (u32 look = 0; table->count >= kTarget && look < kLook; look++) {
        Dentry* oldest = table->all.pop_front();
        bool wanted = oldest->referenced.exchange(false, std::memory_order_relaxed);
        if (wanted || oldest->ref_count() > 1) {
            table->all.push_back(*oldest);
            continue;
        }
        unhash(*table, *oldest);
        table->count--;
        victims[found++] = Ref<Dentry>::adopt(oldest);
    }
    child.parent_ = std::move(parent);
    child.name_ = std::move(name);
    child.ref();
    hash(*table, child);
    table->all.push_back(child);
    table->count++;
}

void DentryCache::remove(Dentry& child) {
    child.deleted = true;
    Ref<Dentry> dropped;
    auto table = table_.lock();
    if (!child.eviction_node_.linked()) return;
    unhash(*table, child);
    table->all.remove(child);
    table->count--;
    dropped = Ref<Dentry>::adopt(&child);
    table.unlock();
}

void DentryCache::move(Dentry& child, Ref<Dentry> parent, String name) {
    auto table = table_.lock();
    bool hashed = child.eviction_node_.linked();
    if (hashed) unhash(*table, child);
    std::swap(child.parent_, parent);  // the old parent is let go after the lock
    std::swap(child.name_, name);
    if (hashed) hash(*table, child);
    table.unlock();
}

void DentryCache::exchange(Dentry& one, Dentry& other) {
    auto table = table_.lock();
    for (Dentry* d : {&one, &other})
        if (d->eviction_node_.linked()) unhash(*table, *d);
    std::swap(one.parent_, other.parent_);
    std::swap(one.name_, other.name_);
    for (Dentry* d : {&one, &other})
        if (d->eviction_node_.linked()) hash(*table, *d);
}

void DentryCache::purge(FileSystem& fs) {
    List<Dentry, &Dentry::eviction_node_> gone;
    table_.with([&](Table& table) {
        List<Dentry, &Dentry::eviction_node_> mine;
        for (Dentry& d : table.all) {
            if (d.fs != &fs) continue;
            table.all.remove(d);
            mine.push_back(d);
        }
        while (Dentry* d = mine.pop_front()) {
            table.all.push_back(*d);
            // With the last child its parent may become unused, and so on up.
            while (d && d->ref_count() == 1) {
                unhash(table, *d);
                table.all.remove(*d);
                table.count--;
                gone.push_back(*d);
                Dentry* up = d->parent_.get();
                if (!up || !up->eviction_node_.linked())
                    break;                   // a deleted parent goes with its child, below
                d->parent_.leak()->unref();  // not its last: the table has one
                d = up;
            }
        }
    });
    while (Dentry* d = gone.pop_front()) Ref<Dentry>::adopt(d);
}

Ref<Dentry> DentryCache::parent(Dentry& child) {
    auto table = table_.lock();
    return child.parent_;
}

usize DentryCache::copy_name(Dentry& child, std::span<char> to) {
    auto table = table_.lock();
    std::string_view name = child.name_.view().substr(0, to.size());
    __builtin_memcpy(to.data(), name.data(), name.size());
    return name.size();
}

Result<Ref<Dentry>> enter_child(Dentry& parent, std::string_view name, Ref<Inode> inode) {
    Ref<Dentry> child = TRY(make_ref<Dentry>(std::move(inode), parent.fs));
    String text = TRY(String::from(name));
    bool keep = !parent.inode->dynamic_names() && !parent.deleted;
    g_cache.insert(*child, Ref<Dentry>(parent), std::move(text), keep);
    return child;
}

Result<Ref<Dentry>> lookup_child_locked(Dentry& parent, std::string_view name) {
    if (Ref<Dentry> child = g_cache.find(parent, name)) return child;
    return enter_child(parent, name, TRY(parent.inode->lookup(name)));
}

Result<Ref<Dentry>> lookup_child(Dentry& parent, std::string_view name) {
    if (parent.inode->dynamic_names()) return enter_child(parent, name, TRY(parent.inode->lookup(name)));
    if (Ref<Dentry> child = g_cache.find(parent, name)) return child;
    auto guard = names().lock();
    return lookup_child_locked(parent, name);
}

}  // namespace astra::fs
