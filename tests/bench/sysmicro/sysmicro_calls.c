/* sysmicro's benchmarks of single calls, and the table of all. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/sysmicro/sysmicro.h"

#define FILE_SIZE CHUNK /* size of the cached test file */
#define DIR_FILES 64
#define INT_STEPS 1000 /* dependent steps per int_loop iteration */

/* ------------------------------------------------- plain system calls -- */

static int setup_getppid(void) { return syscall(SYS_getppid) == -1 ? err_or(EIO) : 0; }

LOOP(run_getppid, sink = (uint64_t)syscall(SYS_getppid))

LOOP(run_clock_syscall, struct timespec ts; MUST(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts), 0))

/* libc's clock_gettime: the vDSO where the kernel offers one */
LOOP(run_clock_libc, struct timespec ts; MUST(clock_gettime(CLOCK_MONOTONIC, &ts), 0))

LOOP(run_sched_yield, MUST(sched_yield(), 0))

/* Reported after subtracting the 1000 ns that were asked for. */
LOOP(run_nanosleep, const struct timespec ts = {.tv_nsec = 1000}; MUST(nanosleep(&ts, NULL), 0))

/* --------------------------------------------------------------- files -- */

static int setup_file(void) {
    fds[0] = open(path_file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fds[0] < 0) return errno;
    MUST(pwrite(fds[0], buf_a, FILE_SIZE, 0), (ssize_t)FILE_SIZE);
    return 0;
}

static void done_file(void) { unlink(path_file); }

LOOP(run_open_close, int fd = open(path_file, O_RDONLY); if (fd < 0) return errno; MUST(close(fd), 0))

LOOP(run_stat, struct stat st; MUST(stat(path_file, &st), 0))

/* The fstat call itself: some glibc versions turn fstat() into newfstatat. */
LOOP(run_fstat, struct stat st; MUST(syscall(SYS_fstat, fds[0], &st), 0))
LOOP(run_lseek, MUST(lseek(fds[0], 0, SEEK_SET), 0))
LOOP(run_pread_1, MUST(pread(fds[0], buf_b, 1, 0), 1))
LOOP(run_pread_4k, MUST(pread(fds[0], buf_b, PAGE, 0), (ssize_t)PAGE))
LOOP(run_pread_64k, MUST(pread(fds[0], buf_b, CHUNK, 0), (ssize_t)CHUNK))
LOOP(run_pwrite_4k, MUST(pwrite(fds[0], buf_a, PAGE, 0), (ssize_t)PAGE))

static int setup_dir(void) {
    if (mkdir(path_dir, 0700) != 0 && errno != EEXIST) return errno;
    fds[0] = open(path_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fds[0] < 0) return errno;
    for (int i = 0; i < DIR_FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "entry%02d", i);
        int fd = openat(fds[0], name, O_WRONLY | O_CREAT, 0600);
        if (fd < 0) return errno;
        close(fd);
    }
    return 0;
}

static void done_dir(void) {
    for (int i = 0; i < DIR_FILES; i++) {
        char name[16];
        snprintf(name, sizeof name, "entry%02d", i);
        if (fds[0] >= 0) unlinkat(fds[0], name, 0);
    }
    rmdir(path_dir);
}

/* One op: rewind, then getdents64 until it says 0 (normally two calls). */
LOOP(run_getdents, long r; MUST(lseek(fds[0], 0, SEEK_SET), 0);
     while ((r = syscall(SYS_getdents64, fds[0], buf_b, CHUNK)) > 0); if (r < 0) return errno)

/* -------------------------------------------------------------- memory -- */

