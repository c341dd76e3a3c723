// The dentry cache: every name in use, and the recently used others, found by (parent, name) in O(1).
//
// A name has one dentry at a time, so mounts, working directories and renames agree on what they mean. The
// table holds a reference to each dentry in it; when there are more than kTarget, those nobody else refers
// to and nobody looked up lately go first. Adding, moving and removing names happens with names() held;
// finding needs only the cache's own spin lock.
#pragma once
#include "guest_kernel/fs/path.hpp"

namespace astra::fs {

class DentryCache {
  public:
    /// The cached child, or null.
    Ref<Dentry> find(Dentry& parent, std::string_view name);
    /// Enters a fresh dentry under `parent`; `keep` false: only gives it its place (/proc's dynamic names).
    void insert(Dentry& child, Ref<Dentry> parent, String name, bool keep = true);
    /// The name is gone: the dentry leaves the table and is marked deleted.
    void remove(Dentry& child);
    /// The name moved.
    void move(Dentry& child, Ref<Dentry> parent, String name);
    /// Two names changed places.
    void exchange(Dentry& one, Dentry& other);
    /// Forgets every unused name of `fs`.
    void purge(FileSystem& fs);

    /// Null at the top of a file system.
    Ref<Dentry> parent(Dentry& child);
    /// The last component; names() held.
    [[nodiscard]] std::string_view name(const Dentry& child) const { return child.name_.view(); }
    /// Copies the last component; answers its length. Needs no lock held.
    usize copy_name(Dentry& child, std::span<char> to);
    /// The parent without a reference; names() held.
    [[nodiscard]] Dentry* parent_of(const Dentry& child) const { return child.parent_.get(); }

    static constexpr u32 kTarget = 8192;

  private:
    static constexpr u32 kBuckets = 4096;
    struct Table {
        Dentry* buckets[kBuckets] = {};
        List<Dentry, &Dentry::eviction_node_> all;
        u32 count = 0;
    };
    static u32 bucket(const Dentry* parent, std::string_view name);
    static void hash(Table& table, Dentry& child);
    static void unhash(Table& table, Dentry& child);
    sched::SpinLocked<Table, sched::Rank::DentryCache> table_;
};
DentryCache& dentry_cache();

/// The child `name` of a directory: from the cache, else from the file system. Takes names() when it must.
Result<Ref<Dentry>> lookup_child(Dentry& parent, std::string_view name);
/// The same with names() held.
Result<Ref<Dentry>> lookup_child_locked(Dentry& parent, std::string_view name);
/// Enters a name that a file system has just made. names() held.
Result<Ref<Dentry>> enter_child(Dentry& parent, std::string_view name, Ref<Inode> inode);

}  // namespace astra::fs
