// Bad pointers in every kind of argument: EFAULT, never a crash; and partial transfers at the edge of a page.
#include "tests/guest/cases/case.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#define BAD 0x10L
#define KERNEL (long)0xffff800000001000
#define WILD (long)0x123456789abcdef0

int main(void) {
    enter("faults");
    put("f", "content");
    int fd = open("f", O_RDWR), p[2];
    pipe(p);
    write(p[1], "pipe data", 9);
    char* page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + 4096, 4096);
    char* edge = page + 4096;
    long addresses[] = {BAD, KERNEL, WILD, -1L, (long)edge};
    for (int i = 0; i < 5; i++) {
        long bad = addresses[i];
        say("address %d\n", i);
        show("read", SYS(read, fd, bad, 4L));
        show("write", SYS(write, fd, bad, 4L));
        show("pipe read", SYS(read, p[0], bad, 4L));
        show("pipe write", SYS(write, p[1], bad, 4L));
        show("open", SYS(open, bad, O_RDONLY, 0));
        show("stat path", SYS(stat, bad, page));
        show("stat buffer", SYS(stat, "f", bad));
        show("readv vector", SYS(readv, fd, bad, 1L));
        show("getcwd", SYS(getcwd, bad, 64L));
        show("pipe", SYS(pipe, bad));
        show("nanosleep", SYS(nanosleep, bad, 0L));
        show("clock_gettime", SYS(clock_gettime, CLOCK_REALTIME, bad));
        show("rt_sigaction", SYS(rt_sigaction, SIGUSR1, bad, 0L, 8L));
        show("rt_sigprocmask", SYS(rt_sigprocmask, SIG_BLOCK, bad, 0L, 8L));
        show("poll", SYS(poll, bad, 1, 0));
        show("uname", SYS(uname, bad));
        show("getrlimit", SYS(getrlimit, RLIMIT_NOFILE, bad));
        show("sysinfo", SYS(sysinfo, bad));
        show("readlink", SYS(readlink, "/proc/self/exe", bad, 10));
        show("mkdir", SYS(mkdir, bad, 0755));
        show("rename", SYS(rename, "f", bad));
        show("getdents64", SYS(getdents64, open(".", O_RDONLY), bad, 1000L));
        show("statfs", SYS(statfs, "/", bad));
        show("futex", SYS(futex, bad & ~3L, 0, 0, 0L));
        show("sigaltstack", SYS(sigaltstack, bad, 0L));
        show("timer_create", SYS(timer_create, CLOCK_MONOTONIC, bad, page));
        show("setitimer", SYS(setitimer, ITIMER_REAL, bad, 0L));
        show("execve path", SYS(execve, bad, 0L, 0L));
        show("statx", SYS(statx, AT_FDCWD, "f", 0, 0, bad));
        show("getrandom", SYS(getrandom, bad, 8L, 0));
    }
    // Strings and structures that run off the page.
    memset(page, 'x', 4096);
    show("path to the edge", SYS(open, edge - 10, O_RDONLY, 0));
    memcpy(edge - 2, "f", 2);
    show("path that ends at the edge", SYS(open, edge - 2, O_RDONLY, 0) > 0);
    show("stat over the edge", SYS(stat, "f", edge - 100));
    show("timespec over the edge", SYS(clock_gettime, CLOCK_REALTIME, edge - 8));
    // Transfers stop where memory does.
    int big = open("big", O_RDWR | O_CREAT, 0644);
    ftruncate(big, 8192);
    show("read up to the edge", SYS(pread64, big, edge - 100, 1000L, 0L));
    show("write up to the edge", SYS(pwrite64, big, edge - 100, 1000L, 0L));
    struct iovec v[2] = {{page, 10}, {(void*)BAD, 10}};
    show("writev with a bad part", SYS(pwritev, big, v, 2L, 0L, 0L));
    show("readv with a bad part", SYS(preadv, big, v, 2L, 0L, 0L));
    mprotect(page, 4096, PROT_READ);
    show("read into read-only memory", SYS(pread64, big, page, 10L, 0L));
    show("write from read-only memory", SYS(pwrite64, big, page, 10L, 0L));
    mprotect(page, 4096, PROT_NONE);
    show("write from no memory", SYS(pwrite64, big, page, 10L, 0L));
    say("alive\n");
}
