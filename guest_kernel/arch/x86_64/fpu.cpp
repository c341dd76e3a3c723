// Programs' floating-point state: XSAVE in its standard format (Intel SDM vol. 1, 13.4), FXSAVE on CPUs
// without it.
#include "guest_kernel/arch/x86_64/fpu.hpp"

#include <cstring>

#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/arch/x86_64/cpu_features.hpp"
#include "guest_kernel/arch/x86_64/instructions.hpp"
#include "guest_kernel/arch/x86_64/privileged.hpp"

namespace astra::arch {

namespace {

/// The 512 bytes of FXSAVE, then the XSAVE header.
struct State {
    u16 control, status, tag, opcode;
    u64 instruction, data;
    u32 mxcsr, mxcsr_mask;
    u8 registers[480];
    u64 xstate_bv, xcomp_bv, header_reserved[6];
};
static_assert(sizeof(State) == 576);

constexpr u16 kControlDefault = 0x37f;  // all x87 exceptions masked, 64-bit precision (FNINIT)
constexpr u32 kMxcsrDefault = 0x1f80;
constexpr u32 kMxcsrMaskDefault = 0xffbf;  // what a mask field of 0 means

constinit usize state_bytes = sizeof(State);  // without XSAVE the header is there, unused
constinit u32 mxcsr_mask = kMxcsrMaskDefault;

}  // namespace

void init_fpu() {
    const CpuFeatures& cpu = cpu_features();
    asm volatile("fninit");
    alignas(16) State image = {};
    asm volatile("fxsave64 %0" : "=m"(image));
    if (image.mxcsr_mask) mxcsr_mask = image.mxcsr_mask;
    if (!cpu.xsave) return;
    if (!privileged::set_xcr0(cpu.xfeatures)) return forget_xsave();
    state_bytes = align_up(cpuid(0xd).ebx, 64);  // what XSAVE writes with this XCR0
}

usize fpu_state_size() { return state_bytes; }
u64 xfeature_mask() { return cpu_features().xfeatures; }

void fpu_init(void* state) {
    memset(state, 0, state_bytes);
    auto& fresh = *static_cast<State*>(state);
    fresh.control = kControlDefault;
    fresh.mxcsr = kMxcsrDefault;
}

void fpu_save(void* state) {
    const CpuFeatures& cpu = cpu_features();
    auto* bytes = static_cast<u8*>(state);
    u32 low = ~u32{0}, high = ~u32{0};
    if (cpu.xsaveopt) {
        asm volatile("xsaveopt64 (%0)" ::"r"(bytes), "a"(low), "d"(high) : "memory");
    } else if (cpu.xsave) {
        asm volatile("xsave64 (%0)" ::"r"(bytes), "a"(low), "d"(high) : "memory");
    } else {
        asm volatile("fxsave64 (%0)" ::"r"(bytes) : "memory");
    }
}

void fpu_restore(const void* state) {
    if (cpu_features().xsave) {
        asm volatile("xrstor64 (%0)" ::"r"(state), "a"(~u32{0}), "d"(~u32{0}) : "memory");
    } else {
        asm volatile("fxrstor64 (%0)" ::"r"(state) : "memory");
    }
}

void fpu_sanitise(void* state) {
    auto& given = *static_cast<State*>(state);
    given.mxcsr &= mxcsr_mask;
    if (!cpu_features().xsave) return;
    given.xstate_bv &= cpu_features().xfeatures;
    given.xcomp_bv = 0;
    memset(given.header_reserved, 0, sizeof given.header_reserved);
}

}  // namespace astra::arch
