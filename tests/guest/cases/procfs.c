// /proc: what programs read there.
#include "tests/guest/cases/case.h"

#include <ctype.h>
#include <dirent.h>
#include <pthread.h>
#include <sys/prctl.h>

static char text[65536];

static long slurp(const char* path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return -errno;
    long total = 0, n;
    while ((n = read(fd, text + total, sizeof text - 1 - (size_t)total)) > 0) total += n;
    text[total] = 0;
    close(fd);
    return n < 0 ? -errno : total;
}

// "path has what", its line ends and tabs as blanks.
static const char* label(const char* path, const char* what) {
    static char line[128];
    snprintf(line, sizeof line, "%s has %s", path, what);
    for (char* c = line; *c; c++)
        if (*c == '\n' || *c == '\t') *c = ' ';
    return line;
}

static void has(const char* path, const char* what) {
    long n = slurp(path);
    if (n < 0)
        show(path, n);
    else
        check(label(path, what), strstr(text, what) != 0);
}

static void link_of(const char* path) {
    char target[256] = "";
    long n = SYS(readlink, path, target, (int)sizeof target - 1);
    if (n < 0)
        show(path, n);
    else
        say("%s -> %s\n", path, target);
}

// A line of status, its value stripped of blanks; names of unstable fields are not asked for.
static void field(const char* name) {
    slurp("/proc/self/status");
    char key[64];
    snprintf(key, sizeof key, "\n%s:", name);
    char* at = strstr(text, key + (strncmp(text, key + 1, strlen(key) - 1) == 0));
    if (!at) return say("status has no %s\n", name);
    at = strchr(at, ':') + 1;
    while (*at == ' ' || *at == '\t') at++;
    char* end = strchr(at, '\n');
    for (char* c = at; c < end; c++)
        if (*c == '\t') *c = ' ';
    say("status %s: %.*s\n", name, (int)(end - at), at);
}

static void own(void) {
    prctl(PR_SET_NAME, "renamed (x) y");
    show("cmdline", slurp("/proc/self/cmdline"));
    say("cmdline: %s\n", text);
    slurp("/proc/self/comm");
    say("comm: %s", text);
    link_of("/proc/self/exe");
    link_of("/proc/self/cwd");
    link_of("/proc/self/root");
    slurp("/proc/self/environ");
    check("environ starts as the environment does", environ[0] && strcmp(text, environ[0]) == 0);
    int fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    link_of(path);
    unlink("file");
    link_of(path);
    show("reopened by its link", SYS(open, path, O_RDWR, 0) > 0);
    int p[2];
    pipe(p);
    snprintf(path, sizeof path, "/proc/self/fd/%d", p[0]);
    char target[64] = "";
    readlink(path, target, sizeof target - 1);
    check("a pipe's link", strncmp(target, "pipe:[", 6) == 0);
    link_of("/proc/self/fd/99");
    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    write(fd, "12345", 5);
    has(path, "pos:\t5\n");
    DIR* dir = opendir("/proc/self/fd");
    int count = 0;
    for (struct dirent* e; (e = readdir(dir));) count += isdigit(e->d_name[0]) != 0;
    say("descriptors listed: %d\n", count);
    closedir(dir);
    field("Name");
    field("Umask");
    field("State");
    field("Threads");
    field("Uid");
    field("Gid");
    field("ShdPnd");
    field("SigIgn");
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, 0);
    field("SigBlk");
    check("Pid is the caller's", (slurp("/proc/self/status"), atoi(strstr(text, "\nPid:") + 5)) == getpid());
    check("PPid is the parent's", atoi(strstr(text, "\nPPid:") + 6) == getppid());
    check("VmRSS is there", strstr(text, "\nVmRSS:") != 0);
    // stat: the fields that are fixed; the name may hold anything, so fields count from the last parenthesis.
    slurp("/proc/self/stat");
    check("stat starts with the pid", atoi(text) == getpid());
    check("stat has the name", strstr(text, " (renamed (x) y) R ") != 0);
    int fields = 2;
    for (char* c = strrchr(text, ')'); *c; c++) fields += *c == ' ';
    show("stat fields", fields);
    int ppid, pgrp, sid;
    sscanf(strrchr(text, ')') + 4, "%d %d %d", &ppid, &pgrp, &sid);
    check("stat parent, group, session", ppid == getppid() && pgrp == getpgrp() && sid == getsid(0));
    slurp("/proc/self/statm");
    fields = 1;
    for (char* c = text; *c; c++) fields += *c == ' ';
    show("statm fields", fields);
}

