// inotify: watches by inode, and a queue of events per instance.
#include "guest_kernel/fs/inotify.hpp"

#include "guest_kernel/fs/dentry_cache.hpp"
#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/fs/notify.hpp"

namespace astra::fs {

namespace {

constexpr u32 kBytesReadable = 0x541b;  // FIONREAD

/// struct inotify_event; the name follows, padded with zeros to a multiple of the record's size.
struct Record {
    i32 watch;
    u32 mask, cookie, length;
};

struct Event {
    ListNode node;
    Record record{};
    String name;
    [[nodiscard]] usize size() const { return sizeof(Record) + record.length; }
    [[nodiscard]] bool same(const Event& other) const {
        return record.watch == other.record.watch && record.mask == other.record.mask &&
               record.cookie == other.record.cookie && name.view() == other.name.view();
    }
};

class Inotify;

/// One watched object of one instance. Under the table's lock.
struct Watch {
    ListNode node;       // in its bucket
    Ref<FileSystem> fs;  // outlives the inode
    Ref<Inode> inode;
    Inotify* owner;
    int descriptor;
    u32 mask;
};

class Inotify final : public File {
  public:
    explicit Inotify(u32 open_flags) { flags = kOReadOnly | open_flags; }
    ~Inotify() override;
    [[nodiscard]] FileKind kind() const override { return FileKind::Inotify; }
    Result<usize> read(Buffer& to, i64*) override;
    u32 poll(sched::WaitQueue** queue) override {
        if (queue) *queue = &changes_;
        return has_events() ? u32{kPollReadable} : 0;
    }
    Result<i64> ioctl(u32 request, u64 argument) override;
    Result<String> describe() override { return String::from("anon_inode:inotify"); }

    void enqueue(int watch, u32 mask, u32 cookie, std::string_view name);
    int next_descriptor = 1;  // under the table's lock

