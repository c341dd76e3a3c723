// Detours: what they are made of, which sites get one, and the ways off them.
#include "guest_kernel/arch/x86_64/flat/detours.hpp"

#include <algorithm>
#include <array>

#include "guest_kernel/arch/upcalls.hpp"
#include "guest_kernel/arch/x86_64/flat/bridge_memory.hpp"
#include "guest_kernel/arch/x86_64/registers.hpp"
#include "guest_kernel/sched/lock.hpp"

extern "C" {
extern const astra::u64 flat_detour_pointer;  // entry.S: where flat_detour_entry is
extern const char flat_detour_refused[];      // entry.S: ud2, r11 = the address of Detour::to_behind
}

namespace astra::arch {

namespace {

/// cmp $imm32, %rax.
constexpr usize kMovedBytes = 6;
using Moved = std::array<u8, kMovedBytes>;
constexpr u8 kCompareRax[] = {0x48, 0x3d};

struct [[gnu::packed]] Code {
    u16 syscall;
    Moved moved;
};
constexpr u16 kSyscall = 0x050f;
constexpr u64 kSyscallBytes = 2;

/// lea to_behind(%rip), %r11; jmp *flat_detour_pointer. The kernel comes back to to_behind: lea behind(%rip),
/// %rcx, as a `syscall` leaves it; the moved instruction; a jump to what follows that.
struct [[gnu::packed]] Detour {
    u8 lea_r11[3] = {0x4c, 0x8d, 0x1d};
    i32 to_to_behind = 7;
    u8 jmp[3] = {0xff, 0x24, 0x25};
    i32 pointer = 0;
    u8 lea_rcx[3] = {0x48, 0x8d, 0x0d};
    i32 to_behind = 0;
    Moved moved{};
    Jump back;
};
static_assert(sizeof(Detour) == kBridgeBytes);
constexpr usize kReturn = offsetof(Detour, lea_rcx), kMoved = offsetof(Detour, moved),
                kBack = offsetof(Detour, back);
static_assert(kReturn - offsetof(Detour, jmp) == 7);

/// What a jump at a site looks like: its second displacement byte is where the moved instruction began.
constexpr u8 kInt3 = 0xcc;
constexpr u64 kStep = 0x1'0000, kWindow = 0x100;

/// Held while room is looked for; detours never change or go away.
constinit sched::SpinLock detours_lock;

/// A detour and where it is run.
struct Place {
    const Detour* detour = nullptr;
    u64 address = 0;

