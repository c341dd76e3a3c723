// Signals read from descriptors: their records, sharing with handlers, waiting, errors.
#include "tests/guest/cases/case.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static sigset_t set_of(int a, int b) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, a);
    if (b) sigaddset(&set, b);
    return set;
}

static int open_for(int a, int b, int flags) {
    sigset_t set = set_of(a, b);
    sigprocmask(SIG_BLOCK, &set, 0);
    return (int)SYS(signalfd4, -1, &set, 8L, flags);
}

static void print(const char* what, int fd) {
    struct signalfd_siginfo info;
    memset(&info, 0x55, sizeof info);
    long n = SYS(read, fd, &info, sizeof info);
    if (n != sizeof info) {
        show(what, n);
        return;
    }
    say("%s: %s errno %d code %d own %d uid %u fd %d tid %u band %u overrun %u trap %u status %d int %d ptr "
        "%lx\n",
        what, sigabbrev_np((int)info.ssi_signo) ?: "RT", info.ssi_errno, info.ssi_code,
        info.ssi_pid == (unsigned)getpid(), info.ssi_uid, info.ssi_fd, info.ssi_tid, info.ssi_band,
        info.ssi_overrun, info.ssi_trapno, info.ssi_status, info.ssi_int, (unsigned long)info.ssi_ptr);
}

static void records(void) {
    int fd = open_for(SIGUSR1, SIGRTMIN, SFD_NONBLOCK);
    struct pollfd poller = {fd, POLLIN, 0};
    print("nothing yet", fd);
    show("poll", poll(&poller, 1, 0));
    kill(getpid(), SIGUSR1);
    show("poll", poll(&poller, 1, 0));
    print("kill", fd);
    print("taken", fd);
    raise(SIGUSR1);
    print("raise", fd);
    union sigval value = {.sival_int = 1234};
    sigqueue(getpid(), SIGRTMIN, value);
    value.sival_int = 5678;
    sigqueue(getpid(), SIGRTMIN, value);
    kill(getpid(), SIGUSR1);
    struct signalfd_siginfo several[4];
    long n = SYS(read, fd, several, sizeof several);
    say("%ld bytes:", n);
    for (long i = 0; i < n / 128; i++)
        say(" %s %d", several[i].ssi_signo == SIGUSR1 ? "USR1" : "RT", several[i].ssi_int);
    say("\n");
    int chld = open_for(SIGCHLD, 0, 0);
    pid_t child = fork();
    if (child == 0) _exit(9);
    struct signalfd_siginfo info;
    SYS(read, chld, &info, sizeof info);
    say("child: code %d status %d its pid %d uid %u\n", info.ssi_code, info.ssi_status,
        info.ssi_pid == (unsigned)child, info.ssi_uid);
    wait(0);
    timer_t timer;
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value = {.sival_int = 66}};
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    struct itimerspec soon = {{0, 0}, {0, 10000000}};
    timer_settime(timer, 0, &soon, 0);
    show("poll for a timer", poll(&poller, 1, 5000));
    SYS(read, fd, &info, sizeof info);
    say("timer: code %d overrun %u int %d\n", info.ssi_code, info.ssi_overrun, info.ssi_int);
    char target[64] = "", path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    readlink(path, target, sizeof target - 1);
    say("%s\n", target);
}

static int handled;
static void count(int signal) {
    (void)signal;
    handled++;
}

static void sharing(void) {
    int fd = open_for(SIGUSR1, 0, SFD_NONBLOCK);
    signal(SIGUSR1, count);
    signal(SIGUSR2, count);
    kill(getpid(), SIGUSR1);
    show("handled while blocked", handled);
    sigset_t set = set_of(SIGUSR1, 0);
    sigprocmask(SIG_UNBLOCK, &set, 0);
    show("handled once unblocked", handled);
    print("so it is gone", fd);
    sigprocmask(SIG_BLOCK, &set, 0);
    kill(getpid(), SIGUSR2);
    show("another signal is handled", handled);
    print("and not read", fd);
    set = set_of(SIGUSR2, 0);
    sigprocmask(SIG_BLOCK, &set, 0);
    check("the mask is changed", SYS(signalfd4, fd, &set, 8L, 0) == fd);
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGUSR2);
    print("the new one", fd);
    print("not the old one", fd);
    sigset_t pending;
    sigpending(&pending);
    check("which is pending still", sigismember(&pending, SIGUSR1));
    signal(SIGUSR2, SIG_IGN);
    kill(getpid(), SIGUSR2);
    print("ignored but blocked", fd);
    // A child reads its own signals.
    pid_t child = fork();
    if (child == 0) {
        struct pollfd poller = {fd, POLLIN, 0};
        say("in the child: %d\n", poll(&poller, 1, 5000));
        print("its own", fd);
        _exit(0);
    }
    until_asleep(child);
    kill(child, SIGUSR2);
    waitpid(child, 0, 0);
    print("not the parent's", fd);
}

static void waiting(void) {
    int fd = open_for(SIGUSR1, 0, 0);
    pid_t self = getpid();
    if (fork() == 0) {
        until_asleep(self);
        kill(self, SIGUSR1);
        _exit(0);
    }
    struct signalfd_siginfo info;
    show("read waits", SYS(read, fd, &info, sizeof info));
    wait(0);
    int epoll = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.u32 = 3}}, got;
    SYS(epoll_ctl, epoll, EPOLL_CTL_ADD, fd, &event);
    if (fork() == 0) {
        until_asleep(self);
        kill(self, SIGUSR1);
        _exit(0);
    }
    show("epoll_wait", SYS(epoll_wait, epoll, &got, 1, 5000));
    SYS(read, fd, &info, sizeof info);
    wait(0);
    show("epoll_wait again", SYS(epoll_wait, epoll, &got, 1, 0));
    struct sigaction action = {.sa_handler = count};
    sigaction(SIGALRM, &action, 0);
    alarms_every(20);
    show("interrupted", SYS(read, fd, &info, sizeof info));
    alarms_every(0);
}

static void errors(void) {
    sigset_t set = set_of(SIGUSR1, SIGKILL);
    show("bad size", SYS(signalfd4, -1, &set, 4L, 0));
    show("bad flags", SYS(signalfd4, -1, &set, 8L, 1));
    show("bad pointer", SYS(signalfd4, -1, 8L, 8L, 0));
    show("bad descriptor", SYS(signalfd4, 77, &set, 8L, 0));
    show("of a file", SYS(signalfd4, 1, &set, 8L, 0));
    int fd = (int)SYS(signalfd4, -1, &set, 8L, SFD_CLOEXEC | SFD_NONBLOCK);
    check("SIGKILL is left out quietly", fd > 2);
    show("close-on-exec", fcntl(fd, F_GETFD));
    char small[127];
    show("read too few bytes", SYS(read, fd, small, sizeof small));
    show("write", SYS(write, fd, small, sizeof small));
    sigprocmask(SIG_BLOCK, &set, 0);
    raise(SIGUSR1);
    show("read to a bad address", SYS(read, fd, 8L, 128L));
    show_ok("the old call", SYS(signalfd, -1, &set, 8L));
}

int main(void) {
    enter("signalfds");
    in_child("records", records);
    in_child("sharing", sharing);
    in_child("waiting", waiting);
    in_child("errors", errors);
}