char* map_anon(size_t len) {
    return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

LOOP(run_mmap_munmap, char* p = map_anon(PAGE); if (p == MAP_FAILED) return errno; MUST(munmap(p, PAGE), 0))

/* Per page: 1 MiB is mapped, each page written once, and unmapped. */
LOOP(run_page_fault, char* p = map_anon(MIB); if (p == MAP_FAILED) return errno;
     for (size_t i = 0; i < MIB; i += PAGE)((volatile char*)p)[i] = 1; MUST(munmap(p, MIB), 0))

/* One op: grow the heap by 64 KiB (untouched) and shrink it again. */
static int run_brk(uint64_t n) {
    long cur = syscall(SYS_brk, 0);
    if (cur <= 0) return err_or(ENOSYS);
    while (n--) {
        if (syscall(SYS_brk, cur + (long)CHUNK) != cur + (long)CHUNK) return ENOMEM;
        if (syscall(SYS_brk, cur) != cur) return ENOMEM;
    }
    return 0;
}

/* ------------------------------------------------------------- signals -- */

static volatile sig_atomic_t handled;
static void on_signal(int sig) {
    (void)sig;
    handled++;
}

LOOP(run_sig_install, struct sigaction sa = {.sa_handler = on_signal}; MUST(sigaction(SIGUSR1, &sa, NULL), 0))

static int run_sig_deliver(uint64_t n) {
    pid_t me = getpid();
    int e = run_sig_install(1);
    if (e) return e;
    handled = 0;
    for (uint64_t i = 0; i < n; i++) MUST(kill(me, SIGUSR1), 0);
    return (uint64_t)handled == n ? 0 : EPROTO; /* one delivery per kill */
}

/* ------------------------------------------------ threads and processes -- */

static atomic_int turn; /* 0 ours, 1 the peer's, 2 end */

static long futex(atomic_int* word, int op, int val) {
    return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, val, NULL, NULL, 0);
}

/* Wait while *word == val; a value that has already changed is success. */
static int futex_wait_while(atomic_int* word, int val) {
    while (atomic_load(word) == val)
        if (futex(word, FUTEX_WAIT, val) < 0 && errno != EAGAIN && errno != EINTR) return errno;
    return 0;
}

static void* futex_peer(void* arg) {
    (void)arg;
    for (;;) {
        if (futex_wait_while(&turn, 0) || atomic_load(&turn) == 2) return NULL;
        atomic_store(&turn, 0);
        futex(&turn, FUTEX_WAKE, 1);
    }
}

static void futex_quit(void) {
    atomic_store(&turn, 2);
    futex(&turn, FUTEX_WAKE, 1);
}

static int setup_futex(void) {
    atomic_store(&turn, 0);
    if (futex(&turn, FUTEX_WAKE, 1) < 0) return errno;
    return peer_start(futex_peer, futex_quit);
}

LOOP(run_futex, atomic_store(&turn, 1); if (futex(&turn, FUTEX_WAKE, 1) < 0) return errno;
     int e = futex_wait_while(&turn, 1); if (e) return e)

/* Lock and unlock without contention.  setup_futex parks a second thread, as
 * glibc leaves the atomic operations out of single-threaded processes. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
LOOP(run_mutex, pthread_mutex_lock(&mutex); sink++; pthread_mutex_unlock(&mutex))

static void* empty_thread(void* arg) { return arg; }

LOOP(run_thread_create, pthread_t t; int e = pthread_create(&t, NULL, empty_thread, NULL);
     if (e || (e = pthread_join(t, NULL)) != 0) return e)

static int do_fork(uint64_t n, bool exec) {
    static char noop[] = "--noop";
    char *argv[] = {(char*)opt.self, noop, NULL}, *envp[] = {NULL};
    while (n--) {
        int status;
        pid_t pid = fork();
        if (pid < 0) return errno;
        if (pid == 0) {
            if (exec) execve(opt.self, argv, envp);
            _exit(exec ? errno & 127 : 0);
        }
        MUST(waitpid(pid, &status, 0), pid);
        if (!WIFEXITED(status)) return ECHILD;
        if (WEXITSTATUS(status) != 0) return WEXITSTATUS(status);
    }
    return 0;
}

static int run_fork_wait(uint64_t n) { return do_fork(n, false); }
static int run_fork_exec(uint64_t n) { return do_fork(n, true); }

/* ------------------------------------------------------------- compute -- */

/* A dependent chain of multiply, add, shift and xor: no memory, no calls. */
static int run_int_loop(uint64_t n) {
    uint64_t x = sink | 1;
    for (uint64_t i = 0; i < n * INT_STEPS; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        x ^= x >> 29;
    }
    sink = x;
    return 0;
}

/* The empty asm stops the compiler from merging or dropping the copies; the
 * routine is the one libc picks for the CPU features that it is shown. */
#define USED(p) __asm__ volatile("" : : "r"(p) : "memory")
LOOP(run_memcpy_1m, memcpy(buf_b, buf_a, MIB); USED(buf_b))
LOOP(run_memset_4k, memset(buf_b, (int)(n & 255), PAGE); USED(buf_b))

/* --------------------------------------------------------------- table -- */

