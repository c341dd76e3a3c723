// clone and clone3: what they make, what they refuse.
#include "tests/guest/cases/case.h"

#include <linux/sched.h>
#include <poll.h>
#include <sys/resource.h>

struct arguments {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
        cgroup;
    uint64_t beyond;
};

static long clone_with(struct arguments arguments, size_t size) {
    long pid = SYS(clone3, &arguments, size);
    if (pid == 0) _exit(7);
    if (pid > 0) {
        int status;
        waitpid((pid_t)pid, &status, __WALL);
        return WEXITSTATUS(status);
    }
    return pid;
}

static void refused(void) {
    struct arguments plain = {.exit_signal = SIGCHLD}, wanted;
    show("plain", clone_with(plain, 64));
    show("longer", clone_with(plain, 88));
    show("longest", clone_with(plain, sizeof plain));
    show("too short", clone_with(plain, 56));
    show("too long", clone_with(plain, 5000));
    wanted = plain;
    wanted.beyond = 1;
    show("something unknown", clone_with(wanted, sizeof wanted));
    show("bad pointer", SYS(clone3, 8L, 88L));
    const struct {
        const char* name;
        uint64_t flags;
    } combinations[] = {
        {"unknown flag", 1ull << 40},
        {"a signal in flags", SIGCHLD},
        {"DETACHED", CLONE_DETACHED},
        {"SIGHAND without VM", CLONE_SIGHAND},
        {"THREAD without SIGHAND", CLONE_THREAD | CLONE_VM},
        {"NEWNS with FS", CLONE_NEWNS | CLONE_FS},
        {"SIGHAND and CLEAR_SIGHAND", CLONE_SIGHAND | CLONE_VM | CLONE_CLEAR_SIGHAND},
    };
    for (size_t i = 0; i < sizeof combinations / sizeof *combinations; i++) {
        wanted = plain;
        wanted.flags = combinations[i].flags;
        show(combinations[i].name, clone_with(wanted, 88));
    }
    wanted = plain;
    wanted.exit_signal = 65;
    show("bad exit signal", clone_with(wanted, 88));
    wanted.exit_signal = 256;
    show("exit signal too large", clone_with(wanted, 88));
    wanted = plain;
    wanted.flags = CLONE_SETTLS;
    wanted.tls = 1ull << 59;
    show("thread-local storage beyond any address", clone_with(wanted, 88));
    wanted.tls = 0xffffffff80000000;
    show("thread-local storage in the kernel", clone_with(wanted, 88));
    wanted = plain;
    wanted.flags = CLONE_PARENT;
    show("PARENT with an exit signal", clone_with(wanted, 88));
    wanted = plain;
    wanted.stack = 4096;
    show("stack without size", clone_with(wanted, 88));
    wanted.stack = 0;
    wanted.stack_size = 4096;
    show("size without stack", clone_with(wanted, 88));
    wanted = plain;
    wanted.set_tid_size = 1;
    show("set_tid_size without set_tid", clone_with(wanted, 88));
    int tid = -1;
    wanted.set_tid = (uintptr_t)&tid;
    wanted.set_tid_size = 33;
    show("too many set_tid", clone_with(wanted, 88));
    wanted = plain;
    wanted.flags = CLONE_PIDFD;
    wanted.pidfd = 8;
    show("a bad place for the pidfd", clone_with(wanted, 88));
    int both = 0;
    show("clone, PIDFD and PARENT_SETTID",
         SYS(clone, (long)(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD), 0L, &both, 0L, 0L));
}

static void made(void) {
    int parent_tid = 0, child_tid = 0, pidfd = -1;
    struct arguments wanted = {
        .flags = CLONE_PIDFD | CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND,
        .exit_signal = SIGUSR1,
        .pidfd = (uintptr_t)&pidfd,
        .parent_tid = (uintptr_t)&parent_tid,
        .child_tid = (uintptr_t)&child_tid};
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, (void (*)(int))(uintptr_t)status_text);
    pid_t child = (pid_t)SYS(clone3, &wanted, 88L);
    if (child == 0) {
        struct sigaction action;
        sigaction(SIGUSR2, 0, &action);
        int ok = child_tid == getpid() && action.sa_handler == SIG_DFL;
        sigaction(SIGUSR1, 0, &action);
        _exit(ok && action.sa_handler == SIG_IGN ? 3 : 4);
    }
    check("parent_tid", parent_tid == child);
    check("child_tid is the child's alone", child_tid == 0);
    show("close-on-exec", fcntl(pidfd, F_GETFD));
    struct pollfd poller = {pidfd, POLLIN, 0};
    show("its end shows", poll(&poller, 1, 5000));
    int status = 0;
    show("wait without __WALL", SYS(wait4, child, &status, 0, 0L));
    check("wait with __WCLONE", SYS(wait4, child, &status, __WCLONE, 0L) == child);
    say("%s\n", status_text(status));
    // The parent is blocked until the child of a vfork is gone; they share memory.
    static volatile int stage;
    child = vfork();
    if (child == 0) {
        stage = 1;
        _exit(5);
    }
    show("after vfork the child is done", stage);
    waitpid(child, &status, 0);
    say("%s\n", status_text(status));
}

static void grandchild(void) {
    // CLONE_PARENT: the new process is its maker's sibling.
    pid_t maker = fork();
    if (maker == 0) {
        struct arguments wanted = {.flags = CLONE_PARENT};
        long sibling = SYS(clone3, &wanted, 88L);
        if (sibling == 0) _exit(getppid() == getpid() ? 1 : 9);
        _exit(sibling > 0 && waitpid((pid_t)sibling, 0, __WALL) < 0 && errno == ECHILD ? 8 : 1);
    }
    int ends = 0, status;
    while (wait(&status) > 0 || errno == EINTR) ends = ends * 10 + WEXITSTATUS(status);
    check("both were ours", ends == 89 || ends == 98);
}

int main(void) {
    enter("clones");
    in_child("refused", refused);
    in_child("made", made);
    in_child("grandchild", grandchild);
}
