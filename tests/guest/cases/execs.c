// execve: arguments, environment, scripts, what is kept and what is reset, and its errors. Runs itself again.
#include "tests/guest/cases/case.h"

#include <elf.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

static const char* self = "/bin/execs";

static void copy_of_self(const char* path) {
    int from = open(self, O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    char bytes[65536];
    for (long n; (n = read(from, bytes, sizeof bytes)) > 0;) write(to, bytes, (size_t)n);
    close(from);
    close(to);
}

// What is executed cannot be written to, and what is open for writing cannot be executed.
static void busy(void) {
    copy_of_self("copy");
    put("script", "#!/nowhere\n");
    chmod("script", 0755);
    int gone[2], fd;
    pipe2(gone, O_CLOEXEC);
    pid_t child = fork();
    if (child == 0) {
        execl("copy", "copy", "sleeps", (char*)0);
        _exit(1);
    }
    close(gone[1]);
    char c;
    read(gone[0], &c, 1);  // ends with the exec
    show("open to write what runs", SYS(open, "copy", O_WRONLY, 0));
    show("openat to write what runs", SYS(openat, AT_FDCWD, "copy", O_RDWR, 0));
    show("creat of what runs", SYS(creat, "copy", 0755));
    show("truncate what runs", SYS(truncate, "copy", 0L));
    show("open O_TRUNC what runs", SYS(open, "copy", O_RDONLY | O_TRUNC, 0));
    show_ok("open to read what runs", fd = (int)SYS(open, "copy", O_RDONLY, 0));
    show("chmod of what runs", SYS(chmod, "copy", 0700));
    show("rename what runs", SYS(rename, "copy", "moved"));
    show("open to write, renamed", SYS(open, "moved", O_WRONLY, 0));
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
    show_ok("open to write when it has ended", fd = (int)SYS(open, "moved", O_WRONLY, 0));
    char* const argv[] = {"moved", "sleeps", 0};
    show("execve of what is open for writing", SYS(execve, "moved", argv, argv));
    int read_only = open("moved", O_RDONLY);
    show("execveat of what is open for writing", SYS(execveat, read_only, "", argv, argv, AT_EMPTY_PATH));
    int inherited = dup(fd);
    close(fd);
    show("a duplicate is open", SYS(execve, "moved", argv, argv));
    close(inherited);
    fd = open("script", O_RDWR);
    show("execve of a script open for writing", SYS(execve, "script", argv, argv));
    close(fd);
    show("execve of a script", SYS(execve, "script", argv, argv));
}

static void run(const char* what, const char* path, char* const argv[], char* const envp[]) {
    pid_t child = fork();
    if (child == 0) {
        show(what, SYS(execve, path, argv, envp));
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (status) say("%s: %s\n", what, status_text(status));
}

// What the new program says of itself.
static int report(int argc, char** argv, char** envp) {
    for (int i = 2; i < argc; i++) say("argument: \"%s\"\n", argv[i]);
    for (char** e = envp; *e; e++) say("environment: \"%s\"\n", *e);
    say("name: %s\n", argv[0]);
    char exe[64] = "", comm[17] = "";
    readlink("/proc/self/exe", exe, sizeof exe - 1);
    prctl(PR_GET_NAME, comm);
    say("exe %s comm %s\n", exe, comm);
    show("descriptor 10", SYS(fcntl, 10, F_GETFD, 0));
    show("descriptor 11 was close-on-exec", SYS(fcntl, 11, F_GETFD, 0));
    struct sigaction action;
    sigaction(SIGUSR1, 0, &action);
    check("handler is reset", action.sa_handler == SIG_DFL);
    sigaction(SIGUSR2, 0, &action);
    check("ignored stays ignored", action.sa_handler == SIG_IGN);
    sigset_t set;
    sigprocmask(SIG_BLOCK, 0, &set);
    check("mask is kept", sigismember(&set, SIGHUP));
    sigpending(&set);
    check("pending is kept", sigismember(&set, SIGHUP));
    stack_t stack;
    sigaltstack(0, &stack);
    check("alternate stack is gone", stack.ss_flags == SS_DISABLE);
    say("umask %o\n", umask(0));
    char path[64];
    say("cwd %s\n", getcwd(path, sizeof path));
    check("AT_PAGESZ", getauxval(AT_PAGESZ) == 4096);
    check("AT_ENTRY and AT_PHDR", getauxval(AT_ENTRY) && getauxval(AT_PHDR) && getauxval(AT_PHNUM) > 0);
    check("AT_PHENT", getauxval(AT_PHENT) == sizeof(Elf64_Phdr));
    check("AT_RANDOM", getauxval(AT_RANDOM) != 0);
    check("AT_CLKTCK", getauxval(AT_CLKTCK) == 100);
    check("AT_SECURE", getauxval(AT_SECURE) == 0);
    check("AT_UID", getauxval(AT_UID) == 0 && getauxval(AT_EGID) == 0);
    say("AT_EXECFN %s\n", (const char*)getauxval(AT_EXECFN));
    say("AT_PLATFORM %s\n", (const char*)getauxval(AT_PLATFORM));
    return 12;
}

static void handler(int signal) { (void)signal; }

static void prepare_and_exec(void) {
    dup2(1, 10);
    fcntl(dup2(1, 11), F_SETFD, FD_CLOEXEC);
    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, 0);
    raise(SIGHUP);
    static char stack[65536];
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, 0);
    umask(027);
    char* argv[] = {"given-name", "report", "", "two words", "ü", 0};
    char* envp[] = {"A=1", "EMPTY=", "B=x y", 0};
    pid_t before = getpid();
    char text[32];
    snprintf(text, sizeof text, "PID=%d", before);
    execve(self, argv, envp);
}

