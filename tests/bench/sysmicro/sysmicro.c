/*
 * sysmicro - a neutral micro-benchmark of system-call level costs.
 *
 * C11, one static binary, no dependence on /proc, /sys, a shell or
 * any configuration.  The very same ELF file is meant to run natively on
 * Linux, as a program or as PID 1 of a guest, and on any other kernel that
 * offers the Linux x86-64 system-call ABI.
 *
 *   build:  gcc -std=gnu11 -O2 -Wall -Wextra -static -pthread -I<root> sysmicro*.c -o sysmicro
 *   use:    sysmicro [--quick] [--json] [--only a,b] [--skip a,b] [--list]
 *                    [--repeats N] [--slice-ms N] [--dir D] [--pin CPU]
 *                    [--clock mono|raw|real|boot] [--tsc-mhz F]
 *                    [--isolate] [--timeout S] [--self PATH]
 *
 * Output: one line per benchmark, "name<TAB>ops<TAB>ns_per_op", where ops is
 * the number of operations in each timed repeat and ns_per_op is the minimum
 * over the repeats.  A benchmark whose system calls fail prints
 * "SKIP<TAB>name<TAB>errno<TAB>text" instead and the run goes on.  Lines that
 * start with '#' are remarks.  With --json the output is one JSON array, which
 * also has the median over the repeats, the operations of all repeats and
 * of the calibration together, and, for bandwidth, MB/s.
 *
 * Method: each benchmark has an untimed setup; then the iteration count is
 * grown until a repeat is long enough to time, scaled to fill one slice
 * (target time / repeats), and `repeats` slices are timed.  A benchmark takes
 * about 0.2 s (0.05 s with --quick), and up to twice that with calibration.
 * Every "ping-pong" op is one full round trip (two hand-overs) between two
 * threads of this process with one-byte messages.
 *
 * When argv[0] is "/init" (a guest's first process) it mounts nothing, tries to bring the
 * loopback interface up (Linux boots with it down), runs everything, and ends
 * with reboot(RB_POWER_OFF).  Options can still be given on a Linux kernel
 * command line after "--"; unknown ones are ignored in this mode.
 * "--only none" then measures nothing but the boot itself.
 */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/sysmicro/sysmicro.h"

#define VERSION "1.0"
#define MAX_REP 64

/* ------------------------------------------------------------ options -- */

struct options opt = {.repeats = 5, .pin = -1, .timeout_s = 20, .clk = CLOCK_MONOTONIC};

/* --------------------------------------------------------------- time -- */