static void maps(void) {
    char* m = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(m, 4096, PROT_READ);
    int fd = open("/bin/procfs", O_RDONLY);
    char* f = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 4096);
    slurp("/proc/self/maps");
    char line[128];
    snprintf(line, sizeof line, "%lx-%lx r--p 00000000 00:00 0 ", (unsigned long)m, (unsigned long)m + 4096);
    check("maps shows the read-only half", strstr(text, line) != 0);
    snprintf(line, sizeof line, "%lx-%lx r--s 00001000 ", (unsigned long)f, (unsigned long)f + 4096);
    char* at = strstr(text, line);
    check("maps shows the file mapping", at != 0);
    check("with its path", at && strncmp(strchr(at, '\n') - strlen("/bin/procfs"), "/bin/procfs", 11) == 0);
    check("maps has [stack]", strstr(text, "[stack]\n") != 0);
    check("maps has [heap]", (sbrk(4096), slurp("/proc/self/maps"), strstr(text, "[heap]\n") != 0));
    check("maps has [vdso]", strstr(text, "[vdso]\n") != 0);
    int mem = open("/proc/self/mem", O_RDWR);
    char byte = 0;
    m[5000] = 'q';
    show("mem read", pread(mem, &byte, 1, (off_t)(uintptr_t)(m + 5000)));
    check("its byte", byte == 'q');
}

static void* idle(void* arg) {
    (void)arg;
    pause();
    return 0;
}

static void others(void) {
    char path[64];
    pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    pause_ms(30);
    snprintf(path, sizeof path, "/proc/%d/stat", child);
    slurp(path);
    check("a sleeping child is S", strstr(text, ") S ") != 0);
    kill(child, SIGSTOP);
    waitpid(child, 0, WUNTRACED);
    slurp(path);
    check("a stopped one is T", strstr(text, ") T ") != 0);
    kill(child, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT);
    slurp(path);
    check("a dead one is Z", strstr(text, ") Z ") != 0);
    snprintf(path, sizeof path, "/proc/%d/cmdline", child);
    show("a zombie's cmdline", slurp(path));
    waitpid(child, 0, 0);
    show("a gone one", slurp(path));
    pthread_t t;
    pthread_create(&t, 0, idle, 0);
    DIR* dir = opendir("/proc/self/task");
    int count = 0;
    for (struct dirent* e; (e = readdir(dir));) count += isdigit(e->d_name[0]) != 0;
    show("threads listed", count);
    dir = opendir("/proc");
    int self = 0;
    for (struct dirent* e; (e = readdir(dir));) self += atoi(e->d_name) == getpid();
    show("/proc lists this process", self);
    show("/proc cannot be written", SYS(open, "/proc/new", O_CREAT | O_WRONLY, 0644) < 0);
    show("unlink in /proc", SYS(unlink, "/proc/version") < 0);
}

static void machine(void) {
    has("/proc/meminfo", "MemTotal:");
    has("/proc/meminfo", "MemFree:");
    has("/proc/meminfo", "MemAvailable:");
    has("/proc/meminfo", "Cached:");
    has("/proc/cpuinfo", "processor\t: 0\n");
    has("/proc/cpuinfo", "model name\t: ");
    has("/proc/cpuinfo", "flags\t\t: ");
    has("/proc/stat", "cpu  ");
    has("/proc/stat", "\ncpu0 ");
    has("/proc/stat", "\nctxt ");
    has("/proc/stat", "\nbtime ");
    has("/proc/stat", "\nprocesses ");
    has("/proc/version", "Linux version ");
    has("/proc/filesystems", "nodev\tproc\n");
    has("/proc/filesystems", "nodev\ttmpfs\n");
    has("/proc/mounts", " / ");
    has("/proc/mounts", " /proc proc ");
    has("/proc/self/mountinfo", " - proc ");
    link_of("/proc/mounts");
    double up = 0, idle_time = 0, load = 0;
    slurp("/proc/uptime");
    check("uptime", sscanf(text, "%lf %lf", &up, &idle_time) == 2 && up > 0);
    slurp("/proc/loadavg");
    check("loadavg", sscanf(text, "%lf", &load) == 1 && strchr(text, '/'));
    slurp("/proc/sys/kernel/hostname");
    char name[65];
    gethostname(name, sizeof name);
    check("hostname", strncmp(text, name, strlen(name)) == 0 && text[strlen(name)] == '\n');
    slurp("/proc/sys/kernel/ostype");
    say("ostype: %s", text);
    check("pid_max", (slurp("/proc/sys/kernel/pid_max"), atol(text)) >= 32768);
    slurp("/proc/sys/kernel/random/uuid");
    show("uuid length", (long)strlen(text));
    check("overcommit", slurp("/proc/sys/vm/overcommit_memory") == 2);
    show("missing", slurp("/proc/nothing"));
}

int main(void) {
    enter("procfs");
    own();
    maps();
    others();
    machine();
}
