// Advisory locks. All three kinds are ranges with an owner; flock's cover the whole file and live apart from
// the others.
#include "guest_kernel/fs/locks.hpp"

#include <algorithm>

namespace astra::fs {

namespace {

enum Kind : u8 { kRecords, kWhole };

struct Held {
    ListNode node;
    const void* owner = nullptr;
    int pid = 0;
    LockType type = kUnlock;
    u64 start = 0, end = 0;  // inclusive

    [[nodiscard]] bool overlaps(const RecordLock& r) const { return start <= r.end && r.start <= end; }
};
using HeldList = List<Held, &Held::node>;

/// The locks on one inode, while there are any or someone waits for them.
struct FileLocks : RefCounted {
    ListNode node;
    const Inode* inode = nullptr;
    HeldList held[2];  // by Kind
    sched::WaitQueue changed;
};

/// An owner that waits for another: the edges in which a deadlock is a circle.
struct Waiting {
    ListNode node;
    const void* owner = nullptr;
    const void* blocker = nullptr;
};

struct LockTable {
    List<FileLocks, &FileLocks::node> files;
    List<Waiting, &Waiting::node> waiting;

    FileLocks* find(const Inode& inode) {
        for (FileLocks& file : files)
            if (file.inode == &inode) return &file;
        return nullptr;
    }
};
sched::SpinLocked<LockTable, sched::Rank::FileRegistry> table;
/// Inodes that have locks: closing a file looks no further while there are none.
constinit std::atomic<u32> locked_files{0};

Held* find_conflict(HeldList& list, const void* owner, const RecordLock& wanted) {
    for (Held& h : list)
        if (h.owner != owner && h.overlaps(wanted) && (h.type == kLockWrite || wanted.type == kLockWrite))
            return &h;
    return nullptr;
}

/// Takes [r.start, r.end] out of what `owner` holds. `spare` becomes the upper part of a lock cut in two.
void carve(HeldList& list, const void* owner, const RecordLock& r, Own<Held>& spare, HeldList& freed) {
    for (Held& h : list) {
        if (h.owner != owner || !h.overlaps(r)) continue;
        bool below = h.start<r.start, above = h.end> r.end;
        if (below && above) {
            Held* upper = spare.leak();
            upper->owner = owner;
            upper->pid = h.pid;
            upper->type = h.type;
            upper->start = r.end + 1;
            upper->end = h.end;
            list.push_back(*upper);
            h.end = r.start - 1;
        } else if (below) {
            h.end = r.start - 1;
        } else if (above) {
            h.start = r.end + 1;
        } else {
            list.remove(h);
            freed.push_back(h);
        }
    }
}

/// Joins `h` with its owner's locks of the same type that touch it.
void coalesce(HeldList& list, Held& h, HeldList& freed) {
    for (Held& other : list) {
        if (&other == &h || other.owner != h.owner || other.type != h.type) continue;
        bool apart = (other.end != ~u64{0} && other.end + 1 < h.start) ||
                     (h.end != ~u64{0} && h.end + 1 < other.start);
        if (apart) continue;
        h.start = std::min(h.start, other.start);
        h.end = std::max(h.end, other.end);
        list.remove(other);
        freed.push_back(other);
    }
}

void delete_all(HeldList& list) {
    while (Held* h = list.pop_front()) delete h;
}

/// Would `owner` wait for someone who, through others, waits for it?
bool is_deadlock(LockTable& t, const void* owner, const void* blocker) {
    for (int steps = 0; steps < 64; steps++) {
        if (blocker == owner) return true;
        const void* next = nullptr;
        for (Waiting& w : t.waiting)
            if (w.owner == blocker) next = w.blocker;
        if (!next) return false;
        blocker = next;
    }
    return false;
}

/// Forgets an inode without locks. The reference that the table held goes to the caller.
Ref<FileLocks> drop_if_empty(LockTable& t, FileLocks& file) {
    if (!file.held[kRecords].empty() || !file.held[kWhole].empty() || !file.node.linked()) return {};
    t.files.remove(file);
    locked_files.fetch_sub(1, std::memory_order_relaxed);
    return Ref<FileLocks>::adopt(&file);
}

struct Request {
    const Inode& inode;
    Kind kind;
    const void* owner;
    int pid;
    RecordLock lock;
    bool wait, detect_deadlock;
};

/// One try: applies the request, or names who is in the way.
struct Attempt {
    Ref<FileLocks> file;            // that was changed, or is to be waited for
    const void* blocker = nullptr;  // null: done
};

Attempt attempt(LockTable& t, const Request& r, Own<FileLocks>& fresh_file, Own<Held>& fresh,
                Own<Held>& spare, HeldList& freed) {
    FileLocks* file = t.find(r.inode);
    if (!file) {
        if (r.lock.type == kUnlock) return {};
        file = fresh_file.leak();
        file->inode = &r.inode;
        t.files.push_back(*file);  // the table owns the reference it was born with
        locked_files.fetch_add(1, std::memory_order_relaxed);
    }
    HeldList& list = file->held[r.kind];
    if (r.lock.type != kUnlock)
        if (Held* other = find_conflict(list, r.owner, r.lock)) return {Ref<FileLocks>(*file), other->owner};
    carve(list, r.owner, r.lock, spare, freed);
    if (r.lock.type != kUnlock) {
        Held* h = fresh.leak();
        h->owner = r.owner;
        h->pid = r.pid;
        h->type = r.lock.type;
        h->start = r.lock.start;
        h->end = r.lock.end;
        list.push_back(*h);
        coalesce(list, *h, freed);
    }
    return {Ref<FileLocks>(*file), nullptr};
}

Result<void> apply(const Request& r) {
    for (;;) {
        Own<FileLocks> fresh_file = TRY(make_own<FileLocks>());
        Own<Held> fresh = TRY(make_own<Held>()), spare = TRY(make_own<Held>());
        HeldList freed;
        Waiting waiting;
        sched::Waiter sleeper;
        Ref<FileLocks> empty;
        Attempt tried;
        {
            auto t = table.lock();
            tried = attempt(*t, r, fresh_file, fresh, spare, freed);
            if (!tried.blocker && tried.file) empty = drop_if_empty(*t, *tried.file);
            if (tried.blocker && r.wait) {
                if (r.detect_deadlock && is_deadlock(*t, r.owner, tried.blocker))
                    return fail(Errno::kEDEADLOCK);
                waiting.owner = r.owner;
                waiting.blocker = tried.blocker;
                t->waiting.push_back(waiting);
                // Under the table's lock: whoever releases cannot be missed.
                tried.file->changed.prepare(sleeper, sched::Sleep::Interruptible);
            }
        }
        delete_all(freed);
        if (!tried.blocker) {
            if (tried.file) tried.file->changed.wake_all();
            return {};
        }
        if (!r.wait) return fail(Errno::kEAGAIN);
        Result<void> slept = tried.file->changed.sleep(sleeper, sched::kForever);
        table.lock()->waiting.remove(waiting);
        TRY(slept);
    }
}

/// Drops all that `owner` holds on an inode.
void release(const Inode& inode, Kind kind, const void* owner) {
    HeldList freed;
    Ref<FileLocks> changed, empty;
    {
        auto t = table.lock();
        FileLocks* file = t->find(inode);
        if (!file) return;
        for (Held& h : file->held[kind]) {
            if (h.owner != owner) continue;
            file->held[kind].remove(h);
            freed.push_back(h);
        }
        if (freed.empty()) return;
        changed = Ref<FileLocks>(*file);
        empty = drop_if_empty(*t, *file);
    }
    delete_all(freed);
    changed->changed.wake_all();
}

}  // namespace

Result<void> set_record_lock(Inode& inode, const void* owner, int pid, const RecordLock& wanted, bool wait) {
    // Open file descriptions have no process (pid -1) that could be found to wait in a circle.
    Result<void> done = apply({inode, kRecords, owner, pid, wanted, wait, pid >= 0});
    if (!done && done.error() == Errno::kENOMEM) return fail(Errno::kENOLCK);
    return done;
}

void test_record_lock(Inode& inode, const void* owner, RecordLock& wanted, int& pid) {
    auto t = table.lock();
    FileLocks* file = t->find(inode);
    Held* other = file ? find_conflict(file->held[kRecords], owner, wanted) : nullptr;
    if (!other) {
        wanted.type = kUnlock;
        return;
    }
    wanted = {other->type, other->start, other->end};
    pid = other->pid;
}

void release_posix_locks(Inode& inode, const void* owner) {
    if (locked_files.load(std::memory_order_relaxed) != 0) release(inode, kRecords, owner);
}

Result<void> flock(File& file, int operation) {
    Inode* inode = file.inode();
    if (!inode) return fail(Errno::kEINVAL);
    bool wait = !(operation & kFlockNonblock);
    LockType type;
    switch (operation & ~kFlockNonblock) {
        case kFlockShared: type = kLockRead; break;
        case kFlockExclusive: type = kLockWrite; break;
        case kFlockUnlock: type = kUnlock; break;
        default: return fail(Errno::kEINVAL);
    }
    file.took_lock = true;
    Result<void> done = apply({*inode, kWhole, &file, 0, {type, 0, ~u64{0}}, wait, false});
    if (!done && done.error() == Errno::kENOMEM) return fail(Errno::kENOLCK);
    return done;
}

void release_description_locks(File& file) {
    if (!file.took_lock) return;
    release(*file.inode(), kWhole, &file);
    release(*file.inode(), kRecords, &file);
}

}  // namespace astra::fs
