// The vDSO: finding its functions, once.
#include "guest_runtime/time/vdso.hpp"

#include <atomic>

#include "guest_runtime/start/elf.hpp"
#include "guest_runtime/start/start.hpp"
#include "guest_runtime/sys/syscall.hpp"

namespace astra::time {

namespace {

constexpr u64 kVdsoHeader = 33;  // AT_SYSINFO_EHDR, getauxval(3)
#ifdef ASTRA_RUNTIME_LINUX
constexpr std::string_view kClockName = "__vdso_clock_gettime";
#else
constexpr std::string_view kClockName = "__vdso_astra_clock_gettime";
#endif

using ReadClock = int (*)(int, abi::TimeSpec*);

int ask_kernel(int clock, abi::TimeSpec* now) { return static_cast<int>(sys::clock_gettime(clock, now)); }

}  // namespace

void* vdso_function(std::string_view name) {
    u64 address = start::auxiliary(kVdsoHeader);
    if (!address) return nullptr;
    auto* image = reinterpret_cast<const start::ElfHeader*>(address);
    auto *load = start::program_header(start::kLoad, *image),
         *dynamic = start::program_header(start::kDynamic, *image);
    if (!load || !dynamic) return nullptr;
    u64 bias = address + load->offset - load->vaddr;
    u64 table[start::kSymbolTable + 1] = {};
    for (auto* entry = reinterpret_cast<const start::Dynamic*>(bias + dynamic->vaddr); entry->tag; entry++)
        if (entry->tag > 0 && entry->tag <= start::kSymbolTable) table[entry->tag] = bias + entry->value;
    if (!table[start::kHash] || !table[start::kStringTable] || !table[start::kSymbolTable]) return nullptr;
    auto* symbols = reinterpret_cast<const start::Symbol*>(table[start::kSymbolTable]);
    auto* names = reinterpret_cast<const char*>(table[start::kStringTable]);
    u32 count = reinterpret_cast<const u32*>(table[start::kHash])[1];  // chains: one for each symbol
    for (u32 i = 0; i < count; i++)
        if (symbols[i].section && name == names + symbols[i].name)
            return reinterpret_cast<void*>(bias + symbols[i].value);
    return nullptr;
}

int read_clock(int clock, abi::TimeSpec* now) {
    static constinit std::atomic<ReadClock> known{nullptr};
    ReadClock read = known.load(std::memory_order_relaxed);
    if (!read) {
        void* found = vdso_function(kClockName);
        read = found ? reinterpret_cast<ReadClock>(found) : ask_kernel;
        known.store(read, std::memory_order_relaxed);  // the same for all who come first
    }
    return read(clock, now);
}

}  // namespace astra::time
