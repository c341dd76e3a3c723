// Process descriptors.
#include "tests/guest/cases/case.h"

#include <poll.h>
#include <sched.h>

int main(void) {
    enter("pidfds");
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    int fd = (int)SYS(pidfd_open, child, 0);
    check("pidfd_open", fd > 2);
    show("close-on-exec", fcntl(fd, F_GETFD));
    struct pollfd poller = {fd, POLLIN, 0};
    show("poll while it lives", poll(&poller, 1, 0));
    show("signal 0", SYS(pidfd_send_signal, fd, 0, 0L, 0));
    show("bad flags", SYS(pidfd_send_signal, fd, 0, 0L, 99));
    show("bad signal", SYS(pidfd_send_signal, fd, 99, 0L, 0));
    show("not a pidfd", SYS(pidfd_send_signal, 1, 0, 0L, 0));
    show("read", SYS(read, fd, (char[8]){0}, 8L));
    siginfo_t info = {0};
    show("waitid while it lives", SYS(waitid, P_PIDFD, fd, &info, WEXITED | WNOHANG, 0L));
    show("SIGTERM", SYS(pidfd_send_signal, fd, SIGTERM, 0L, 0));
    show("poll waits for the end", poll(&poller, 1, 5000));
    say("revents: %x\n", poller.revents);
    show("signal to a zombie", SYS(pidfd_send_signal, fd, 0, 0L, 0));
    show("waitid", SYS(waitid, P_PIDFD, fd, &info, WEXITED, 0L));
    say("status %d code %d\n", info.si_status, info.si_code);
    show("signal to the gone", SYS(pidfd_send_signal, fd, 0, 0L, 0));
    show("waitid again", SYS(waitid, P_PIDFD, fd, &info, WEXITED, 0L));
    show("pidfd_open of the gone", SYS(pidfd_open, child, 0));
    show("pidfd_open of nobody", SYS(pidfd_open, -1, 0));
    show("pidfd_open bad flags", SYS(pidfd_open, getpid(), 1));
    int own = (int)SYS(pidfd_open, getpid(), 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, 0);
    info = (siginfo_t){.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    info.si_value.sival_int = 55;
    show("queue to oneself", SYS(pidfd_send_signal, own, SIGUSR1, &info, 0));
    siginfo_t got;
    show("received", SYS(rt_sigtimedwait, &set, &got, 0L, 8L));
    say("value %d\n", got.si_value.sival_int);
    info.si_signo = SIGUSR2;
    show("another signal in the information", SYS(pidfd_send_signal, own, SIGUSR1, &info, 0));
    int directory = open("/proc/self", O_RDONLY), inside = open("/proc/self/fd", O_RDONLY);
    show("to a directory of /proc", SYS(pidfd_send_signal, directory, SIGUSR1, 0L, 0));
    show("received", SYS(rt_sigtimedwait, &set, &got, 0L, 8L));
    show("to one inside", SYS(pidfd_send_signal, inside, 0, 0L, 0));
    child = fork();
    if (child == 0) _exit(0);
    char name[32];
    snprintf(name, sizeof name, "/proc/%d", child);
    int gone = open(name, O_RDONLY);
    waitpid(child, 0, 0);
    show("to one of the gone", SYS(pidfd_send_signal, gone, 0, 0L, 0));
    int from_clone = -1;
    child = (pid_t)SYS(clone, CLONE_PIDFD | SIGCHLD, 0L, &from_clone, 0L, 0L);
    if (child == 0) _exit(9);
    show("clone gives one", from_clone > 2);
    show("waitid", SYS(waitid, P_PIDFD, from_clone, &info, WEXITED, 0L));
    show("status", info.si_status);
}
