// Storms of processes: forks, programs, signals, stops, descriptors of processes.
#include "tests/guest/storms/storm.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

static char** own_arguments;

// Children that end in every way there is: by themselves, killed, having executed, leaving orphans.
static int forks(void) {
    enum { kWorkers = 4, kEach = 24 };
    for (int worker = 0; worker < kWorkers; worker++) {
        if (fork() != 0) continue;
        for (int i = 0; i < kEach; i++) {
            pid_t child = i % 4 == 3 ? vfork() : fork();
            if (child < 0) _exit(1);
            if (child == 0) {
                if (i % 4 == 0) _exit(i);
                if (i % 4 == 1) pause();
                if (i % 4 == 2 && fork() == 0) _exit(0);
                if (i % 4 == 2) _exit(0);
                execl("/proc/self/exe", own_arguments[0], "nothing", (char*)0);
                _exit(99);
            }
            if (i % 4 == 1) kill(child, SIGKILL);
            int status;
            if (waitpid(child, &status, 0) != child) _exit(2);
            if (i % 4 == 1 ? !WIFSIGNALED(status) : WEXITSTATUS(status) != (i % 4 == 0 ? i : 0)) _exit(3);
        }
        _exit(0);
    }
    int status, bad = 0;
    while (wait(&status) > 0) bad |= status;
    return bad;
}

static volatile sig_atomic_t seen;
static void count(int signal) {
    (void)signal;
    seen++;
}

// Real-time signals queued to a process that handles them while others kill, stop and continue it.
static int signals(void) {
    enum { kSenders = 3, kEach = 100 };
    int ready[2];
    char c;
    if (pipe(ready) < 0) return 1;
    pid_t target = fork();
    if (target == 0) {
        struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
        sigaction(SIGRTMIN, &action, 0);
        sigaction(SIGUSR1, &action, 0);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        while (seen < kSenders * kEach) {
            sigset_t none;
            sigemptyset(&none);
            struct timespec moment = {0, 10000000};
            ppoll(0, 0, &moment, &none);
        }
        _exit(0);
    }
    if (read(ready[0], &c, 1) != 1) return 2;
    close(ready[0]);
    close(ready[1]);
    for (int sender = 0; sender < kSenders; sender++) {
        if (fork() != 0) continue;
        for (int i = 0; i < kEach; i++) {
            union sigval value = {.sival_int = i};
            while (sigqueue(target, SIGRTMIN, value) < 0 && errno == EAGAIN) sched_yield();
            if (i % 10 == sender) kill(target, SIGSTOP);
            if (i % 10 == sender) kill(target, SIGCONT);
        }
        _exit(0);
    }
    int status, bad = 0;
    for (int i = 0; i < kSenders + 1; i++) {
        if (wait(&status) < 0) return 3;
        bad |= status;
    }
    return bad;
}

// Processes killed with signals pending, timers armed and descriptors full of events.
static int killed_in_action(void) {
    for (int i = 0; i < 16; i++) {
        pid_t child = fork();
        if (child == 0) {
            sigset_t set;
            sigfillset(&set);
            sigprocmask(SIG_BLOCK, &set, 0);
            for (int n = 0; n < 20; n++) sigqueue(getpid(), SIGRTMIN + n % 4, (union sigval){.sival_int = n});
            signalfd(-1, &set, 0);
            int fd = timerfd_create(CLOCK_MONOTONIC, 0);
            struct itimerspec often = {{0, 100000}, {0, 100000}};
            timerfd_settime(fd, 0, &often, 0);
            timer_t timer;
            struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
            timer_create(CLOCK_MONOTONIC, &event, &timer);
            timer_settime(timer, 0, &often, 0);
            syscall(SYS_pidfd_open, getppid(), 0);
            for (;;) pause();
        }
        int pidfd = (int)syscall(SYS_pidfd_open, child, 0);
        if (i % 2) sched_yield();
        struct pollfd poller = {pidfd, POLLIN, 0};
        if (syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, 0L, 0) < 0) return 1;
        if (poll(&poller, 1, 10000) != 1) return 2;
        siginfo_t info;
        if (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0 || info.si_status != SIGKILL) return 3;
        close(pidfd);
    }
    return 0;
}

int main(int argc, char** argv) {
    if (argc > 1) return 0;
    own_arguments = argv;
    storm("forks", 6, forks);
    storm("signals", 6, signals);
    storm("killed in action", 6, killed_in_action);
    printf("processes: %s\n", storms_failed ? "FAILED" : "passed");
    return storms_failed != 0;
}