static uint64_t now_ns(void) {
    if (opt.tsc_mhz > 0) {
        uint32_t lo, hi;
        __asm__ volatile("lfence; rdtsc; lfence" : "=a"(lo), "=d"(hi)::"memory");
        return (uint64_t)((double)(((uint64_t)hi << 32) | lo) * 1e3 / opt.tsc_mhz);
    }
    struct timespec ts;
    if (clock_gettime(opt.clk, &ts) != 0) {
        printf("FATAL clock_gettime errno %d\n", errno);
        exit(3);
    }
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Smallest step the clock is seen to make: a coarse clock makes every
 * result doubtful, so it is printed with the results. */
static uint64_t clock_step(void) {
    uint64_t best = UINT64_MAX;
    for (int i = 0; i < 8; i++) {
        uint64_t a = now_ns(), b = a;
        for (long tries = 10000000; tries && b == a; tries--) b = now_ns();
        if (b > a && b - a < best) best = b - a;
    }
    return best == UINT64_MAX ? 0 : best; /* 0: it did not move at all */
}

/* --------------------------------------- state shared by the benchmarks -- */

int fds[MAX_FDS];
char *buf_a, *buf_b;
char path_file[256], path_dir[256];
volatile uint64_t sink;

/* ------------------------------------------------------------- harness -- */

struct result {
    int err, sig;             /* errno or fatal signal; both 0: measured */
    uint64_t ops;             /* in each repeat */
    uint64_t total;           /* in all, untimed ones included */
    double min_ns, median_ns; /* per op */
};

static uint64_t iterations; /* of run(), since the benchmark's start */

static int timed(const struct bench* b, uint64_t n, double* ns) {
    uint64_t t = now_ns();
    int e = b->run(n);
    *ns = (double)(now_ns() - t);
    iterations += n;
    return e;
}

static int by_value(const void* a, const void* b) {
    double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

/* Run one benchmark in this process. */
static struct result measure(const struct bench* b) {
    struct result r = {0};
    double slice = opt.slice_ms * 1e6, ns = 0, all[MAX_REP];
    uint64_t n = 1;

    errno = 0;
    r.err = b->setup ? b->setup() : 0;
    iterations = 0;
    if (!r.err) r.err = timed(b, 1, &ns); /* warm up */
    while (!r.err) {                      /* calibrate */
        if ((r.err = timed(b, n, &ns)) != 0 || ns >= slice / 8 || n >= 1ull << 40) break;
        n *= ns < slice / 64 ? 4 : 2;
    }
    if (!r.err && ns > 0) {
        double want = (double)n * slice / ns;
        n = want < 1 ? 1 : (uint64_t)want;
    }
    unsigned scale = b->scale ? b->scale : 1;
    for (int i = 0; i < opt.repeats && !r.err; i++) {
        r.err = timed(b, n, &ns);
        all[i] = ns / ((double)n * scale) - b->sub_ns;
    }
    if (!r.err) {
        qsort(all, (size_t)opt.repeats, sizeof all[0], by_value);
        r.ops = n * scale;
        r.total = iterations * scale;
        r.min_ns = all[0];
        r.median_ns = all[opt.repeats / 2];
    }
    if (b->done) b->done();
    cleanup();
    return r;
}

/* --isolate: the same in a child, so that a hang or crash costs one line. */
static struct result measure_isolated(const struct bench* b) {
    struct result r = {0};
    int p[2], status = 0;
    if (pipe(p) != 0) {
        r.err = errno;
        return r;
    }
    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0) r.err = errno;
    if (pid == 0) {
        r = measure(b);
        _exit(write(p[1], &r, sizeof r) == (ssize_t)sizeof r ? 0 : 1);
    }
    close(p[1]);
    if (pid > 0) {
        struct pollfd pf = {.fd = p[0], .events = POLLIN};
        int ready = poll(&pf, 1, opt.timeout_s * 1000);
        if (ready <= 0) kill(pid, SIGKILL);
        bool got = ready > 0 && read(p[0], &r, sizeof r) == (ssize_t)sizeof r;
        waitpid(pid, &status, 0);
        if (!got) {
            r = (struct result){.err = ready > 0 ? EIO : ETIMEDOUT};
            if (ready > 0 && WIFSIGNALED(status)) r.sig = WTERMSIG(status);
        }
    }
    close(p[0]);
    return r;
}

static void report(const struct bench* b, const struct result* r, bool first) {
    if (!opt.json) {
        if (r->sig)
            printf("SKIP\t%s\t%d\tkilled by signal %d\n", b->name, r->err, r->sig);
        else if (r->err)
            printf("SKIP\t%s\t%d\t%s\n", b->name, r->err, strerror(r->err));
        else
            printf("%s\t%llu\t%.2f\n", b->name, (unsigned long long)r->ops, r->min_ns);
        return;
    }
    printf("%s{\"name\":\"%s\"", first ? "" : ",\n", b->name);
    if (r->err || r->sig) {
        printf(",\"skip\":%d,\"signal\":%d,\"text\":\"%s\"}", r->err, r->sig, strerror(r->err));
        return;
    }
    printf(",\"ops\":%llu,\"total_ops\":%llu,\"ns_per_op\":%.2f,\"median_ns\":%.2f,\"repeats\":%d",
           (unsigned long long)r->ops, (unsigned long long)r->total, r->min_ns, r->median_ns, opt.repeats);
    if (b->bytes) printf(",\"mb_per_s\":%.1f", b->bytes * 1e3 / r->min_ns);
    printf("}");
}

/* ---------------------------------------------------------------- main -- */

/* Is name one of the words of a comma-separated list? */
static bool in_list(const char* list, const char* name) {
    size_t len = strlen(name);
    for (const char* p = list; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
        if (strncmp(p, name, len) == 0 && (p[len] == ',' || p[len] == '\0')) return true;
    return false;
}

static int usage(int rc) {
    puts("sysmicro " VERSION
         ": [--quick] [--json] [--only a,b] [--skip a,b] [--list] [--repeats N]\n"
         "  [--slice-ms N] [--dir D] [--pin CPU] [--clock mono|raw|real|boot] [--tsc-mhz F]\n"
         "  [--isolate] [--timeout S] [--self PATH]");
    return rc;
}

static bool parse(int argc, char** argv) {
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(a, "--quick"))
            opt.quick = true;
        else if (!strcmp(a, "--json"))
            opt.json = true;
        else if (!strcmp(a, "--isolate"))
            opt.isolate = true;
        else if (!strcmp(a, "--only") && v)
            opt.only = v, i++;
        else if (!strcmp(a, "--skip") && v)
            opt.skip = v, i++;
        else if (!strcmp(a, "--dir") && v)
            opt.dir = v, i++;
        else if (!strcmp(a, "--self") && v)
            opt.self = v, i++;
        else if (!strcmp(a, "--repeats") && v)
            opt.repeats = atoi(v), i++;
        else if (!strcmp(a, "--slice-ms") && v)
            opt.slice_ms = atoi(v), i++;
        else if (!strcmp(a, "--pin") && v)
            opt.pin = atoi(v), i++;
        else if (!strcmp(a, "--timeout") && v)
            opt.timeout_s = atoi(v), i++;
        else if (!strcmp(a, "--tsc-mhz") && v)
            opt.tsc_mhz = atof(v), i++;
        else if (!strcmp(a, "--clock") && v) {
            opt.clk = !strcmp(v, "raw")    ? CLOCK_MONOTONIC_RAW
                      : !strcmp(v, "real") ? CLOCK_REALTIME
                      : !strcmp(v, "boot") ? CLOCK_BOOTTIME
                                           : CLOCK_MONOTONIC;
            i++;
        } else if (!strcmp(a, "--list")) {
            for (size_t k = 0; k < bench_count; k++) printf("%s\t%s\n", benches[k].name, benches[k].what);
            exit(0);
        } else if (!opt.pid1) {
            return false;
        }
    }
    if (opt.repeats < 1) opt.repeats = 1;
    if (opt.repeats > MAX_REP) opt.repeats = MAX_REP;
    if (opt.slice_ms < 1) opt.slice_ms = (opt.quick ? 50 : 200) / opt.repeats;
    if (opt.slice_ms < 1) opt.slice_ms = 1;
    return true;
}

