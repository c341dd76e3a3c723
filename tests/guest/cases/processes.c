// Processes: fork, vfork, clone, exit and its status, wait in its forms, orphans, sessions of children.
#include "tests/guest/cases/case.h"

#include <sched.h>
#include <sys/resource.h>

static void statuses(void) {
    int status;
    pid_t child = (pid_t)SYS(fork);
    if (child == 0) _exit(3);
    check("wait4 gives the child", SYS(wait4, child, &status, 0, 0L) == child);
    say("status: %x %s\n", status, status_text(status));
    show("wait4 without children", SYS(wait4, -1, &status, 0, 0L));
    show("wait4 of a stranger", SYS(wait4, 1, &status, 0, 0L));
    show("wait4 bad options", SYS(wait4, -1, &status, 0x1000, 0L));
    if ((child = fork()) == 0) syscall(SYS_exit, 256 + 7);
    wait4(child, &status, 0, 0);
    say("exit keeps eight bits: %s\n", status_text(status));
    if ((child = fork()) == 0) syscall(SYS_exit_group, 9);
    wait4(child, &status, 0, 0);
    say("exit_group: %s\n", status_text(status));
    if ((child = fork()) == 0) pause();
    show("nobody ready", SYS(wait4, -1, &status, WNOHANG, 0L));
    kill(child, SIGKILL);
    struct rusage usage;
    memset(&usage, 0x55, sizeof usage);
    check("wait4 of the killed", SYS(wait4, 0, &status, 0, &usage) == child);
    say("killed: %s\n", status_text(status));
    check("usage is filled", usage.ru_utime.tv_sec < 10);
    int leave[2];
    if (pipe(leave) < 0) return;
    if ((child = fork()) == 0) {
        char byte;
        raise(SIGSTOP);
        _exit(read(leave[0], &byte, 1) == 1 ? 5 : 6);
    }
    SYS(wait4, child, &status, WUNTRACED, 0L);
    say("stopped: %x %s\n", status, status_text(status));
    show("stopped once only", SYS(wait4, child, &status, WUNTRACED | WNOHANG, 0L));
    kill(child, SIGCONT);
    SYS(wait4, child, &status, WCONTINUED, 0L);
    say("continued: %x %s\n", status, status_text(status));
    if (write(leave[1], "", 1) != 1) return;
    SYS(wait4, child, &status, 0, 0L);
    say("then: %s\n", status_text(status));
}

static void print(const char* what, long result, const siginfo_t* info, pid_t child) {
    show(what, result);
    say("  signal %d code %d status %d pid %s\n", info->si_signo, info->si_code, info->si_status,
        info->si_pid == child ? "child's"
        : info->si_pid == 0   ? "0"
                              : "other");
}

static void waitids(void) {
    siginfo_t info;
    pid_t child = fork();
    if (child == 0) _exit(4);
    memset(&info, 0, sizeof info);
    print("waitid nowait", SYS(waitid, P_PID, child, &info, WEXITED | WNOWAIT, 0L), &info, child);
    print("waitid", SYS(waitid, P_PID, child, &info, WEXITED, 0L), &info, child);
    show("waitid again", SYS(waitid, P_PID, child, &info, WEXITED, 0L));
    if ((child = fork()) == 0) pause();
    memset(&info, 0x55, sizeof info);
    print("waitid nohang", SYS(waitid, P_ALL, 0, &info, WEXITED | WNOHANG, 0L), &info, child);
    kill(child, SIGSTOP);
    print("waitid stopped", SYS(waitid, P_ALL, 0, &info, WSTOPPED, 0L), &info, child);
    kill(child, SIGCONT);
    print("waitid continued", SYS(waitid, P_PGID, getpgrp(), &info, WCONTINUED, 0L), &info, child);
    kill(child, SIGTERM);
    print("waitid killed", SYS(waitid, P_PGID, 0, &info, WEXITED, 0L), &info, child);
    show("waitid no events", SYS(waitid, P_ALL, 0, &info, 0, 0L));
    show("waitid bad type", SYS(waitid, 9, 0, &info, WEXITED, 0L));
}

