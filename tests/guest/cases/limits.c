// Resource limits: reading, setting, and what they do.
#include "tests/guest/cases/case.h"

#include <sys/resource.h>

static void file_size(void) {
    struct rlimit limit = {10, 10};
    show("setrlimit FSIZE", SYS(setrlimit, RLIMIT_FSIZE, &limit));
    signal(SIGXFSZ, SIG_IGN);
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    show("write over the limit", SYS(write, fd, "0123456789abcdef", 16L));
    show("write at the limit", SYS(write, fd, "x", 1L));
    show("ftruncate over the limit", SYS(ftruncate, fd, 100L));
    show("shrink", SYS(ftruncate, fd, 1L));
    signal(SIGXFSZ, SIG_DFL);
    pwrite(fd, "x", 1, 10);
    say("not reached\n");
}

static void address_space(void) {
    struct rlimit limit = {256 << 20, 256 << 20};
    SYS(setrlimit, RLIMIT_AS, &limit);
    show("mmap over the limit", SYS(mmap, 0L, 512L << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L));
    show_ok("mmap within", SYS(mmap, 0L, 16L << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L));
    long now = SYS(brk, 0L);
    check("brk over the limit", SYS(brk, now + (512L << 20)) == now);
}

static void data(void) {
    struct rlimit limit = {1 << 20, 1 << 20};
    SYS(setrlimit, RLIMIT_DATA, &limit);
    long now = SYS(brk, 0L);
    check("brk over the data limit", SYS(brk, now + (8L << 20)) == now);
}

static int deep(int depth) {
    volatile char frame[4096];
    frame[0] = (char)depth;
    return depth == 0 ? 0 : deep(depth - 1) + (frame[0] == (char)depth);
}
static void stack_body(void) { show("deep enough", deep(200)); }
static void stack_over(void) { deep(3000); }
static void stack(void) {
    struct rlimit limit = {4 << 20, RLIM_INFINITY};
    SYS(setrlimit, RLIMIT_STACK, &limit);
    in_child("4 MiB of stack, 1 used", stack_body);
    in_child("4 MiB of stack, 12 used", stack_over);
}

static void cpu(void) {
    struct rlimit limit = {1, 2};
    SYS(setrlimit, RLIMIT_CPU, &limit);
    for (volatile long i = 0;; i++) {}
}

static void children(void) {
    SYS(setresuid, 4321, 4321, 4321);
    struct rlimit limit = {2, 2};
    SYS(setrlimit, RLIMIT_NPROC, &limit);
    pid_t first = fork();
    if (first == 0) {
        pause();
        _exit(0);
    }
    pid_t second = fork();
    if (second == 0) _exit(0);
    show("fork over the limit", second < 0 ? -errno : 0);
    kill(first, SIGKILL);
}

static void setting(void) {
    struct rlimit limit, again;
    show("getrlimit", SYS(getrlimit, RLIMIT_NOFILE, &limit));
    check("soft is not above hard", limit.rlim_cur <= limit.rlim_max);
    limit = (struct rlimit){100, 200};
    show("setrlimit", SYS(setrlimit, RLIMIT_NOFILE, &limit));
    show("prlimit64 get", SYS(prlimit64, 0, RLIMIT_NOFILE, 0L, &again));
    say("limits: %ld %ld\n", (long)again.rlim_cur, (long)again.rlim_max);
    limit.rlim_cur = 50;
    show("prlimit64 set and get", SYS(prlimit64, getpid(), RLIMIT_NOFILE, &limit, &again));
    say("old: %ld %ld\n", (long)again.rlim_cur, (long)again.rlim_max);
    limit = (struct rlimit){300, 200};
    show("soft above hard", SYS(setrlimit, RLIMIT_NOFILE, &limit));
    show("bad resource", SYS(getrlimit, 99, &limit));
    show("bad pointer", SYS(getrlimit, RLIMIT_NOFILE, 8L));
    show("nobody's", SYS(prlimit64, 99999, RLIMIT_NOFILE, 0L, &limit));
    SYS(setresuid, 1000, 1000, 1000);
    limit = (struct rlimit){100, 300};
    show("a user raises hard", SYS(setrlimit, RLIMIT_NOFILE, &limit));
    limit = (struct rlimit){150, 150};
    show("a user lowers hard", SYS(setrlimit, RLIMIT_NOFILE, &limit));
    if (fork() == 0) {
        SYS(getrlimit, RLIMIT_NOFILE, &limit);
        say("inherited: %ld %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
        _exit(0);
    }
    wait(0);
}

int main(void) {
    enter("limits");
    in_child("setting", setting);
    in_child("file size", file_size);
    in_child("address space", address_space);
    in_child("data", data);
    in_child("stack", stack);
    in_child("CPU time", cpu);
    in_child("processes", children);
}