  private:
    struct Queue {
        List<Event, &Event::node> events;
        u32 count = 0;
        usize bytes = 0;
        bool lost = false;  // IN_Q_OVERFLOW is the last event
    };
    [[nodiscard]] bool has_events() {
        return queue_.with([](Queue& q) { return !q.events.empty(); });
    }
    void push(Queue& queue, Own<Event> event);
    sched::SpinLocked<Queue, sched::Rank::EventFd> queue_;
    sched::WaitQueue changes_;
};

constexpr usize kBuckets = 256;
struct Table {
    List<Watch, &Watch::node> buckets[kBuckets];
};
sched::SpinLocked<Table, sched::Rank::FileRegistry> g_table;
std::atomic<u32> g_cookie{0};

usize bucket_of(const Inode& inode) { return reinterpret_cast<usize>(&inode) / 64 % kBuckets; }

Own<Event> make_event(int watch, u32 mask, u32 cookie, std::string_view name) {
    auto event = make_own<Event>();
    if (!event) return {};
    if (!name.empty()) {
        auto copy = String::from(name);
        if (!copy) return {};
        (*event)->name = std::move(*copy);
    }
    u32 length = name.empty() ? 0 : static_cast<u32>(align_up(name.size() + 1, sizeof(Record)));
    (*event)->record = {watch, mask, cookie, length};
    return std::move(*event);
}

void Inotify::push(Queue& queue, Own<Event> event) {
    queue.count++;
    queue.bytes += event->size();
    queue.events.push_back(*event.leak());
}

void Inotify::enqueue(int watch, u32 mask, u32 cookie, std::string_view name) {
    Own<Event> event = make_event(watch, mask, cookie, name);
    {
        auto queue = queue_.lock();
        if (event && queue->count < kMostQueuedEvents) {
            Event* last = queue->events.back();
            if (last && last->same(*event)) return;  // one of the same is enough (inotify(7))
            push(*queue, std::move(event));
            queue->lost = false;
        } else if (!queue->lost) {
            Own<Event> overflow = make_event(-1, kWatchOverflow, 0, {});
            if (!overflow) return;  // nor is there memory to say so
            push(*queue, std::move(overflow));
            queue->lost = true;
        }
    }
    changes_.wake_all(kPollReadable);
}

Result<usize> Inotify::read(Buffer& to, i64*) {
    usize done = 0;
    for (;;) {
        Own<Event> event;
        {
            auto queue = queue_.lock();
            Event* first = queue->events.front();
            if (first && first->size() > to.remaining())
                return done ? Result<usize>(done) : fail(Errno::kEINVAL);
            if (first) {
                queue->events.remove(*first);
                queue->count--;
                queue->bytes -= first->size();
                event = Own<Event>(first);
            }
        }
        if (event) {
            u8 text[sizeof(Record) + kNameMax + sizeof(Record)] = {};
            __builtin_memcpy(text, &event->record, sizeof(Record));
            __builtin_memcpy(text + sizeof(Record), event->name.view().data(), event->name.view().size());
            Result<usize> moved = to.put({text, event->size()});
            if (!moved) return done ? Result<usize>(done) : moved;
            done += *moved;
            continue;
        }
        if (done) return done;
        if (nonblocking()) return fail(Errno::kEAGAIN);
        TRY(changes_.wait([this] { return has_events(); }));
    }
}

Result<i64> Inotify::ioctl(u32 request, u64 argument) {
    if (request != kBytesReadable) return fail(Errno::kENOTTY);
    int bytes = queue_.with([](Queue& q) { return static_cast<int>(q.bytes); });
    TRY(mm::write(abi::Out<int>(UserAddr(argument)), bytes));
    return 0;
}

/// Watches taken out of the table, to be let go of with it unlocked.
using Removed = List<Watch, &Watch::node>;

void take_out(Table& table, Watch& watch, Removed& removed) {
    table.buckets[bucket_of(*watch.inode)].remove(watch);
    notify::watch_count--;
    removed.push_back(watch);
}

void let_go(Removed& removed) {
    while (Watch* watch = removed.pop_front()) delete watch;
}

/// Takes the watches that `which` chooses out of the table. Answers how many.
template <class Which>
u32 remove_where(Which&& which) {
    Removed removed;
    u32 count = 0;
    g_table.with([&](Table& table) {
        for (auto& bucket : table.buckets)
            for (Watch& watch : bucket)
                if (which(watch)) take_out(table, watch, removed), count++;
    });
    let_go(removed);
    return count;
}

Inotify::~Inotify() {
    remove_where([this](Watch& watch) { return watch.owner == this; });
    queue_.with([](Queue& queue) {
        while (Event* event = queue.events.pop_front()) delete event;
    });
}

struct Happening {
    u32 event;
    std::string_view name = {};  // of an entry of the watched directory; empty: the watched object itself
    bool is_directory = false, unlinked = false;
    u32 cookie = 0;
};

void tell(Inode& inode, const Happening& what) {
    Removed removed;
    g_table.with([&](Table& table) {
        for (Watch& watch : table.buckets[bucket_of(inode)]) {
            if (watch.inode.get() != &inode || !(watch.mask & what.event)) continue;
            if (what.unlinked && (watch.mask & kWatchExcludeUnlinked)) continue;
            u32 mask = what.event | (what.is_directory ? u32{kWatchIsDirectory} : 0);
            watch.owner->enqueue(watch.descriptor, mask, what.cookie, what.name);
            if (!(watch.mask & kWatchOneShot)) continue;
            watch.owner->enqueue(watch.descriptor, kWatchIgnored, 0, {});
            take_out(table, watch, removed);
        }
    });
    let_go(removed);
}

}  // namespace

namespace notify {

void tell_object(Dentry& object, u32 event) {
    bool is_directory = object.inode->is_directory();
    if (Ref<Dentry> parent = dentry_cache().parent(object)) {
        char name[kNameMax];
        usize length = dentry_cache().copy_name(object, name);
        tell(*parent->inode, {.event = event,
                              .name = {name, length},
                              .is_directory = is_directory,
                              .unlinked = object.deleted});
    }
    tell(*object.inode, {.event = event, .is_directory = is_directory});
}

void tell_entry(Inode& directory, std::string_view name, u32 event, bool is_directory, u32 cookie) {
    tell(directory, {.event = event, .name = name, .is_directory = is_directory, .cookie = cookie});
}

void tell_self(Inode& inode, u32 event) {
    bool plain = event & (kNotifyMoveSelf | kNotifyDeleteSelf);  // these say nothing of directories
    tell(inode, {.event = event, .is_directory = !plain && inode.is_directory()});
}

// The watches keep the object itself, so it is the last name that counts, not the last open file.
void tell_gone(Inode& inode) {
    abi::Stat status{};
    if (!inode.stat(status) || (!inode.is_directory() && status.nlink > 0)) return;
    tell_self(inode, kNotifyDeleteSelf);
    remove_where([&inode](Watch& watch) {
        if (watch.inode.get() != &inode) return false;
        watch.owner->enqueue(watch.descriptor, kWatchIgnored, 0, {});
        return true;
    });
}

u32 next_cookie() { return ++g_cookie; }

}  // namespace notify

Result<Ref<File>> make_inotify(u32 flags) { return Ref<File>(TRY(make_ref<Inotify>(flags))); }

Result<int> add_watch(File& instance, const Path& place, u32 mask) {
    auto& owner = static_cast<Inotify&>(instance);
    Own<Watch> fresh = TRY(make_own<Watch>());
    Inode& inode = *place.dentry->inode;
    u32 kept = mask & (kWatchEvents | kWatchExcludeUnlinked | kWatchOneShot);
    auto table = g_table.lock();
    auto& bucket = table->buckets[bucket_of(inode)];
    for (Watch& watch : bucket) {
        if (watch.owner != &owner || watch.inode.get() != &inode) continue;
        if (mask & kWatchMaskCreate) return fail(Errno::kEEXIST);
        watch.mask = mask & kWatchMaskAdd ? watch.mask | kept : kept;
        return watch.descriptor;
    }
    if (notify::watch_count >= kMostWatches) return fail(Errno::kENOSPC);
    if (place.dentry->fs) fresh->fs = Ref<FileSystem>(*place.dentry->fs);
    fresh->inode = Ref<Inode>(inode);
    fresh->owner = &owner;
    fresh->descriptor = owner.next_descriptor++;
    fresh->mask = kept;
    notify::watch_count++;
    bucket.push_back(*fresh);
    return fresh.leak()->descriptor;
}

Result<void> remove_watch(File& instance, int descriptor) {
    auto& owner = static_cast<Inotify&>(instance);
    u32 count =
        remove_where([&](Watch& watch) { return watch.owner == &owner && watch.descriptor == descriptor; });
    if (count == 0) return fail(Errno::kEINVAL);
    owner.enqueue(descriptor, kWatchIgnored, 0, {});
    return {};
}

}  // namespace astra::fs
