// Bridges: where they lie, what they are made of, and which sites get one.
#include "guest_kernel/arch/x86_64/flat/bridges.hpp"

#include <array>
#include <atomic>

#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/arch/x86_64/flat/bridge_memory.hpp"
#include "guest_kernel/arch/x86_64/flat/detours.hpp"
#include "guest_kernel/arch/x86_64/paging.hpp"
#include "guest_kernel/arch/x86_64/percpu.hpp"
#include "guest_kernel/drivers/counters.hpp"
#include "guest_kernel/sched/lock.hpp"

extern "C" const astra::u64 flat_direct_pointer;  // entry.S: where flat_direct_entry is

namespace astra::arch {

namespace {

/// The instruction before a `syscall`, which a jump takes the place of.
constexpr usize kFirstBytes = 5;
using First = std::array<u8, kFirstBytes>;

/// That instruction; movabs $address behind the syscall, %r11; jmp *flat_direct_pointer. Works at both
/// places.
struct [[gnu::packed]] Bridge {
    First first;
    u16 movabs_r11 = 0xbb49;
    u64 behind;
    u8 jmp[3] = {0xff, 0x24, 0x25};
    i32 pointer;
    u8 rest[10] = {0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc};
};
static_assert(sizeof(Bridge) == kBridgeBytes);
constexpr usize kMostBridges = (kFirstDetour - kFirstBridge) / kBridgeBytes;

struct [[gnu::packed]] Code {
    First first;
    u16 syscall;
};
constexpr u16 kSyscall = 0x050f;
static_assert(sizeof(Jump) == kFirstBytes);

struct Site {
    u64 address;
    First first;
};

/// First instructions that may move: they mean the same anywhere, leave the stack pointer alone, and what
/// they did can be done again in `regs` and recognised there. Both answer false where a load faults.
struct Movable {
    bool (*matches)(const First& first);
    bool (*carry_out)(const First& first, UserRegisters& regs);
};

bool is_mov_eax(const First& first) { return first[0] == 0xb8; }
bool mov_eax(const First& first, UserRegisters& regs) {
    u32 number;
    __builtin_memcpy(&number, &first[1], sizeof number);
    regs.rax = number;
    return true;
}
/// mov 8(%rsp), %r9: the C library's syscall().
constexpr First kLoadR9 = {0x4c, 0x8b, 0x4c, 0x24, 0x08};
bool is_load_r9(const First& first) { return first == kLoadR9; }
bool load_r9(const First&, UserRegisters& regs) {
    u64 from = regs.rsp + 8;
    return from < kUserEnd - sizeof regs.r9 && copy_from_user(&regs.r9, UserAddr(from), sizeof regs.r9) == 0;
}
constexpr Movable kMovable[] = {{is_mov_eax, mov_eax}, {is_load_r9, load_r9}};

const Movable* find_movable(const First& first) {
    for (const Movable& each : kMovable)
        if (each.matches(first)) return &each;
    return nullptr;
}

/// Whether `regs`, at a `syscall`, are what `first` right before it leaves: only then is it taken for an
/// instruction.
bool is_done(const First& first, const UserRegisters& regs) {
    const Movable* movable = find_movable(first);
    UserRegisters again = regs;
    again.rax = regs.orig_rax;
    u64 rax = again.rax, r9 = again.r9;
    return movable && movable->carry_out(first, again) && again.rax == rax && again.r9 == r9;
}
/// Entries are complete before `bridges` counts them, and never change.
Site sites[kMostBridges];
constinit std::atomic<u32> bridges{0};
constinit sched::SpinLock bridges_lock;

/// A rewrite costs as much as this many trapped calls.
constexpr u32 kWorthIt = 128;
/// How often a thread trapped at a site, most of the time: threads and sites share slots.
struct Heat {
    u64 key = 0;
    u32 count = 0;
};
constexpr u32 kHeatBits = 9;
constexpr u64 kHashFactor = 0x9e37'79b9'7f4a'7c15;  // 2^64 / the golden ratio
Heat heat[kMaxCpus][1 << kHeatBits];

/// Locked: the index of the bridge for `site`, made when it is new. ENOMEM also when there are too many.
Result<u32> find_bridge(const Site& site) {
    u32 count = bridges.load(std::memory_order_relaxed);
    for (u32 i = 0; i < count; i++)
        if (sites[i].address == site.address && sites[i].first == site.first) return i;
    if (count == kMostBridges) return fail(Errno::kENOMEM);
    Bridge bridge{.first = site.first,
                  .behind = site.address + sizeof(Code),
                  .pointer = static_cast<i32>(reinterpret_cast<i64>(&flat_direct_pointer))};
    __builtin_memcpy(TRY(make_bridge_bytes(kFirstBridge + count * kBridgeBytes)), &bridge, sizeof bridge);
    sites[count] = site;
    bridges.store(count + 1, std::memory_order_release);
    return count;
}

void make_direct(const UserRegisters& regs) {
    Code code;
    u64 address = regs.rip - sizeof code;
    if (address >= kUserEnd || copy_from_user(&code, UserAddr(address), sizeof code) != 0) return;
    if (code.syscall != kSyscall) return;
    if (!is_done(code.first, regs)) return make_detour(address + sizeof code.first);
    Site site{address, code.first};
    bool enabled = bridges_lock.acquire();
    Result<u32> index = find_bridge(site);
    bridges_lock.release(enabled);
    if (!index) return;
    for (u64 place : kBridgePlaces) {
        Result<i32> distance =
            rip_distance(site.address + sizeof(Jump), place + kFirstBridge + *index * kBridgeBytes);
        if (!distance) continue;
        Jump jump{.distance = *distance};
        // What cannot be rewritten goes on trapping.
        (void)rewrite_program_code(UserAddr(site.address), code.first,
                                   {reinterpret_cast<const u8*>(&jump), sizeof jump});
        return;
    }
}

}  // namespace

void trapped_call(const UserRegisters& regs) {
    counters::add(counters::local().trapped_calls);
    PerCpu& cpu = this_cpu();
    u64 key = regs.rip ^ cpu.kernel_stack << 16;
    Heat& slot = heat[cpu.index][key * kHashFactor >> (64 - kHeatBits)];
    if (slot.key != key) slot = {key, 0};
    if (++slot.count < kWorthIt) return;
    slot.count = 0;
    if (!bridge_table().is_null()) make_direct(regs);
}

void leave_bridge(UserRegisters& regs) {
    for (u64 place : kBridgePlaces) {
        u64 index = (regs.rip - place - kFirstBridge) / kBridgeBytes;
        if (regs.rip < place + kFirstBridge || index >= bridges.load(std::memory_order_acquire)) continue;
        const Site& site = sites[index];
        // On the first instruction, which may have faulted: that is done here, or again at the site.
        bool done = regs.rip % kBridgeBytes != 0 || find_movable(site.first)->carry_out(site.first, regs);
        regs.rip = site.address + (done ? kFirstBytes : 0);
        return;
    }
    leave_detour(regs);
}

}  // namespace astra::arch
