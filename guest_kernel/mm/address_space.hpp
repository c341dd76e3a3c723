// A program's memory: areas (VMAs), their pages, and the faults that bring pages in.
#pragma once
#include <string_view>

#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/base/ref.hpp"
#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/mm/page_source.hpp"
#include "guest_kernel/sched/lock.hpp"

namespace astra::mm {

/// PROT_* as in mmap(2).
enum Prot : u32 { kProtNone = 0, kProtRead = 1, kProtWrite = 2, kProtExec = 4 };

struct MapRequest {
    UserAddr hint;   // page-aligned, or null
    u64 length = 0;  // bytes, rounded up to pages
    u32 prot = kProtNone;
    u32 flags = 0;           // MAP_* as in mmap(2)
    Ref<PageSource> source;  // null: anonymous
    u64 offset = 0;          // bytes into the source, page-aligned
    u32 max_prot = 7;      // what mprotect may later ask for (a read-only descriptor mapped shared: no write)
    Ref<RefCounted> keep;  // kept alive while mapped: the open file, for /proc and O_TMPFILE semantics
    std::string_view name;  // "[heap]", "[stack]", "[vdso]"; literals only
};

/// One area as /proc/PID/maps shows it.
struct AreaInfo {
    UserAddr start, end;
    u32 prot;
    bool shared;
    u64 offset;
    Ref<PageSource> source;  // null: anonymous
    Ref<RefCounted> keep;    // MapRequest::keep: the open file
    std::string_view name;
    u64 resident_pages;
};

enum class FaultOutcome {
    Resolved,
    NotMapped /* SEGV_MAPERR */,
    Denied /* SEGV_ACCERR */,
    BeyondEnd /* SIGBUS */,
    OutOfMemory
};

/// What an access from outside may do: as the protection lets the program itself, or more (ptrace(2)).
enum class Reach : u8 { Program, Debugger };

struct AreaMap;  // address_space.cpp: the areas and page table, behind the mutex

class AddressSpace : public RefCounted {
  public:
    static Result<Ref<AddressSpace>> create();
    /// A copy-on-write duplicate (fork).
    Result<Ref<AddressSpace>> fork();
    ~AddressSpace() override;

    /// mmap(2): returns where. Errors as the man page (EINVAL, ENOMEM, EEXIST for MAP_FIXED_NOREPLACE).
    Result<UserAddr> map(const MapRequest& request);
    Result<void> unmap(UserAddr start, u64 length);
    Result<void> protect(UserAddr start, u64 length, u32 prot);
    Result<UserAddr> remap(UserAddr old, u64 old_length, u64 new_length, u32 flags, UserAddr new_address);
    Result<void> advise(UserAddr start, u64 length, int advice);
    Result<void> sync(UserAddr start, u64 length, int flags);
    /// mlock(2): keeps pages in memory, which they are anyway; `bring_in`: now. What counts is that locked
    /// memory is counted against `most` bytes in all. Errors: ENOMEM (holes, too much, pages that cannot be
    /// had).
    Result<void> lock(UserAddr start, u64 length, bool bring_in, u64 most);
    Result<void> unlock(UserAddr start, u64 length);
    /// mlockall(2): all areas of today (`current`), and those to come (`future`). Neither: munlockall(2).
    Result<void> lock_all(bool current, bool future, bool bring_in, u64 most);
    /// EAGAIN when a new mapping (MAP_LOCKED: `wanted`) would be locked and exceed `most` bytes.
    Result<void> check_lock_room(u64 length, bool wanted, u64 most);
    Result<void> resident(UserAddr start, u64 length, Vector<u8>& pages);
    /// brk(2): the new break, or the old one when it cannot move.
    UserAddr set_break(UserAddr wanted);
    /// Where the heap starts: set once by exec.
    void init_break(UserAddr start);
    /// The process's limits on memory, in bytes (RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK). Set by exec before it
    /// maps anything and by setrlimit; fork inherits them. Mappings are placed below the room `stack` needs.
    struct Limits {
        u64 address_space = ~u64{0}, data = ~u64{0}, stack = 8 << 20;
    };
    void set_limits(const Limits& limits);
    /// The program is mapped and about to start: gives it the page tables that an earlier process with the
    /// same program left behind, where that is worth while. Called once, before any CPU uses the space.
    void warm_up();

    FaultOutcome handle_fault(const FaultInfo& fault);
    /// Brings pages in as if read (write) by the program; used before kernel accesses that must not fault.
    Result<void> populate(UserAddr start, u64 length, bool write);

    /// Copies to or from this address space from any context that may sleep, e.g. exec's argument pages,
    /// /proc/PID/mem and ptrace. Returns bytes copied (short at the first bad page), EFAULT when none.
    Result<usize> peek(UserAddr from, std::span<u8> to, Reach reach = Reach::Debugger);
    Result<usize> poke(UserAddr to, std::span<const u8> from, Reach reach = Reach::Debugger);

    /// The upcall rewrite_program_code, for this address space.
    bool rewrite_code(UserAddr at, std::span<const u8> old, std::span<const u8> now);

    /// Loads the page tables into this CPU and enters it in the shootdown mask. Interrupts off.
    void activate(u32 cpu);
    void deactivate(u32 cpu);

    /// Visits the areas in order; `visit` must not sleep on this address space.
    Result<void> list(Vector<AreaInfo>& areas);
    struct Usage {
        u64 mapped_bytes, resident_bytes, resident_peak_bytes, data_bytes, stack_bytes, text_bytes,
            shared_bytes, locked_bytes;
    };
    Usage usage();

    /// Key of a shared-futex word: the page source and offset behind `address`; null source: private memory.
    struct FutexOrigin {
        const void* object;
        u64 offset;
    };
    Result<FutexOrigin> futex_origin(UserAddr address);

    // Layout facts set by exec and shown by /proc.
    struct Layout {
        UserAddr code_start, code_end, data_start, data_end, stack_top, args_start, args_end, env_start,
            env_end;
    };
    Layout layout{};
    /// Processes that run in it (CLONE_VM); CPUs may keep it loaded until the last one retires it.
    std::atomic<u32> users{1};

  private:
    friend class PageSource;
    void unmap_source(const PageSource& source, u64 first, u64 count, bool shared_only);
    explicit AddressSpace(AreaMap* map);
    template <class T, class... A>
    friend Result<Ref<T>> astra::make_ref(A&&...);
    AreaMap* map_;
};

}  // namespace astra::mm
