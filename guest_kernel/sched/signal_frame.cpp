// Signal frames on the program's stack.
#include "guest_kernel/sched/signal_frame.hpp"

#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/thread.hpp"

namespace astra::sched {

namespace {

struct SigContext {
    u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    u16 cs, gs, fs, ss;
    u64 err, trapno, oldmask, cr2, fpstate, reserved[8];
};
struct UContext {
    u64 flags, link;
    abi::SigStack stack;
    SigContext context;
    u64 mask;
};
struct Frame {
    u64 return_address;
    UContext ucontext;
    abi::SigInfo info;
};
static_assert(sizeof(SigContext) == 256 && sizeof(UContext) == 304 && sizeof(Frame) == 440);

// Bytes 464..511 of the FXSAVE area belong to software: there Linux says how long the state is.
struct FpSoftware {
    u32 magic1, extended_size;
    u64 xfeatures;
    u32 xstate_size, padding[7];
};
constexpr usize kFpSoftwareOffset = 464, kFxsaveSize = 512, kXsaveHeaderSize = 64;
static_assert(sizeof(FpSoftware) == kFxsaveSize - kFpSoftwareOffset);
constexpr u32 kFpMagic1 = 0x46505853, kFpMagic2 = 0x46505845;  // FP_XSTATE_MAGIC1, 2

enum UContextFlag : u64 { kUcFpXstate = 1, kUcSigcontextSs = 2, kUcStrictRestoreSs = 4 };

constexpr u64 kRedZone = 128;
constexpr i32 kSsOnStack = 1, kSsDisable = 2;
constexpr u32 kSsAutoDisarm = 1u << 31;
constexpr u64 kFlagDirection = 0x400, kFlagTrap = 0x100, kFlagResume = 0x10000;
// What rt_sigreturn may set (Linux FIX_EFLAGS): AC OF DF TF SF ZF AF PF CF RF.
constexpr u64 kUserFlags = 0x40000 | 0x800 | 0x400 | 0x100 | 0x80 | 0x40 | 0x10 | 0x4 | 0x1 | 0x10000;

abi::SigStack alt_stack_to_report(const Thread& thread) {
    abi::SigStack stack = thread.alt_stack;
    stack.pad = 0;
    return stack;
}

// Where the frame's floating-point state goes: below the red zone, or on the alternate stack.
u64 choose_stack(const Thread& thread, const arch::UserRegisters& regs, u64 flags, bool& entering_alt) {
    entering_alt = flags & kSaOnStack && !(thread.alt_stack.flags & kSsDisable) && !on_alt_stack(regs.rsp);
    return entering_alt ? thread.alt_stack.sp + thread.alt_stack.size : regs.rsp - kRedZone;
}

void save_registers(SigContext& context, const arch::UserRegisters& r, const Thread& thread,
                    SignalMask mask) {
    context = {r.r8,
               r.r9,
               r.r10,
               r.r11,
               r.r12,
               r.r13,
               r.r14,
               r.r15,
               r.rdi,
               r.rsi,
               r.rbp,
               r.rbx,
               r.rdx,
               r.rax,
               r.rcx,
               r.rsp,
               r.rip,
               r.rflags,
               static_cast<u16>(r.cs),
               0,
               0,
               static_cast<u16>(r.ss),
               thread.trap_error,
               thread.trap_vector,
               mask,
               thread.trap_address,
               0,
               {}};
}

void load_registers(arch::UserRegisters& r, const SigContext& c) {
    r.r8 = c.r8, r.r9 = c.r9, r.r10 = c.r10, r.r11 = c.r11;
    r.r12 = c.r12, r.r13 = c.r13, r.r14 = c.r14, r.r15 = c.r15;
    r.rdi = c.rdi, r.rsi = c.rsi, r.rbp = c.rbp, r.rbx = c.rbx;
    r.rdx = c.rdx, r.rax = c.rax, r.rcx = c.rcx, r.rsp = c.rsp, r.rip = c.rip;
    // Segments stay what they are: programs have only one of each.
    r.rflags = (r.rflags & ~kUserFlags) | (c.rflags & kUserFlags);
    r.orig_rax = ~u64{0};  // no system call to restart
}

Result<void> write_fp_state(Thread& thread, UserAddr to) {
    arch::fpu_save(thread.fpu);
    u32 size = static_cast<u32>(arch::fpu_state_size());
    auto* bytes = static_cast<u8*>(thread.fpu);
    FpSoftware software{
        kFpMagic1, static_cast<u32>(size + sizeof kFpMagic2), arch::xfeature_mask(), size, {}};
    __builtin_memcpy(bytes + kFpSoftwareOffset, &software, sizeof software);
    TRY(mm::copy_out(to, {bytes, size}));
    return mm::copy_out(to + size, {reinterpret_cast<const u8*>(&kFpMagic2), sizeof kFpMagic2});
}

// A kernel buffer of floating-point state: not the thread's own, which a switch during the copy would
// overwrite.
struct FpBuffer {
    u8* bytes = static_cast<u8*>(::operator new(arch::fpu_state_size(), std::nothrow));
    ~FpBuffer() { ::operator delete(bytes); }
};

Result<void> read_fp_state(UserAddr from) {
    usize size = arch::fpu_state_size();
    FpBuffer buffer;
    if (!buffer.bytes) return fail(Errno::kENOMEM);
    if (from.is_null()) {
        arch::fpu_init(buffer.bytes);
    } else {
        __builtin_memset(buffer.bytes, 0, size);
        TRY(mm::copy_in({buffer.bytes, kFxsaveSize}, from));
        FpSoftware software;
        __builtin_memcpy(&software, buffer.bytes + kFpSoftwareOffset, sizeof software);
        u32 magic2 = 0;
        bool extended = software.magic1 == kFpMagic1 && software.xstate_size <= size &&
                        software.xstate_size >= kFxsaveSize + kXsaveHeaderSize &&
                        software.extended_size >= software.xstate_size + sizeof magic2;
        if (extended) {
            usize rest = software.xstate_size - kFxsaveSize;
            TRY(mm::copy_in({buffer.bytes + kFxsaveSize, rest}, from + kFxsaveSize));
            TRY(mm::copy_in({reinterpret_cast<u8*>(&magic2), sizeof magic2}, from + software.xstate_size));
        }
        if (!extended || magic2 != kFpMagic2) {
            constexpr u64 kLegacy = 3;  // x87 and SSE are what the FXSAVE area holds
            __builtin_memset(buffer.bytes + kFxsaveSize, 0, size - kFxsaveSize);
            __builtin_memcpy(buffer.bytes + kFxsaveSize, &kLegacy, sizeof kLegacy);
        }
        arch::fpu_sanitise(buffer.bytes);
    }
    arch::fpu_restore(buffer.bytes);
    return {};
}

}  // namespace

bool on_alt_stack(u64 sp) {
    const abi::SigStack& stack = current().alt_stack;
    if (static_cast<u32>(stack.flags) & kSsAutoDisarm) return false;
    return sp > stack.sp && sp - stack.sp <= stack.size;
}

u64 signal_frame_size() {
    return sizeof(Frame) + arch::fpu_state_size() + sizeof kFpMagic2 + 64 + 16 + kRedZone;
}

Result<void> push_signal_frame(arch::UserRegisters& regs, const abi::SigInfo& info,
                               const abi::SigAction& action, SignalMask mask) {
    Thread& thread = current();
    if (!(action.flags & kSaRestorer)) return fail(Errno::kEFAULT);  // x86-64 has no default restorer
    bool entering_alt;
    u64 top = choose_stack(thread, regs, action.flags, entering_alt);
    bool was_on_alt = on_alt_stack(regs.rsp);
    u64 fp = align_down(top - arch::fpu_state_size() - sizeof kFpMagic2, 64);
    u64 sp = align_down(fp - sizeof(Frame), 16) - 8;
    bool fits = !(entering_alt || was_on_alt) || (sp >= thread.alt_stack.sp && sp < top);
    if (!fits || !mm::is_user_range(UserAddr(sp), top - sp)) return fail(Errno::kEFAULT);

    TRY(write_fp_state(thread, UserAddr(fp)));
    Frame frame{};
    frame.return_address = action.restorer;
    frame.ucontext.flags = kUcFpXstate | kUcSigcontextSs | kUcStrictRestoreSs;
    frame.ucontext.stack = alt_stack_to_report(thread);
    save_registers(frame.ucontext.context, regs, thread, mask);
    frame.ucontext.context.fpstate = fp;
    frame.ucontext.mask = mask;
    frame.info = info;
    TRY(mm::copy_out(UserAddr(sp), {reinterpret_cast<const u8*>(&frame), sizeof frame}));
    if (static_cast<u32>(thread.alt_stack.flags) & kSsAutoDisarm) thread.alt_stack = {0, kSsDisable, 0, 0};

    regs.rdi = static_cast<u64>(info.signo);
    regs.rsi = sp + offsetof(Frame, info);
    regs.rdx = sp + offsetof(Frame, ucontext);
    regs.rax = 0;
    regs.rsp = sp;
    regs.rip = action.handler;
    regs.rflags &= ~(kFlagDirection | kFlagTrap | kFlagResume);
    regs.orig_rax = ~u64{0};
    return {};
}

Result<void> pop_signal_frame(arch::UserRegisters& regs) {
    Thread& thread = current();
    Frame frame;
    UserAddr at(regs.rsp - sizeof frame.return_address);  // `ret` took the return address
    TRY(mm::copy_in({reinterpret_cast<u8*>(&frame), sizeof frame}, at));
    if (frame.ucontext.context.rip >= arch::kUserEnd) return fail(Errno::kEFAULT);
    TRY(read_fp_state(UserAddr(frame.ucontext.context.fpstate)));
    set_blocked_signals(frame.ucontext.mask);
    load_registers(regs, frame.ucontext.context);
    abi::SigStack stack = frame.ucontext.stack;
    u32 mode = static_cast<u32>(stack.flags) & ~kSsAutoDisarm;
    if (mode == 0 || mode == kSsOnStack || mode == kSsDisable) thread.alt_stack = stack;
    return {};
}

}  // namespace astra::sched
