// What /proc/cpuinfo says about a CPU (Linux arch/x86/kernel/cpu/proc.c), from CPUID.
#include "guest_kernel/arch/arch.hpp"
#include "guest_kernel/arch/x86_64/instructions.hpp"
#include "guest_kernel/base/format.hpp"

namespace astra::arch {

namespace {

/// One feature word: CPUID leaf and subleaf, register (0 eax … 3 edx), and the names of its bits.
struct FeatureWord {
    u32 leaf, subleaf, reg;
    const char* names[32];
};
constexpr FeatureWord kFeatures[] = {
    {1, 0, 3, {"fpu",  "vme",  "de",   "pse", "tsc",  "msr", "pae",   "mce", "cx8",     "apic",  nullptr,
               "sep",  "mtrr", "pge",  "mca", "cmov", "pat", "pse36", "pn",  "clflush", nullptr, "dts",
               "acpi", "mmx",  "fxsr", "sse", "sse2", "ss",  "ht",    "tm",  "ia64",    "pbe"}},
    {0x80000001, 0, 3, {nullptr, nullptr,    nullptr,   nullptr,   nullptr, nullptr, nullptr,    nullptr,
                        nullptr, nullptr,    nullptr,   "syscall", nullptr, nullptr, nullptr,    nullptr,
                        nullptr, nullptr,    nullptr,   "mp",      "nx",    nullptr, "mmxext",   nullptr,
                        nullptr, "fxsr_opt", "pdpe1gb", "rdtscp",  nullptr, "lm",    "3dnowext", "3dnow"}},
    {1, 0, 2, {"pni",    "pclmulqdq", "dtes64", "monitor", "ds_cpl",
               "vmx",    "smx",       "est",    "tm2",     "ssse3",
               "cid",    "sdbg",      "fma",    "cx16",    "xtpr",
               "pdcm",   nullptr,     "pcid",   "dca",     "sse4_1",
               "sse4_2", "x2apic",    "movbe",  "popcnt",  "tsc_deadline_timer",
               "aes",    "xsave",     nullptr,  "avx",     "f16c",
               "rdrand", "hypervisor"}},
    {0x80000001,
     0,
     2,
     {"lahf_lm", "cmp_legacy", "svm", "extapic", "cr8_legacy", "abm", "sse4a", "misalignsse", "3dnowprefetch",
      "osvw", "ibs", "xop", "skinit", "wdt", nullptr, "lwp", "fma4", "tce"}},
    {7,
     0,
     1,
     {"fsgsbase",   "tsc_adjust", "sgx",        "bmi1",     "hle",      "avx2",     "fdp_excptn_only",
      "smep",       "bmi2",       "erms",       "invpcid",  "rtm",      "cqm",      nullptr,
      "mpx",        "rdt_a",      "avx512f",    "avx512dq", "rdseed",   "adx",      "smap",
      "avx512ifma", nullptr,      "clflushopt", "clwb",     "intel_pt", "avx512pf", "avx512er",
      "avx512cd",   "sha_ni",     "avx512bw",   "avx512vl"}},
    {0xd, 1, 0, {"xsaveopt", "xsavec", "xgetbv1", "xsaves"}},
    {7, 0, 2, {nullptr,      "avx512vbmi",   "umip",          "pku",   "ospke",
               "waitpkg",    "avx512_vbmi2", nullptr,         "gfni",  "vaes",
               "vpclmulqdq", "avx512_vnni",  "avx512_bitalg", "tme",   "avx512_vpopcntdq",
               nullptr,      "la57",         nullptr,         nullptr, nullptr,
               nullptr,      nullptr,        "rdpid"}},
};

/// format_to into what is left of a buffer.
class Line {
  public:
    explicit Line(std::span<char> to) : to_(to) {}
    template <class... Args>
    __attribute__((format(printf, 2, 0))) void add(const char* format, Args... args) {
        usize length = format_to(to_.data() + used_, to_.size() - used_, format, args...);
        used_ = length < to_.size() - used_ ? used_ + length : to_.size() - 1;
    }
    [[nodiscard]] usize used() const { return used_; }

  private:
    std::span<char> to_;
    usize used_ = 0;
};

void put_word(char* to, u32 word) { __builtin_memcpy(to, &word, sizeof word); }

u32 register_of(const CpuidResult& r, u32 index) {
    const u32 registers[] = {r.eax, r.ebx, r.ecx, r.edx};
    return registers[index];
}

}  // namespace

usize describe_cpu(std::span<char> to) {
    CpuidResult zero = cpuid(0), one = cpuid(1), top = cpuid(0x80000000);
    char vendor[13] = {}, name[49] = {};
    put_word(vendor, zero.ebx);
    put_word(vendor + 4, zero.edx);
    put_word(vendor + 8, zero.ecx);
    for (u32 i = 0; i < 3 && top.eax >= 0x80000004; i++) {
        CpuidResult part = cpuid(0x80000002 + i);
        for (u32 word = 0; word < 4; word++) put_word(name + i * 16 + word * 4, register_of(part, word));
    }
    const char* model_name = name;
    while (*model_name == ' ') model_name++;
    // Intel SDM vol. 2, CPUID leaf 1: extended family and model.
    u32 family = one.eax >> 8 & 15, model = one.eax >> 4 & 15;
    if (family == 15) family += one.eax >> 20 & 255;
    if (family >= 6) model |= (one.eax >> 16 & 15) << 4;
    u64 khz = tsc_hz() / 1000;

    Line line(to);
    line.add("vendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n", vendor,
             family, model, *model_name ? model_name : "unknown", one.eax & 15);
    line.add(
        "cpu MHz\t\t: %u.%03u\nfpu\t\t: yes\nfpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: "
        "yes\nflags\t\t:",
        u32(khz / 1000), u32(khz % 1000), zero.eax);
    for (const FeatureWord& word : kFeatures) {
        if (word.leaf > (word.leaf >= 0x80000000 ? top.eax : zero.eax)) continue;
        u32 bits = register_of(cpuid(word.leaf, word.subleaf), word.reg);
        for (u32 bit = 0; bit < 32; bit++)
            if ((bits >> bit & 1) && word.names[bit]) line.add(" %s", word.names[bit]);
    }
    CpuidResult sizes = top.eax >= 0x80000008 ? cpuid(0x80000008) : CpuidResult{0x3024, 0, 0, 0};
    line.add("\nbogomips\t: %u.%02u\nclflush size\t: %u\ncache_alignment\t: %u\n", u32(khz / 500),
             u32(khz / 5 % 100), (one.ebx >> 8 & 255) * 8, (one.ebx >> 8 & 255) * 8);
    line.add("address sizes\t: %u bits physical, %u bits virtual\npower management:\n", sizes.eax & 255,
             sizes.eax >> 8 & 255);
    return line.used();
}

}  // namespace astra::arch
