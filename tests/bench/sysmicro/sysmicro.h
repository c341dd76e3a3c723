/* What the parts of sysmicro share: options, the table's shape, and helpers of the benchmarks. */
/* SPDX-License-Identifier: MIT */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define PAGE 4096u
#define CHUNK 65536u /* bytes per op of the bandwidth tests */
#define MIB (1024u * 1024u)

struct options {
    bool quick, json, isolate, pid1;
    int repeats, slice_ms, pin, timeout_s;
    const char *only, *skip, *dir, *self;
    clockid_t clk;
    double tsc_mhz; /* > 0: time with rdtsc, not a clock */
};
extern struct options opt;

struct bench {
    const char *name, *what; /* what: meaning of one op */
    int (*setup)(void);      /* optional; 0 or an errno */
    int (*run)(uint64_t n);  /* n iterations; 0 or an errno */
    void (*done)(void);      /* optional */
    unsigned scale;          /* ops per iteration; 0 means 1 */
    unsigned sub_ns;         /* subtracted from each op */
    unsigned bytes;          /* moved per op, for MB/s */
};

extern const struct bench benches[];
extern const size_t bench_count;

#define MAX_FDS 8
extern int fds[MAX_FDS];    /* closed by cleanup(); -1 = unused */
extern char *buf_a, *buf_b; /* two touched buffers of 1 MiB */
extern char path_file[256], path_dir[256];
extern volatile uint64_t sink; /* keeps results from being optimised out */

/* Ends the second thread and closes fds. */
void cleanup(void);
/* Starts the second thread, which ends when `quit` has been called; 0 or an errno. */
int peer_start(void* (*fn)(void*), void (*quit)(void));
/* Anonymous private memory, MAP_FAILED when there is none. */
char* map_anon(size_t len);

static inline int err_or(int fallback) { return errno ? errno : fallback; }

/* A benchmark body that is just "do this n times": a function called fn. */
#define LOOP(fn, ...)                \
    int fn(uint64_t n) {             \
        while (n--) { __VA_ARGS__; } \
        return 0;                    \
    }

/* A short transfer on a stream that should be complete is an error too. */
#define MUST(expr, want)                          \
    do {                                          \
        errno = 0;                                \
        if ((expr) != (want)) return err_or(EIO); \
    } while (0)

/* sysmicro_streams.c */
int run_pingpong(uint64_t n), run_bandwidth(uint64_t n), run_epoll(uint64_t n);
int setup_pipe_pp(void), setup_pipe_bw(void), setup_unix_pp(void), setup_tcp_pp(void), setup_tcp_bw(void),
    setup_udp_pp(void), setup_epoll(void);