    /// The address behind the `syscall` it stands for.
    [[nodiscard]] u64 behind() const { return address + kMoved + static_cast<u64>(i64{detour->to_behind}); }
    [[nodiscard]] u64 site() const { return behind() - kSyscallBytes; }
    explicit operator bool() const { return detour; }
};

/// The detour that the address lies on.
Place find_place(u64 address) {
    for (u64 place : kBridgePlaces) {
        u64 offset = address - place;
        if (address < place || offset < kFirstDetour || offset >= kBridgesEnd) continue;
        const auto* detour = reinterpret_cast<const Detour*>(bridge_bytes(offset - offset % kBridgeBytes));
        if (detour && detour->back.opcode == Jump().opcode) return {detour, address - offset % kBridgeBytes};
    }
    return {};
}

Result<Detour> compose(u64 site, const Moved& moved, u64 at) {
    u64 behind = site + kSyscallBytes;
    return Detour{.pointer = static_cast<i32>(reinterpret_cast<i64>(&flat_detour_pointer)),
                  .to_behind = TRY(rip_distance(at + kMoved, behind)),
                  .moved = moved,
                  .back = {.distance = TRY(rip_distance(at + kBridgeBytes, behind + kMovedBytes))}};
}

/// Locked: finds or makes the detour for a site where a jump to it looks as it must. ERANGE when there is no
/// room within reach; ENOMEM.
Result<Jump> settle(u64 site, const Moved& moved) {
    const std::array<u8, kBridgeBytes> unused = [] {
        std::array<u8, kBridgeBytes> bytes;
        bytes.fill(kUnusedBridgeByte);
        return bytes;
    }();
    u64 end = site + sizeof(Jump);
    for (u64 place : kBridgePlaces) {
        // Targets whose distance from `end` has kInt3 in its second byte.
        u64 window = (end + kInt3 * kWindow - place) % kStep;
        for (u64 start = window; start < kBridgesEnd; start += kStep) {
            for (u64 offset = align_up(start, kBridgeBytes); offset < start + kWindow;
                 offset += kBridgeBytes) {
                if (offset < kFirstDetour || offset >= kBridgesEnd) continue;
                Result<i32> distance = rip_distance(end, place + offset);
                Result<Detour> wanted = compose(site, moved, place + offset);
                if (!distance || !wanted) break;
                u8* there = TRY(make_bridge_bytes(offset));
                if (__builtin_memcmp(there, unused.data(), kBridgeBytes) == 0)
                    __builtin_memcpy(there, &*wanted, kBridgeBytes);
                if (__builtin_memcmp(there, &*wanted, kBridgeBytes) == 0) return Jump{.distance = *distance};
            }
        }
    }
    return fail(Errno::kERANGE);
}

/// The bytes at a site, before and after.
struct Bytes {
    std::array<u8, sizeof(Jump)> original, rewritten;
};
Bytes site_bytes(const Moved& moved, const Jump& jump) {
    Bytes bytes;
    __builtin_memcpy(bytes.original.data(), &kSyscall, kSyscallBytes);
    __builtin_memcpy(bytes.original.data() + kSyscallBytes, moved.data(), sizeof(Jump) - kSyscallBytes);
    __builtin_memcpy(bytes.rewritten.data(), &jump, sizeof jump);
    return bytes;
}

/// Puts the `syscall` back. It may be there already, and whoever comes there then traps.
void put_back(const Place& place) {
    Result<i32> distance = rip_distance(place.site() + sizeof(Jump), place.address);
    if (!distance) return;  // a program that came there by itself
    Bytes bytes = site_bytes(place.detour->moved, {.distance = *distance});
    (void)rewrite_program_code(UserAddr(place.site()), bytes.rewritten, bytes.original);
}

/// What the moved instruction does.
void carry_out(const Moved& moved, UserRegisters& regs) {
    constexpr u64 kArithmetic = 0x8d5;  // OF, SF, ZF, AF, PF, CF
    i32 immediate;
    __builtin_memcpy(&immediate, &moved[sizeof kCompareRax], sizeof immediate);
    u64 flags;
    asm("cmp %2, %1\n\tpushfq\n\tpop %0" : "=r"(flags) : "r"(regs.rax), "r"(i64{immediate}) : "cc");
    regs.rflags = (regs.rflags & ~kArithmetic) | (flags & kArithmetic);
    regs.rip += kMovedBytes;
}

/// The program ran into the int3 at `address`. False when that is its own.
bool leave_int3(u64 address, UserRegisters& regs) {
    Jump jump;
    u64 site = address - kSyscallBytes;
    if (site >= kUserEnd || copy_from_user(&jump, UserAddr(site), sizeof jump) != 0) return false;
    u64 target = site + sizeof jump + static_cast<u64>(i64{jump.distance});
    Place place = jump.opcode == Jump().opcode ? find_place(target) : Place();
    if (place && place.address == target && place.site() == site) {
        regs.rip = address;
        if (regs.rflags & kFlagTrap)
            put_back(place);  // to be stepped over
        else
            carry_out(place.detour->moved, regs);
        return true;
    }
    u8 now;
    // Or the `syscall` was put back meanwhile.
    if (copy_from_user(&now, UserAddr(address), 1) != 0 || now == kInt3) return false;
    regs.rip = address;
    return true;
}

}  // namespace

void make_detour(u64 address) {
    Code code;
    if (get_user_gs_base() || copy_from_user(&code, UserAddr(address), sizeof code) != 0) return;
    if (code.syscall != kSyscall || __builtin_memcmp(code.moved.data(), kCompareRax, sizeof kCompareRax) != 0)
        return;
    bool enabled = detours_lock.acquire();
    Result<Jump> jump = settle(address, code.moved);
    detours_lock.release(enabled);
    if (!jump) return;
    Bytes bytes = site_bytes(code.moved, *jump);
    // What cannot be rewritten goes on trapping.
    (void)rewrite_program_code(UserAddr(address), bytes.original, bytes.rewritten);
}

u64 enter_from_detour(UserRegisters& regs) {
    Place place = find_place(regs.rip);
    if (!place) return regs.rip;  // a program that came there by itself
    return regs.rip = regs.rcx = place.behind();
}

void leave_detour(UserRegisters& regs) {
    Place place = find_place(regs.rip);
    if (!place) return;
    switch (regs.rip - place.address) {
        case 0:
        case offsetof(Detour, jmp): regs.rip = place.site(); break;
        case kReturn: regs.rcx = place.behind(); [[fallthrough]];
        case kMoved: regs.rip = place.behind(); break;
        case kBack: regs.rip = place.behind() + kMovedBytes; break;
        default: break;  // a program that jumped there by itself
    }
}

bool undo_detour_exception(u64 vector, UserRegisters& regs) {
    constexpr u64 kDebug = 1, kBreakpoint = 3, kInvalidOpcode = 6;
    if (vector == kBreakpoint) return leave_int3(regs.rip - 1, regs);
    bool refused = vector == kInvalidOpcode && regs.rip == reinterpret_cast<u64>(flat_detour_refused);
    if (vector != kDebug && !refused) return false;
    Place place = find_place(refused ? regs.r11 : regs.rip);
    if (!place || (!refused && regs.rip - place.address >= kReturn)) return false;
    put_back(place);
    regs.rip = place.site();
    return true;
}

}  // namespace astra::arch