const struct bench benches[] = {
    {.name = "getppid", .what = "null system call", .setup = setup_getppid, .run = run_getppid},
    {.name = "clock_syscall", .what = "clock_gettime by system call", .run = run_clock_syscall},
    {.name = "clock_libc", .what = "clock_gettime by libc (vDSO if any)", .run = run_clock_libc},
    {.name = "open_close",
     .what = "open + close of a file",
     .setup = setup_file,
     .run = run_open_close,
     .done = done_file},
    {.name = "stat", .what = "stat by path", .setup = setup_file, .run = run_stat, .done = done_file},
    {.name = "fstat", .what = "fstat", .setup = setup_file, .run = run_fstat, .done = done_file},
    {.name = "lseek", .what = "lseek to 0", .setup = setup_file, .run = run_lseek, .done = done_file},
    {.name = "pread_1",
     .what = "pread 1 B, cached",
     .setup = setup_file,
     .run = run_pread_1,
     .done = done_file},
    {.name = "pread_4k",
     .what = "pread 4 KiB, cached",
     .setup = setup_file,
     .run = run_pread_4k,
     .done = done_file},
    {.name = "pread_64k",
     .what = "pread 64 KiB, cached",
     .setup = setup_file,
     .run = run_pread_64k,
     .done = done_file,
     .bytes = CHUNK},
    {.name = "pwrite_4k",
     .what = "pwrite 4 KiB over existing data",
     .setup = setup_file,
     .run = run_pwrite_4k,
     .done = done_file},
    {.name = "getdents_64",
     .what = "list a directory of 64 entries",
     .setup = setup_dir,
     .run = run_getdents,
     .done = done_dir},
    {.name = "mmap_munmap", .what = "mmap + munmap of 4 KiB, untouched", .run = run_mmap_munmap},
    {.name = "page_fault",
     .what = "page, of mmap + touch + munmap 1 MiB",
     .run = run_page_fault,
     .scale = MIB / PAGE},
    {.name = "brk", .what = "brk +64 KiB and back", .run = run_brk},
    {.name = "sched_yield", .what = "sched_yield, nobody else ready", .run = run_sched_yield},
    {.name = "nanosleep_1us", .what = "overshoot of nanosleep(1 us)", .run = run_nanosleep, .sub_ns = 1000},
    {.name = "sig_install", .what = "sigaction", .run = run_sig_install},
    {.name = "sig_deliver", .what = "kill(self) with handler and return", .run = run_sig_deliver},
    {.name = "mutex", .what = "pthread lock + unlock, uncontended", .setup = setup_futex, .run = run_mutex},
    {.name = "futex_pingpong", .what = "futex round trip, 2 threads", .setup = setup_futex, .run = run_futex},
    {.name = "thread_create", .what = "pthread_create + join", .run = run_thread_create},
    {.name = "fork_wait", .what = "fork + exit + waitpid", .run = run_fork_wait},
    {.name = "fork_exec", .what = "fork + execve(self --noop) + waitpid", .run = run_fork_exec},
    {.name = "pipe_pingpong",
     .what = "pipe round trip, 2 threads",
     .setup = setup_pipe_pp,
     .run = run_pingpong},
    {.name = "pipe_bw_64k",
     .what = "64 KiB through a pipe",
     .setup = setup_pipe_bw,
     .run = run_bandwidth,
     .bytes = CHUNK},
    {.name = "unix_pingpong",
     .what = "AF_UNIX stream round trip",
     .setup = setup_unix_pp,
     .run = run_pingpong},
    {.name = "tcp_pingpong", .what = "TCP 127.0.0.1 round trip", .setup = setup_tcp_pp, .run = run_pingpong},
    {.name = "tcp_bw_64k",
     .what = "64 KiB through TCP 127.0.0.1",
     .setup = setup_tcp_bw,
     .run = run_bandwidth,
     .bytes = CHUNK},
    {.name = "udp_pingpong", .what = "UDP 127.0.0.1 round trip", .setup = setup_udp_pp, .run = run_pingpong},
    {.name = "epoll_ready", .what = "epoll_wait on a ready eventfd", .setup = setup_epoll, .run = run_epoll},
    {.name = "int_loop",
     .what = "step of a dependent integer chain",
     .run = run_int_loop,
     .scale = INT_STEPS},
    {.name = "memcpy_1m", .what = "memcpy of 1 MiB", .run = run_memcpy_1m, .bytes = MIB},
    {.name = "memset_4k", .what = "memset of one hot page", .run = run_memset_4k, .bytes = PAGE},
};
const size_t bench_count = sizeof benches / sizeof benches[0];