/* Linux boots with lo down; elsewhere this fails harmlessly. */
static void loopback_up(void) {
    struct ifreq ifr = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0) return;
    if (ioctl(fd, SIOCGIFFLAGS, &ifr) == 0) {
        ifr.ifr_flags |= IFF_UP | IFF_RUNNING;
        if (ioctl(fd, SIOCSIFFLAGS, &ifr) != 0) perror("# lo up");
    }
    close(fd);
}

/* The first directory we can write: memory-backed ones come first. */
static void choose_paths(void) {
    static const char* const tries[] = {"/dev/shm", "/tmp", "", "."};
    const char* dir = opt.dir;
    if (opt.pid1) mkdir("/tmp", 01777);
    for (size_t i = 0; !dir && i < sizeof tries / sizeof tries[0]; i++)
        if (access(*tries[i] ? tries[i] : "/", W_OK) == 0) dir = tries[i];
    if (!dir) dir = "/tmp";
    snprintf(path_file, sizeof path_file, "%s/sysmicro.%d.file", dir, (int)getpid());
    snprintf(path_dir, sizeof path_dir, "%s/sysmicro.%d.dir", dir, (int)getpid());
}

static void power_off(void) {
    sync();
    reboot(RB_POWER_OFF);
    printf("# reboot(RB_POWER_OFF) errno %d\n", errno); /* a container: just exit */
}

int main(int argc, char** argv) {
    if (argc > 1 && strcmp(argv[1], "--noop") == 0) return 0;
    setvbuf(stdout, NULL, _IOLBF, 0);

    opt.pid1 = argc > 0 && strcmp(argv[0], "/init") == 0;
    if (!parse(argc, argv)) return usage(2);
    if (!opt.json || opt.pid1) /* first line out: also the boot-time mark */
        printf("# sysmicro %s pid=%d\n", VERSION, (int)getpid());
    if (opt.pid1) loopback_up();
    if (opt.pin >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((unsigned)opt.pin, &set);
        if (sched_setaffinity(0, sizeof set, &set) != 0) printf("# --pin: errno %d\n", errno);
    }
    if (!opt.self) { /* path of this file, without /proc */
        const char* fn = (const char*)getauxval(AT_EXECFN);
        opt.self = fn ? fn : argv[0];
    }
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < MAX_FDS; i++) fds[i] = -1;
    choose_paths();
    buf_a = map_anon(MIB);
    buf_b = map_anon(MIB);
    if (buf_a == MAP_FAILED || buf_b == MAP_FAILED) {
        printf("FATAL mmap errno %d\n", errno);
        return 3;
    }
    memset(buf_a, 0x5a, MIB);
    memset(buf_b, 0xa5, MIB);

    if (opt.json)
        printf("[");
    else
        printf("# vdso=%s clock_step_ns=%llu repeats=%d slice_ms=%d file=%s\n",
               getauxval(AT_SYSINFO_EHDR) ? "yes" : "no", (unsigned long long)clock_step(), opt.repeats,
               opt.slice_ms, path_file);
    bool first = true;
    for (size_t i = 0; i < bench_count; i++) {
        const struct bench* b = &benches[i];
        if (opt.only && !in_list(opt.only, b->name)) continue;
        if (in_list(opt.skip, b->name)) continue;
        struct result r = opt.isolate ? measure_isolated(b) : measure(b);
        report(b, &r, first);
        first = false;
    }
    if (opt.json) printf("]\n");
    if (!opt.json || opt.pid1) printf("# sysmicro end\n");
    if (opt.pid1) power_off();
    return 0;
}