static void scripts(void) {
    put("script", "#!/bin/execs echo\n");
    chmod("script", 0755);
    char* argv[] = {"zero", "one", "two", 0};
    char* none[] = {0};
    run("script", "script", argv, none);
    put("options", "#! /bin/execs   echo many words  \n");
    chmod("options", 0755);
    run("script with options", "./options", argv, none);
    put("nested", "#!/tmp/execs/script\n");
    chmod("nested", 0755);
    run("script of a script", "nested", argv, none);
    put("missing-interpreter", "#!/bin/nothing\n");
    chmod("missing-interpreter", 0755);
    run("script without interpreter", "missing-interpreter", argv, none);
    put("loop", "#!/tmp/execs/loop\n");
    chmod("loop", 0755);
    run("script of itself", "loop", argv, none);
    put("blank", "#!\n");
    chmod("blank", 0755);
    run("script without a name", "blank", argv, none);
}

static void errors(void) {
    char* argv[] = {"x", 0};
    char* none[] = {0};
    run("missing", "missing", argv, none);
    run("directory", "/tmp", argv, none);
    put("text", "just text\n");
    run("not executable", "text", argv, none);
    chmod("text", 0755);
    run("no format", "text", argv, none);
    put("empty", "");
    chmod("empty", 0755);
    run("empty", "empty", argv, none);
    put("elf", "\177ELF and nothing more");
    chmod("elf", 0755);
    run("broken ELF", "elf", argv, none);
    run("below a file", "text/x", argv, none);
    symlink("loop-link", "loop-link");
    run("symbolic loop", "loop-link", argv, none);
    show("bad path", SYS(execve, 8L, argv, none));
    show("bad argv", SYS(execve, self, 8L, none));
    // One string may have 128 KiB at most (execve(2)).
    static char huge[140000];
    memset(huge, 'x', sizeof huge - 1);
    char* big[] = {"x", huge, 0};
    run("string too long", self, big, none);
    char* many[] = {"many", "count", 0};
    run("arguments", self, many, none);
}

// 1000 arguments of 100 bytes come through.
static void volume(void) {
    static char text[1000][101];
    char* argv[1003] = {"volume", "count"};
    for (int i = 0; i < 1000; i++) {
        memset(text[i], 'a' + i % 26, 100);
        argv[i + 2] = text[i];
    }
    execve(self, argv, (char*[]){0});
}

static void from_vfork(void) {
    pid_t child = vfork();
    if (child == 0) {
        execve(self, (char*[]){"v", "echo", "after vfork", 0}, (char*[]){0});
        _exit(1);
    }
    int status;
    waitpid(child, &status, 0);
    say("vfork and exec: %s\n", status_text(status));
}

int main(int argc, char** argv, char** envp) {
    if (argc > 1 && strcmp(argv[1], "report") == 0) return report(argc, argv, envp);
    if (argc > 1 && strncmp(argv[1], "echo", 4) == 0) {
        for (int i = 0; i < argc; i++) say("  %d \"%s\"\n", i, argv[i]);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "count") == 0) {
        long bytes = 0;
        for (int i = 0; i < argc; i++) bytes += (long)strlen(argv[i]);
        say("%d arguments, %ld bytes\n", argc, bytes);
        return 0;
    }
    if (argc > 1 && strcmp(argv[1], "sleeps") == 0) return pause();
    enter("execs");
    in_child("busy", busy);
    in_child("exec", prepare_and_exec);
    scripts();
    errors();
    in_child("volume", volume);
    from_vfork();
}
