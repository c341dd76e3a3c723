// Locks that own their data and carry a rank.
//
// SpinLocked<T, R>: held for short sections, interrupts off while held, so interrupt handlers may take it
// too. Spinning serves TLB shootdowns (arch::spin_pause). MutexLocked<T, R>: may be held long and while
// sleeping; never taken in interrupt context or with a spin lock held. No user copy happens under a spin
// lock, nor under any mutex whose rank is at or above AddressSpace (a copy can fault, and the fault takes the
// address space's mutex).
//
// A lock may be taken only when its rank is greater than every rank this thread (mutexes) or CPU (spin locks)
// holds; checked at run time when ASTRA_KERNEL_CHECKS is set. Two locks of one rank: lock_pair, by address.
#pragma once
#include <atomic>

#include "guest_kernel/arch/arch.hpp"

namespace astra::sched {

/// The order in which locks are taken: outermost first.
enum class Rank : u8 {
    // mutexes
    FileOffset,       // an open file description's offset, held across the read or write that uses it
    ControlSessions,  // programs the host spawned
    ProcessTree,      // parents, children, groups, sessions
    PosixTimers,      // a process's POSIX timers and interval timers
    DirectoryTree,    // names of every file system, mounts
    Inode,            // writers of one inode's contents
    EpollTree,        // which epoll instance watches which file
    Epoll,            // one instance's interest list; taken inside another's when they nest
    Pipe,             // a pipe's bytes, a socket's messages
    AddressSpace,     // areas and page tables
    PageSource,       // an inode's page index, taken by faults too
    // spin locks
    FdTable,
    Mappings,  // who maps a page source
    DentryCache,
    InodeMap,      // a file system's live inodes
    Attributes,    // one inode's mode, owner, times
    FileRegistry,  // locks and FIFOs by inode, sockets by name, System V objects; what a socket is connected
                   // to
    EventFd,
    Tty,
    CpuTimers,  // a process's armed timers on CPU clocks
    Signals,    // a process's dispositions and queues
    Futex,
    Network,  // the TCP/IP stack
    WaitQueue,
    EpollReady,  // an epoll instance's ready list, filled by wait queues
    Timers,
    RunQueue,
    KernelStacks,  // stacks kept for reuse
    Vdso,
    ControlPort,
    Virtio,
    Heap,
    WarmTables,  // page tables kept for reuse
    Frames,
    Log,
};

/// The locks one thread (mutexes) or one CPU (spin locks) holds, for the rank checks.
struct LockStack {
    struct Held {
        Rank rank;
        const void* lock;
    };
    static constexpr u32 kDepth = 12;
    Held held[kDepth] = {};
    u32 count = 0;
};

#if ASTRA_KERNEL_CHECKS
/// Panics when taking `lock` now breaks the order. `pair`: a second lock of the same rank is meant.
void rank_acquire(Rank rank, const void* lock, bool spin, bool pair);
void rank_release(Rank rank, const void* lock, bool spin);
#else
inline void rank_acquire(Rank, const void*, bool, bool) {}
inline void rank_release(Rank, const void*, bool) {}
#endif

/// The bare spin lock; use SpinLocked unless the protected state cannot sit inside it.
class SpinLock {
  public:
    /// Returns whether interrupts were enabled, for unlock().
    bool acquire() {
        bool enabled = arch::interrupts_disable();
        while (held_.exchange(true, std::memory_order_acquire))
            while (held_.load(std::memory_order_relaxed)) arch::spin_pause();
        return enabled;
    }
    void release(bool interrupts_were_enabled) {
        held_.store(false, std::memory_order_release);
        arch::interrupts_restore(interrupts_were_enabled);
    }

  private:
    std::atomic<bool> held_{false};
};

/// T that can only be reached with its spin lock held.
template <class T, Rank R>
class SpinLocked {
  public:
    template <class... Args>
    constexpr explicit SpinLocked(Args&&... args) : value_(static_cast<Args&&>(args)...) {}

    class Guard {
      public:
        explicit Guard(SpinLocked& owner, bool pair = false) : owner_(&owner) {
            interrupts_ = owner.lock_.acquire();
            rank_acquire(R, &owner, true, pair);
        }
        Guard(const Guard&) = delete;
        ~Guard() { unlock(); }
        void unlock() {
            if (!owner_) return;
            rank_release(R, owner_, true);
            auto* owner = owner_;
            owner_ = nullptr;
            owner->lock_.release(interrupts_);
        }
        T* operator->() const { return &owner_->value_; }
        T& operator*() const { return owner_->value_; }

      private:
        SpinLocked* owner_;
        bool interrupts_;
    };
    [[nodiscard]] Guard lock() { return Guard(*this); }
    /// The second lock of one rank: the caller orders the two by address.
    [[nodiscard]] Guard lock_second() { return Guard(*this, true); }
    template <class F>
    decltype(auto) with(F&& f) {
        Guard guard(*this);
        return f(value_);
    }
    /// For code that provably runs alone (boot, destructors, panic).
    T& unlocked() { return value_; }

  private:
    SpinLock lock_;
    T value_;
};

/// The bare sleeping mutex: first come, first served. Taking a free one and releasing an uncontended one cost
/// one atomic each.
class Mutex {
  public:
    void acquire() {
        u64 free = 0;
        if (!state_.compare_exchange_strong(free, self(), std::memory_order_acquire)) acquire_slowly();
    }
    void release() {
        u64 mine = self();
        if (!state_.compare_exchange_strong(mine, 0, std::memory_order_release)) release_slowly();
    }
    [[nodiscard]] bool held() const { return state_.load(std::memory_order_relaxed) != 0; }

  private:
    struct Waiter;
    static constexpr u64 kContended = 1;
    static u64 self();  // the current thread as an owner; a constant before there are threads
    void acquire_slowly();
    void release_slowly();
    std::atomic<u64> state_{0};  // owner's sched::Thread, plus kContended while someone waits
    SpinLock guard_;             // of the waiters
    Waiter* first_ = nullptr;    // on the waiters' stacks
    Waiter* last_ = nullptr;
};

/// T that can only be reached with its mutex held.
template <class T, Rank R>
class MutexLocked {
  public:
    template <class... Args>
    constexpr explicit MutexLocked(Args&&... args) : value_(static_cast<Args&&>(args)...) {}

    class Guard {
      public:
        explicit Guard(MutexLocked& owner, bool pair = false) : owner_(&owner) {
            rank_acquire(R, &owner, false, pair);
            owner.mutex_.acquire();
        }
        Guard(const Guard&) = delete;
        ~Guard() { unlock(); }
        void unlock() {
            if (!owner_) return;
            auto* owner = owner_;
            owner_ = nullptr;
            owner->mutex_.release();
            rank_release(R, owner, false);
        }
        T* operator->() const { return &owner_->value_; }
        T& operator*() const { return owner_->value_; }

      private:
        MutexLocked* owner_;
    };
    [[nodiscard]] Guard lock() { return Guard(*this); }
    [[nodiscard]] Guard lock_second() { return Guard(*this, true); }
    template <class F>
    decltype(auto) with(F&& f) {
        Guard guard(*this);
        return f(value_);
    }
    T& unlocked() { return value_; }

  private:
    Mutex mutex_;
    T value_;
};

}  // namespace astra::sched
