// Executing by descriptor, no longer sharing, and signals with data for one thread.
#include "tests/guest/cases/case.h"

#include <sched.h>

static char* const kArguments[] = {"x", "again", 0};
static char* const kEnvironment[] = {0};

static long exec_at(int fd, const char* path, int flags) {
    return SYS(execveat, fd, path, kArguments, kEnvironment, flags);
}

static void by_name(void) { show("execveat", exec_at(AT_FDCWD, "program", 0)); }
static void by_directory(void) { show("execveat", exec_at(open(".", O_RDONLY | O_DIRECTORY), "program", 0)); }
static void by_path_descriptor(void) {
    show("execveat", exec_at(open("program", O_PATH), "", AT_EMPTY_PATH));
}
static void by_descriptor(void) {
    show("execveat", exec_at(open("program", O_RDONLY | O_CLOEXEC), "", AT_EMPTY_PATH));
}
static void by_memory(void) {
    int from = open("program", O_RDONLY), to = memfd_create("copy", MFD_CLOEXEC);
    char block[4096];
    long n;
    while ((n = read(from, block, sizeof block)) > 0)
        if (write(to, block, (size_t)n) != n) _exit(97);
    show("execveat", exec_at(to, "", AT_EMPTY_PATH));
}
static void by_link(void) { show("execveat", exec_at(AT_FDCWD, "link", 0)); }
static void script(void) { show("execveat", exec_at(open("script", O_RDONLY), "", AT_EMPTY_PATH)); }

static void errors(void) {
    show("a link that is not to be followed", exec_at(AT_FDCWD, "link", AT_SYMLINK_NOFOLLOW));
    show("bad flags", exec_at(AT_FDCWD, "program", 1));
    show("bad descriptor", exec_at(77, "program", 0));
    show("bad descriptor, empty path", exec_at(77, "", AT_EMPTY_PATH));
    show("not a directory", exec_at(open("program", O_RDONLY), "program", 0));
    show("empty path", exec_at(open("program", O_RDONLY), "", 0));
    show("empty path, no descriptor", exec_at(AT_FDCWD, "", AT_EMPTY_PATH));
    show("a directory", exec_at(open(".", O_RDONLY), "", AT_EMPTY_PATH));
    show("not executable", exec_at(open("plain", O_RDONLY), "", AT_EMPTY_PATH));
    show("missing", exec_at(AT_FDCWD, "missing", 0));
    show("bad pointer", SYS(execveat, AT_FDCWD, 8L, kArguments, kEnvironment, 0));
    int p[2];
    pipe(p);
    show("a pipe", exec_at(p[0], "", AT_EMPTY_PATH));
}

static int change(void* unused) {
    (void)unused;
    show("unshare", SYS(unshare, (long)(CLONE_FILES | CLONE_FS)));
    close(50);
    chdir("/");
    umask(077);
    return 0;
}
static int change_shared(void* unused) {
    (void)unused;
    close(50);
    chdir("/");
    return 0;
}

static void sharing(void) {
    static char stack[65536] __attribute__((aligned(16)));
    char before[100], after[100];
    dup2(1, 50);
    getcwd(before, sizeof before);
    pid_t child = clone(change, stack + sizeof stack, CLONE_FILES | CLONE_FS | SIGCHLD, 0);
    waitpid(child, 0, 0);
    getcwd(after, sizeof after);
    check("directory kept", !strcmp(before, after));
    show("descriptor kept", fcntl(50, F_GETFD));
    show("umask kept", umask(022));
    child = clone(change_shared, stack + sizeof stack, CLONE_FILES | CLONE_FS | SIGCHLD, 0);
    waitpid(child, 0, 0);
    getcwd(after, sizeof after);
    say("shared: in %s\n", after);
    show("shared: descriptor", fcntl(50, F_GETFD));
    show("nothing", SYS(unshare, 0L));
    show("what threads share, alone", SYS(unshare, (long)(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)));
    show("unknown", SYS(unshare, 1L));
    SYS(setresuid, 1000, 1000, 1000);
    show("a user's host name", SYS(unshare, (long)CLONE_NEWUTS));
}

static void queueing(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, 0);
    siginfo_t info = {.si_code = SI_QUEUE}, got;
    info.si_value.sival_int = 11;
    show("queue", SYS(rt_tgsigqueueinfo, getpid(), gettid(), SIGRTMIN, &info));
    show("receive", SYS(rt_sigtimedwait, &set, &got, 0L, 8L));
    say("code %d value %d\n", got.si_code, got.si_value.sival_int);
    show("signal 0", SYS(rt_tgsigqueueinfo, getpid(), gettid(), 0, &info));
    show("bad signal", SYS(rt_tgsigqueueinfo, getpid(), gettid(), 65, &info));
    show("bad process", SYS(rt_tgsigqueueinfo, 0, gettid(), SIGUSR1, &info));
    show("bad thread", SYS(rt_tgsigqueueinfo, getpid(), 0, SIGUSR1, &info));
    show("not its thread", SYS(rt_tgsigqueueinfo, getpid(), getppid(), SIGUSR1, &info));
    show("nobody", SYS(rt_tgsigqueueinfo, 999999, 999999, SIGUSR1, &info));
    show("bad pointer", SYS(rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, 8L));
    info.si_code = SI_USER;
    show("as if by kill, to a child", ({
             pid_t child = fork();
             if (child == 0) {
                 pause();
                 _exit(0);
             }
             long result = SYS(rt_tgsigqueueinfo, child, child, SIGUSR1, &info);
             kill(child, SIGKILL);
             waitpid(child, 0, 0);
             result;
         }));
    show("as if by kill, to oneself", SYS(rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info));
}

int main(int argc, char** argv) {
    if (argc > 1) {
        say("runs: %s %s\n", argv[0], argv[1]);
        return 0;
    }
    enter("execats");
    char block[4096];
    long n;
    int from = open("/proc/self/exe", O_RDONLY), to = open("program", O_WRONLY | O_CREAT, 0755);
    while ((n = read(from, block, sizeof block)) > 0)
        if (write(to, block, (size_t)n) != n) return 1;
    close(to);
    close(from);
    symlink("program", "link");
    put("plain", "not a program");
    char line[200], here[100];
    snprintf(line, sizeof line, "#!%s/program\n", getcwd(here, sizeof here));
    put("script", line);
    chmod("script", 0755);
    in_child("by name", by_name);
    in_child("by directory", by_directory);
    in_child("by path descriptor", by_path_descriptor);
    in_child("by descriptor", by_descriptor);
    in_child("by memory", by_memory);
    in_child("by link", by_link);
    in_child("a script", script);
    in_child("errors", errors);
    in_child("sharing", sharing);
    in_child("queueing", queueing);
}
