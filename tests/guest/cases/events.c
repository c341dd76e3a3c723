// epoll in its modes, and event counters.
#include "tests/guest/cases/case.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

static struct epoll_event ready[8];

static void waiting(const char* what, int ep) {
    long n = SYS(epoll_wait, ep, ready, 8, 0);
    say("%s: %ld", what, n);
    for (long i = 0; i < n; i++) say(" %x/%u", ready[i].events, ready[i].data.u32);
    say("\n");
}

static long control(int ep, int op, int fd, uint32_t events, uint32_t tag) {
    struct epoll_event event = {.events = events, .data.u32 = tag};
    return SYS(epoll_ctl, ep, op, fd, &event);
}

static void epolls(void) {
    int ep = (int)SYS(epoll_create1, EPOLL_CLOEXEC);
    show("epoll_create1", ep);
    show("cloexec", fcntl(ep, F_GETFD));
    show("epoll_create1 bad flags", SYS(epoll_create1, 1));
    show("epoll_create", SYS(epoll_create, 1));
    show("epoll_create zero", SYS(epoll_create, 0));
    int p[2];
    pipe(p);
    show("add", control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    show("add again", control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 1));
    show("add writer", control(ep, EPOLL_CTL_ADD, p[1], EPOLLOUT, 2));
    waiting("writable", ep);
    show("modify", control(ep, EPOLL_CTL_MOD, p[1], 0, 2));
    waiting("nothing", ep);
    write(p[1], "x", 1);
    waiting("level", ep);
    waiting("level again", ep);
    show("to edge", control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET, 3));
    waiting("edge", ep);
    waiting("edge again", ep);
    write(p[1], "y", 1);
    waiting("edge after more", ep);
    show("to one shot", control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 4));
    waiting("one shot", ep);
    write(p[1], "z", 1);
    waiting("one shot spent", ep);
    show("rearm", control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT, 5));
    waiting("rearmed", ep);
    show("delete", SYS(epoll_ctl, ep, EPOLL_CTL_DEL, p[0], 0L));
    show("delete again", SYS(epoll_ctl, ep, EPOLL_CTL_DEL, p[0], 0L));
    show("modify missing", control(ep, EPOLL_CTL_MOD, p[0], EPOLLIN, 1));
    show("add bad descriptor", control(ep, EPOLL_CTL_ADD, 77, EPOLLIN, 1));
    show("add file", control(ep, EPOLL_CTL_ADD, open("f", O_RDWR | O_CREAT, 0644), EPOLLIN, 1));
    show("add itself", control(ep, EPOLL_CTL_ADD, ep, EPOLLIN, 1));
    show("on no epoll", control(p[0], EPOLL_CTL_ADD, p[1], EPOLLIN, 1));
    show("bad operation", control(ep, 9, p[0], EPOLLIN, 1));
    show("wait for none", SYS(epoll_wait, ep, ready, 0, 0));
    show("wait bad pointer", ({
             control(ep, EPOLL_CTL_MOD, p[1], EPOLLOUT, 2);
             SYS(epoll_wait, ep, 8L, 1, 0);
         }));
    control(ep, EPOLL_CTL_MOD, p[1], 0, 2);
    // An epoll inside another.
    int outer = (int)SYS(epoll_create1, 0);
    control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 6);
    show("nest", control(outer, EPOLL_CTL_ADD, ep, EPOLLIN, 7));
    waiting("nested", outer);
    show("loop", control(ep, EPOLL_CTL_ADD, outer, EPOLLIN, 8));
    char drain[8];
    read(p[0], drain, 8);
    waiting("nested drained", outer);
    close(p[1]);
    waiting("hang-up", ep);
    close(p[0]);
    waiting("closing removes", ep);
    // A duplicate keeps the registration of the closed number.
    pipe(p);
    control(ep, EPOLL_CTL_ADD, p[0], EPOLLIN, 9);
    int copy = dup(p[0]);
    close(p[0]);
    write(p[1], "x", 1);
    waiting("open description lives on", ep);
    close(copy);
    waiting("now gone", ep);
    double start = seconds(CLOCK_MONOTONIC);
    show("time-out", SYS(epoll_wait, ep, ready, 8, 30));
    check("took its time", seconds(CLOCK_MONOTONIC) - start >= 0.029);
}

static void counters(void) {
    uint64_t value = 0;
    int ev = (int)SYS(eventfd, 3);
    check("eventfd", ev > 2);
    show("read", SYS(read, ev, &value, 8L));
    show("value", (long)value);
    int fd = (int)SYS(eventfd2, 0, EFD_NONBLOCK | EFD_CLOEXEC);
    show("read empty", SYS(read, fd, &value, 8L));
    value = 5;
    show("add", SYS(write, fd, &value, 8L));
    value = 2;
    show("add", SYS(write, fd, &value, 8L));
    show("short write", SYS(write, fd, &value, 4L));
    show("short read", SYS(read, fd, &value, 4L));
    show("read", SYS(read, fd, &value, 8L));
    show("value", (long)value);
    value = UINT64_MAX;
    show("add too much", SYS(write, fd, &value, 8L));
    value = UINT64_MAX - 1;
    show("add the most", SYS(write, fd, &value, 8L));
    value = 1;
    show("overflow", SYS(write, fd, &value, 8L));
    fd = (int)SYS(eventfd2, 2, EFD_SEMAPHORE | EFD_NONBLOCK);
    show("semaphore", SYS(read, fd, &value, 8L));
    show("value", (long)value);
    show("semaphore", SYS(read, fd, &value, 8L));
    show("semaphore empty", SYS(read, fd, &value, 8L));
    show("eventfd2 bad flags", SYS(eventfd2, 0, 0x10));
    // As an edge-triggered source, and between processes.
    int ep = (int)SYS(epoll_create1, 0);
    ev = (int)SYS(eventfd2, 0, 0);
    control(ep, EPOLL_CTL_ADD, ev, EPOLLIN | EPOLLET, 1);
    waiting("zero", ep);
    value = 1;
    write(ev, &value, 8);
    waiting("one", ep);
    waiting("edge spent", ep);
    write(ev, &value, 8);
    waiting("another write is another edge", ep);
    read(ev, &value, 8);
    if (fork() == 0) {
        pause_ms(20);
        value = 42;
        write(ev, &value, 8);
        _exit(0);
    }
    sigset_t none;
    sigemptyset(&none);
    show("epoll_pwait woken", SYS(epoll_pwait, ep, ready, 8, 5000, &none, 8L));
    show("blocking read", SYS(read, ev, &value, 8L));
    show("value", (long)value);
    show("epoll_pwait bad set size", SYS(epoll_pwait, ep, ready, 8, 0, &none, 3L));
    wait(0);
}

int main(void) {
    enter("events");
    epolls();
    for (int fd = 3; fd < 40; fd++) close(fd);
    counters();
}
