// epoll: an interest list, and a ready list that the watched files' wait queues fill.
//
// Three locks. topology (one for all) guards who watches what: it is held while items come and go, so a file
// or an instance that ends finds its items undisturbed. An instance's list mutex guards its items and is held
// while they are polled, so that a watched file cannot vanish meanwhile: its end needs the mutex too. An
// instance's ready lock guards the ready list alone, and is taken by wait queues.
#include "guest_kernel/fs/epoll.hpp"

#include "guest_kernel/fs/flags.hpp"
#include "guest_kernel/sched/scheduler.hpp"

namespace astra::fs {

namespace {

enum EpollFlags : u32 {
    kExclusive = 1u << 28,
    kWakeUp = 1u << 29,  // accepted: nothing suspends here
    kOneShot = 1u << 30,
    kEdge = 1u << 31,
    kOptions = kExclusive | kWakeUp | kOneShot | kEdge,
    kExclusiveAllowed = kPollIn | kPollOut | kPollErr | kPollHup | kWakeUp | kEdge | kExclusive,
};
constexpr u32 kAlways = kPollErr | kPollHup;
constexpr int kMaxDepth = 5;  // instances that watch instances

class Epoll;

struct Item {
    ListNode all_node, ready_node;
    WatchNode watch;  // on the file
    sched::Waiter waiter;
    Epoll* owner = nullptr;
    File* file = nullptr;
    int fd = 0;
    std::atomic<u32> events{0};  // nothing besides kOptions: disarmed (EPOLLONESHOT)
    u64 data = 0;
    std::atomic<bool> queued{false};  // on the ready list, or on the list of whoever works through it

    [[nodiscard]] u32 wanted() const { return events.load(std::memory_order_relaxed) & ~kOptions; }
};
using ReadyList = List<Item, &Item::ready_node>;

struct Topology {};
sched::MutexLocked<Topology, sched::Rank::EpollTree> topology;

class Epoll final : public File {
  public:
    Epoll() { flags = kOReadWrite; }
    [[nodiscard]] FileKind kind() const override { return FileKind::Epoll; }

    Result<void> add(const Ref<File>& file, int fd, const abi::EpollEvent& event);
    Result<void> modify(File& file, int fd, const abi::EpollEvent& event);
    Result<void> remove(File& file, int fd);
    Result<const File*> watched(int fd, u32 number);
    Result<int> wait(abi::Out<abi::EpollEvent> events, int capacity, u64 deadline_ns);
    /// Takes out an item; topology is held.
    void drop(Item& item);
    /// Instances watched below this one, in levels; topology is held. ELOOP when `target` is among them.
    Result<int> depth_below(const Epoll& target);
    [[nodiscard]] int depth_above();

    u32 poll(sched::WaitQueue** queue) override;
    Result<String> describe() override { return String::from("anon_inode:[eventpoll]"); }
    Result<Ref<File>> reopen(u32) override { return fail(Errno::kENXIO); }

  protected:
    void destroy() override;

  private:
    struct Interest {
        List<Item, &Item::all_node> items;
        Item* find(const File& file, int fd) {
            for (Item& item : items)
                if (item.file == &file && item.fd == fd) return &item;
            return nullptr;
        }
    };
    static void announce(sched::Waiter& waiter, u32 events);
    void enqueue(Item& item);
    void wake();
    [[nodiscard]] bool has_ready() { return !ready_.lock()->empty(); }
    Result<int> collect(abi::Out<abi::EpollEvent> events, int capacity);

