// poll, ppoll, select, pselect6.
#include "tests/guest/cases/case.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/select.h>

static volatile sig_atomic_t alarms;
static void on_alarm(int signal) { alarms += signal == SIGALRM; }

static void polls(void) {
    int p[2];
    pipe(p);
    struct pollfd fds[3] = {{p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {-1, POLLIN, 99}};
    show("poll", SYS(poll, fds, 3, 0));
    say("revents: %x %x %x\n", fds[0].revents, fds[1].revents, fds[2].revents);
    write(p[1], "x", 1);
    show("poll both", SYS(poll, fds, 2, -1));
    say("revents: %x %x\n", fds[0].revents, fds[1].revents);
    fds[2].fd = 77;
    show("poll bad descriptor", SYS(poll, fds + 2, 1, 0));
    say("revents: %x\n", fds[2].revents);
    fds[2] = (struct pollfd){open("/dev/null", O_RDWR), POLLIN | POLLOUT, 0};
    show("poll null", SYS(poll, fds + 2, 1, 0));
    say("revents: %x\n", fds[2].revents);
    fds[2] = (struct pollfd){open("f", O_RDWR | O_CREAT, 0644), POLLIN | POLLOUT | POLLPRI, 0};
    show("poll file", SYS(poll, fds + 2, 1, 0));
    say("revents: %x\n", fds[2].revents);
    double start = seconds(CLOCK_MONOTONIC);
    show("poll nothing", SYS(poll, 0L, 0, 30));
    check("took its time", seconds(CLOCK_MONOTONIC) - start >= 0.029);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    show("poll too many", SYS(poll, fds, (unsigned)files.rlim_cur + 1, 0));
    show("poll bad pointer", SYS(poll, 8L, 1, 0));
    struct timespec zero = {0, 0}, bad = {0, 1000000000}, short_time = {0, 20000000};
    show("ppoll", SYS(ppoll, fds, 1, &zero, 0L, 8L));
    show("ppoll bad time", SYS(ppoll, fds, 1, &bad, 0L, 8L));
    sigset_t set;
    sigemptyset(&set);
    show("ppoll bad set size", SYS(ppoll, fds, 1, &zero, &set, 4L));
    fds[0].events = 0;
    show("ppoll waits", SYS(ppoll, fds, 1, &short_time, 0L, 8L));
    say("time left: %ld.%09ld\n", (long)short_time.tv_sec, short_time.tv_nsec);
    // Woken by another process.
    char c;
    read(p[0], &c, 1);
    if (fork() == 0) {
        pause_ms(20);
        write(p[1], "y", 1);
        _exit(0);
    }
    fds[0].events = POLLIN;
    show("poll woken", SYS(poll, fds, 1, 5000));
    wait(0);
    read(p[0], &c, 1);
    // A signal interrupts; one unblocked only by ppoll does too.
    signal(SIGALRM, on_alarm);
    alarms_every(20);
    show("poll interrupted", SYS(poll, fds, 1, 5000));
    alarms_every(0);
    alarms = 0;
    sigaddset(&set, SIGALRM);
    sigprocmask(SIG_BLOCK, &set, 0);
    raise(SIGALRM);
    show("blocked signal waits", alarms);
    sigemptyset(&set);
    struct timespec long_time = {5, 0};
    show("ppoll lets it in", SYS(ppoll, fds, 1, &long_time, &set, 8L));
    show("alarms", alarms);
    sigprocmask(SIG_BLOCK, 0, &set);
    check("mask is back", sigismember(&set, SIGALRM));
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, 0);
}

static void selects(void) {
    int p[2];
    pipe(p);
    fd_set r, w, e;
    struct timeval zero = {0, 0}, some = {0, 20000}, bad = {0, -1};
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&e);
    FD_SET(p[0], &r);
    FD_SET(p[1], &w);
    show("select", SYS(select, p[1] + 1, &r, &w, &e, &zero));
    say("read %d write %d\n", !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &w));
    write(p[1], "x", 1);
    FD_SET(p[0], &r);
    FD_SET(p[1], &w);
    show("select both", SYS(select, p[1] + 1, &r, &w, 0L, 0L));
    FD_ZERO(&r);
    FD_SET(60, &r);  // Linux looks no further than its table, 64 at first
    show("select bad descriptor", SYS(select, 61, &r, 0L, 0L, &zero));
    show("select negative count", SYS(select, -1, &r, 0L, 0L, &zero));
    show("select bad time", SYS(select, 0, 0L, 0L, 0L, &bad));
    show("select sleeps", SYS(select, 0, 0L, 0L, 0L, &some));
    say("time left: %ld.%06ld\n", (long)some.tv_sec, (long)some.tv_usec);
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    struct timespec nano = {0, 0};
    struct {
        const sigset_t* set;
        size_t size;
    } mask = {0, 8};
    show("pselect6", SYS(pselect6, p[1] + 1, &r, 0L, 0L, &nano, &mask));
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &all, 0);
    raise(SIGALRM);
    mask.set = &none;
    int before = alarms;
    nano.tv_sec = 5;
    show("pselect6 lets a signal in", SYS(pselect6, 0, 0L, 0L, 0L, &nano, &mask));
    show("alarms", alarms - before);
    mask.size = 3;
    show("pselect6 bad set size", SYS(pselect6, 0, 0L, 0L, 0L, &nano, &mask));
    sigprocmask(SIG_SETMASK, &none, 0);
    close(p[1]);
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    char c;
    read(p[0], &c, 1);
    show("end of file is readable", SYS(select, p[0] + 1, &r, 0L, 0L, &zero));
    struct timeval long_time = {5, 0};
    FD_ZERO(&r);
    pipe(p);
    FD_SET(p[0], &r);
    if (fork() == 0) {
        pause_ms(20);
        write(p[1], "z", 1);
        _exit(0);
    }
    show("select woken", SYS(select, p[0] + 1, &r, 0L, 0L, &long_time));
    check("time left is less", long_time.tv_sec < 5);
    wait(0);
}

int main(void) {
    enter("polling");
    polls();
    selects();
}
