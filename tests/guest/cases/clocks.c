// Clocks through libc, which asks the vDSO, and through the kernel: they agree, and move on.
#include "tests/guest/cases/case.h"

#include <dlfcn.h>
#include <elf.h>
#include <sched.h>
#include <sys/auxv.h>

#define CPU_CLOCK_OF(pid) ((int)(~(unsigned)(pid) << 3 | 2))

static double of(const struct timespec* time) { return (double)time->tv_sec + (double)time->tv_nsec / 1e9; }

// The vDSO's answer lies between two of the kernel's.
static void agreement(const char* name, clockid_t clock) {
    int between = 1, onward = 1;
    double last = 0;
    for (int i = 0; i < 200; i++) {
        struct timespec before, inside, after;
        SYS(clock_gettime, clock, &before);
        clock_gettime(clock, &inside);
        SYS(clock_gettime, clock, &after);
        between &= of(&before) <= of(&inside) && of(&inside) <= of(&after);
        onward &= of(&inside) >= last;
        last = of(&inside);
    }
    say("%s: between %d onward %d\n", name, between, onward);
}

static void image(void) {
    const Elf64_Ehdr* head = (const Elf64_Ehdr*)getauxval(AT_SYSINFO_EHDR);
    check("there is one", head != 0);
    if (!head) return;
    check("an ELF file", !memcmp(head->e_ident, ELFMAG, SELFMAG) && head->e_type == ET_DYN);
    check("page-aligned", ((uintptr_t)head & 4095) == 0);
    const Elf64_Phdr* table = (const Elf64_Phdr*)((const char*)head + head->e_phoff);
    int loads = 0, dynamics = 0;
    for (int i = 0; i < head->e_phnum; i++) {
        loads += table[i].p_type == PT_LOAD;
        dynamics += table[i].p_type == PT_DYNAMIC;
    }
    say("%d segment, %d dynamic section\n", loads, dynamics);
    show("it cannot be written", SYS(read, open("/dev/zero", O_RDONLY), head, 8L));
}

// The functions by name and version, as C libraries look them up.
static const char* const kNames[] = {"__vdso_clock_gettime", "__vdso_clock_getres", "__vdso_gettimeofday",
                                     "__vdso_time", "__vdso_getcpu"};
static void* functions[5];

static void symbols(void) {
    const char* base = (const char*)getauxval(AT_SYSINFO_EHDR);
    const Elf64_Ehdr* head = (const Elf64_Ehdr*)base;
    const Elf64_Phdr* table = (const Elf64_Phdr*)(base + head->e_phoff);
    const Elf64_Dyn* dynamic = 0;
    for (int i = 0; i < head->e_phnum; i++)
        if (table[i].p_type == PT_DYNAMIC) dynamic = (const Elf64_Dyn*)(base + table[i].p_vaddr);
    const Elf64_Sym* symbols = 0;
    const char* strings = 0;
    const uint32_t* hash = 0;
    uint64_t soname = 0;
    for (; dynamic->d_tag; dynamic++) {
        if (dynamic->d_tag == DT_SYMTAB) symbols = (const Elf64_Sym*)(base + dynamic->d_un.d_ptr);
        if (dynamic->d_tag == DT_STRTAB) strings = base + dynamic->d_un.d_ptr;
        if (dynamic->d_tag == DT_HASH) hash = (const uint32_t*)(base + dynamic->d_un.d_ptr);
        if (dynamic->d_tag == DT_SONAME) soname = dynamic->d_un.d_val;
    }
    say("soname %s\n", strings + soname);
    for (uint32_t i = 0; i < (hash ? hash[1] : 0); i++)
        for (int k = 0; k < 5; k++)
            if (!strcmp(strings + symbols[i].st_name, kNames[k]))
                functions[k] = (void*)(base + symbols[i].st_value);
    for (int k = 0; k < 5; k++) check(kNames[k], functions[k] != 0);
}

static void calls(void) {
    long (*gettime)(int, struct timespec*) = (long (*)(int, struct timespec*))functions[0];
    long (*getres)(int, struct timespec*) = (long (*)(int, struct timespec*))functions[1];
    long (*timeofday)(struct timeval*, struct timezone*) =
        (long (*)(struct timeval*, struct timezone*))functions[2];
    long (*seconds_now)(time_t*) = (long (*)(time_t*))functions[3];
    long (*cpu_now)(unsigned*, unsigned*, void*) = (long (*)(unsigned*, unsigned*, void*))functions[4];
    struct timespec time = {-1, -1};
    show("gettime", gettime(CLOCK_MONOTONIC, &time));
    check("filled", time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < 1000000000);
    show("gettime of CPU time", gettime(CLOCK_PROCESS_CPUTIME_ID, &time));
    show("gettime of no clock", (int)gettime(99, &time));
    show("getres", getres(CLOCK_REALTIME, &time));
    say("%ld.%09ld\n", (long)time.tv_sec, time.tv_nsec);
    show("getres without a place", getres(CLOCK_MONOTONIC, 0));
    show("getres of no clock", (int)getres(99, &time));
    struct timeval now = {-1, -1};
    struct timezone zone = {77, 77};
    show("gettimeofday", timeofday(&now, &zone));
    check("filled", now.tv_sec > 1000000000 && now.tv_usec >= 0 && now.tv_usec < 1000000);
    say("zone %d %d\n", zone.tz_minuteswest, zone.tz_dsttime);
    show("gettimeofday of nothing", timeofday(0, 0));
    time_t stored = 0;
    time_t got = seconds_now(&stored);
    check("time", got == stored && labs(got - now.tv_sec) <= 1);
    check("time without a place", labs(seconds_now(0) - got) <= 1);
    unsigned cpu = 999, node = 999;
    show("getcpu", cpu_now(&cpu, &node, 0));
    check("one that may run this", cpu < 999 && node < 999);
}

static void resolutions(void) {
    const int clocks[] = {CLOCK_REALTIME,
                          CLOCK_MONOTONIC,
                          CLOCK_PROCESS_CPUTIME_ID,
                          CLOCK_THREAD_CPUTIME_ID,
                          CLOCK_MONOTONIC_RAW,
                          CLOCK_BOOTTIME,
                          CLOCK_TAI};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        struct timespec step = {9, 9};
        long result = SYS(clock_getres, clocks[i], &step);
        say("getres %d: %ld, %ld.%09ld\n", clocks[i], result, (long)step.tv_sec, step.tv_nsec);
    }
    struct timespec time;
    show("clock_gettime bad clock", SYS(clock_gettime, 99, &time));
    show("clock_gettime bad pointer", SYS(clock_gettime, CLOCK_REALTIME, 8L));
    show("clock_gettime of a stranger's CPU time", SYS(clock_gettime, CPU_CLOCK_OF(999999), &time));
    show("clock_gettime of one's own CPU time", SYS(clock_gettime, CPU_CLOCK_OF(getpid()), &time));
}

int main(void) {
    image();
    symbols();
    calls();
    agreement("real time", CLOCK_REALTIME);
    agreement("monotonic", CLOCK_MONOTONIC);
    agreement("raw", CLOCK_MONOTONIC_RAW);
    agreement("boot time", CLOCK_BOOTTIME);
    agreement("atomic time", CLOCK_TAI);
    resolutions();
    in_child("a child reads the clock too", image);
}