static void families(void) {
    int p[2];
    pipe(p);
    pid_t self = getpid(), child = fork();
    if (child == 0) {
        check("parent is the forker", getppid() == self);
        check("own pid differs", getpid() != self);
        check("group is inherited", getpgrp() == getpgid(self));
        pid_t parent = getpid();
        if (fork() == 0) {
            while (getppid() == parent) pause_ms(5);
            say("an orphan's parent: %d\n", getppid());
            write(p[1], "x", 1);
            _exit(0);
        }
        _exit(0);
    }
    waitpid(child, 0, 0);
    char c;
    read(p[0], &c, 1);
    show("the orphan is not ours to wait for", SYS(wait4, -1, 0L, 0, 0L));
    // By group.
    pid_t group = fork();
    if (group == 0) pause();
    setpgid(group, group);
    pid_t member = fork();
    if (member == 0) pause();
    setpgid(member, group);
    pid_t outsider = fork();
    if (outsider == 0) pause();
    kill(-group, SIGTERM);
    int status, waited = 0;
    while (waitpid(-group, &status, 0) > 0) waited++;
    show("members waited for", waited);
    show("the outsider lives", waitpid(outsider, &status, WNOHANG));
    kill(outsider, SIGKILL);
    waitpid(outsider, 0, 0);
    // A zombie can be signalled, and is gone once waited for.
    child = fork();
    if (child == 0) _exit(0);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    show("kill of a zombie", SYS(kill, child, 0));
    waitpid(child, 0, 0);
    show("kill of nobody", SYS(kill, child, 0));
}

static volatile int vforked;
static void forks(void) {
    vforked = 0;
    pid_t child = vfork();
    if (child == 0) {
        vforked = 1;
        _exit(6);
    }
    int status;
    waitpid(child, &status, 0);
    say("vfork shares memory: %d, %s\n", vforked, status_text(status));
    static int cell;
    int parent_tid = 0;
    child = (pid_t)SYS(clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0L, &parent_tid, &cell, 0L);
    if (child == 0) _exit(cell == getpid() ? 0 : 1);
    check("clone sets the parent's copy", parent_tid == child);
    waitpid(child, &status, 0);
    say("clone sets the child's: %s\n", status_text(status));
    check("not in the parent", cell == 0);
    show("clone thread without memory", SYS(clone, CLONE_THREAD | SIGCHLD, 0L, 0L, 0L, 0L));
    show("clone handlers without memory", SYS(clone, CLONE_SIGHAND | SIGCHLD, 0L, 0L, 0L, 0L));
    // Files shared by choice.
    child = (pid_t)SYS(clone, CLONE_FILES | SIGCHLD, 0L, 0L, 0L, 0L);
    if (child == 0) {
        dup2(1, 50);
        _exit(0);
    }
    waitpid(child, 0, 0);
    show("shared descriptor table", fcntl(50, F_GETFD));
    close(50);
    child = (pid_t)SYS(clone, CLONE_FS | SIGCHLD, 0L, 0L, 0L, 0L);
    if (child == 0) {
        umask(077);
        chdir("/");
        _exit(0);
    }
    waitpid(child, 0, 0);
    char path[64];
    say("shared working directory: %s umask %o\n", getcwd(path, sizeof path), umask(022));
    // A child that signals nothing is waited for with __WALL only.
    child = (pid_t)SYS(clone, 0, 0L, 0L, 0L, 0L);
    if (child == 0) _exit(0);
    show("wait for a silent child", SYS(wait4, child, &status, 0, 0L));
    check("wait for all", SYS(wait4, child, &status, __WALL, 0L) == child);
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
            set_tid_size, cgroup;
    } arguments = {.exit_signal = SIGCHLD};
    child = (pid_t)SYS(clone3, &arguments, 64L);
    if (child == 0) _exit(8);
    waitpid(child, &status, 0);
    say("clone3: %s\n", status_text(status));
    show("clone3 too small", SYS(clone3, &arguments, 8L));
    arguments.exit_signal = 200;
    show("clone3 bad signal", SYS(clone3, &arguments, 64L));
    int count = 0;
    for (int i = 0; i < 100; i++)
        if (fork() == 0) _exit(i);
    for (int sum = 0; wait(&status) > 0;) {
        sum += WEXITSTATUS(status);
        if (++count == 100) show("sum of 100 exit statuses", sum);
    }
}

static void nochildwait(void) {
    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0) _exit(0);
    show("ignored SIGCHLD leaves no zombie", SYS(wait4, -1, 0L, 0, 0L));
}

int main(void) {
    enter("processes");
    statuses();
    waitids();
    families();
    forks();
    in_child("no zombies", nochildwait);
}