    sched::MutexLocked<Interest, sched::Rank::Epoll> interest_;
    sched::SpinLocked<ReadyList, sched::Rank::EpollReady> ready_;
    sched::WaitQueue queue_;
    std::atomic<u32> sleepers_{0};
};

/// The file as an epoll instance, or nullptr.
Epoll* as_epoll(File& file);

Item& item_of(sched::Waiter& waiter) {
    return *reinterpret_cast<Item*>(reinterpret_cast<char*>(&waiter) - __builtin_offsetof(Item, waiter));
}
Item& item_of(WatchNode& watch) {
    return *reinterpret_cast<Item*>(reinterpret_cast<char*>(&watch) - __builtin_offsetof(Item, watch));
}

/// A watched file's wait queue says that something changed. Under that queue's lock, in any context.
void Epoll::announce(sched::Waiter& waiter, u32 events) {
    Item& item = item_of(waiter);
    u32 wanted = item.wanted();
    if (wanted == 0 || (events != 0 && !(events & wanted))) return;
    item.owner->enqueue(item);
    item.owner->queue_.wake_from_notify(kPollReadable);
}

void Epoll::enqueue(Item& item) {
    if (!item.queued.exchange(true)) ready_.lock()->push_back(item);
}

void Epoll::wake() { queue_.wake(kPollReadable); }

Result<void> Epoll::add(const Ref<File>& file, int fd, const abi::EpollEvent& event) {
    Own<Item> fresh = TRY(make_own<Item>());
    auto tree = topology.lock();
    if (Epoll* inner = as_epoll(*file))
        if (depth_above() + TRY(inner->depth_below(*this)) + 2 > kMaxDepth) return fail(Errno::kELOOP);
    auto interest = interest_.lock();
    if (interest->find(*file, fd)) return fail(Errno::kEEXIST);
    sched::WaitQueue* queue = nullptr;
    (void)file->poll(&queue);
    if (!queue) return fail(Errno::kEPERM);
    Item& item = *fresh.leak();
    item.owner = this;
    item.file = file.get();
    item.fd = fd;
    item.events = event.events | kAlways;
    item.data = event.data;
    item.waiter.notify = announce;
    item.waiter.exclusive = event.events & kExclusive;
    interest->items.push_back(item);
    file->watchers.push_back(item.watch);
    file->watcher_count++;
    queue->add(item.waiter);
    if (!(file->poll(nullptr) & item.wanted())) return {};
    enqueue(item);
    wake();
    return {};
}

Result<void> Epoll::modify(File& file, int fd, const abi::EpollEvent& event) {
    auto interest = interest_.lock();
    Item* item = interest->find(file, fd);
    if (!item) return fail(Errno::kENOENT);
    if ((item->events | event.events) & kExclusive) return fail(Errno::kEINVAL);
    item->events = event.events | kAlways;
    item->data = event.data;
    // An event between the change and this look is announced with the new mask; both may enqueue.
    if (!(file.poll(nullptr) & item->wanted())) return {};
    enqueue(*item);
    wake();
    return {};
}

Result<void> Epoll::remove(File& file, int fd) {
    auto tree = topology.lock();
    Item* item;
    {
        auto interest = interest_.lock();
        item = interest->find(file, fd);
    }
    if (!item) return fail(Errno::kENOENT);
    drop(*item);
    return {};
}

Result<const File*> Epoll::watched(int fd, u32 number) {
    auto interest = interest_.lock();
    for (Item& item : interest->items)
        if (item.fd == fd && number-- == 0) return item.file;
    return fail(Errno::kENOENT);
}

void Epoll::drop(Item& item) {
    {
        auto interest = interest_.lock();
        item.waiter.queue->remove(item.waiter);  // no announcement runs or will run after this
        interest->items.remove(item);
        auto ready = ready_.lock();
        if (item.ready_node.linked()) ready->remove(item);
    }
    File* file = item.file;
    item.watch.node.unlink();
    delete &item;
    file->watcher_count--;
}

/// Reports what is ready. Level-triggered items that were reported stay on the list, at its end.
Result<int> Epoll::collect(abi::Out<abi::EpollEvent> events, int capacity) {
    auto interest = interest_.lock();
    ReadyList todo, again;
    ready_.with([&todo](ReadyList& ready) { todo.splice_back(ready); });
    int count = 0;
    Result<void> copied;
    while (count < capacity) {
        Item* item = todo.pop_front();
        if (!item) break;
        item->queued = false;  // what happens from here on queues it anew
        u32 now = item->file->poll(nullptr) & item->wanted();
        if (!now) continue;
        copied = mm::write(events + static_cast<u64>(count), abi::EpollEvent{now, item->data});
        if (!copied) {
            if (!item->queued.exchange(true)) todo.push_front(*item);
            break;
        }
        count++;
        u32 options = item->events & kOptions;
        if (options & kOneShot)
            item->events = options;
        else if (!(options & kEdge) && !item->queued.exchange(true))
            again.push_back(*item);
    }
    bool more = false;
    if (!todo.empty() || !again.empty()) {
        auto ready = ready_.lock();
        ready->splice_front(todo);
        ready->splice_back(again);
        more = true;
    }
    interest.unlock();
    if (more && sleepers_ > 0) wake();  // they may find something too
    if (count == 0 && !copied) return fail(copied.error());
    return count;
}

Result<int> Epoll::wait(abi::Out<abi::EpollEvent> events, int capacity, u64 deadline_ns) {
    for (;;) {
        int count = TRY(collect(events, capacity));
        if (count > 0 || deadline_ns == 0) return count;
        sched::Waiter waiter;
        waiter.exclusive = true;  // one event, one thread
        sleepers_++;
        queue_.prepare(waiter, sched::Sleep::Interruptible);
        Result<void> slept;
        if (has_ready())
            queue_.finish(waiter);
        else
            slept = queue_.sleep(waiter, deadline_ns);
        sleepers_--;
        if (slept || has_ready()) continue;
        if (slept.error() == Errno::kETIMEDOUT) return 0;
        return fail(Errno::kEINTR);  // never restarted (signal(7))
    }
}

/// Readable when an item really is ready; those that turn out not to be leave the list.
u32 Epoll::poll(sched::WaitQueue** queue) {
    if (queue) *queue = &queue_;
    auto interest = interest_.lock_second();  // the caller may be an instance that watches this one
    for (;;) {
        Item* item = ready_.with([](ReadyList& ready) { return ready.pop_front(); });
        if (!item) return 0;
        item->queued = false;
        if (!(item->file->poll(nullptr) & item->wanted())) continue;
        if (!item->queued.exchange(true)) ready_.lock()->push_front(*item);
        return kPollReadable;
    }
}

Result<int> Epoll::depth_below(const Epoll& target) {
    if (this == &target) return fail(Errno::kELOOP);
    int deepest = 0;
    auto interest = interest_.lock_second();
    for (Item& item : interest->items) {
        Epoll* inner = as_epoll(*item.file);
        if (!inner) continue;
        int depth = TRY(inner->depth_below(target));
        if (depth >= deepest) deepest = depth + 1;
    }
    return deepest;
}

int Epoll::depth_above() {
    int deepest = 0;
    for (WatchNode& watch : watchers) {
        int depth = item_of(watch).owner->depth_above() + 1;
        if (depth > deepest) deepest = depth;
    }
    return deepest;
}

void Epoll::destroy() {
    {
        auto tree = topology.lock();
        Interest& interest = interest_.unlocked();  // nobody else has this instance
        while (Item* item = interest.items.front()) drop(*item);
    }
    File::destroy();
}

Epoll* as_epoll(File& file) { return file.kind() == FileKind::Epoll ? static_cast<Epoll*>(&file) : nullptr; }

}  // namespace

Result<Ref<File>> make_epoll() { return Ref<File>(TRY(make_ref<Epoll>())); }

Result<void> control_epoll(File& epoll, int operation, int fd, const Ref<File>& file,
                           const abi::EpollEvent& event) {
    Epoll* instance = as_epoll(epoll);
    sched::WaitQueue* queue = nullptr;
    (void)file->poll(&queue);
    if (!queue) return fail(Errno::kEPERM);
    if (!instance || file.get() == &epoll) return fail(Errno::kEINVAL);
    switch (operation) {
        case kEpollAdd:
            if (event.events & kExclusive && (as_epoll(*file) || event.events & ~kExclusiveAllowed))
                return fail(Errno::kEINVAL);
            return instance->add(file, fd, event);
        case kEpollModify: return instance->modify(*file, fd, event);
        case kEpollDelete: return instance->remove(*file, fd);
        default: return fail(Errno::kEINVAL);
    }
}

Result<const File*> watched_by(File& epoll, int fd, u32 number) {
    Epoll* instance = as_epoll(epoll);
    return instance ? instance->watched(fd, number) : fail(Errno::kEINVAL);
}

Result<int> wait_epoll(File& epoll, abi::Out<abi::EpollEvent> events, int capacity, u64 deadline_ns) {
    constexpr int kMaxEvents = 0x7fff'ffff / static_cast<int>(sizeof(abi::EpollEvent));
    Epoll* instance = as_epoll(epoll);
    if (!instance || capacity <= 0 || capacity > kMaxEvents) return fail(Errno::kEINVAL);
    return instance->wait(events, capacity, deadline_ns);
}

void forget_watched(File& file) {
    if (file.watcher_count == 0) return;
    auto tree = topology.lock();
    while (WatchNode* watch = file.watchers.front()) {
        Item& item = item_of(*watch);
        item.owner->drop(item);
    }
}

}  // namespace astra::fs
