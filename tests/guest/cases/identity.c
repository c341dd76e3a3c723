// Users, groups, process groups, sessions, capabilities, priorities, scheduling.
#include "tests/guest/cases/case.h"

#include <linux/capability.h>
#include <sched.h>

static void print_users(const char* what) {
    uid_t r, e, s;
    SYS(getresuid, &r, &e, &s);
    say("%s: uids %u %u %u\n", what, r, e, s);
}
static void print_groups(const char* what) {
    gid_t r, e, s;
    SYS(getresgid, &r, &e, &s);
    say("%s: gids %u %u %u\n", what, r, e, s);
}

static void users(void) {
    say("start: %ld %ld %ld %ld\n", SYS(getuid), SYS(geteuid), SYS(getgid), SYS(getegid));
    show("setreuid", SYS(setreuid, 0, 1000));
    print_users("setreuid");
    show("seteuid back", SYS(setreuid, -1, 0));
    show("setresuid", SYS(setresuid, 1, 2, 3));
    print_users("setresuid");
    show("setuid to saved", SYS(setuid, 3));
    print_users("setuid");
    show("setuid to stranger", SYS(setuid, 0));
    show("setresuid to stranger", SYS(setresuid, 0, -1, -1));
    show("setreuid to stranger", SYS(setreuid, 5, -1));
}
static void groups(void) {
    show("setregid", SYS(setregid, 5, 6));
    print_groups("setregid");
    show("setgid as root sets all", SYS(setgid, 7));
    print_groups("setgid");
    show("setresgid", SYS(setresgid, 1, 2, 3));
    print_groups("setresgid");
    gid_t list[4] = {10, 20, 30, 40}, out[4] = {0};
    show("setgroups", SYS(setgroups, 3L, list));
    show("getgroups count", SYS(getgroups, 0, 0L));
    show("getgroups", SYS(getgroups, 4, out));
    say("groups: %u %u %u\n", out[0], out[1], out[2]);
    show("getgroups too small", SYS(getgroups, 2, out));
    show("getgroups negative", SYS(getgroups, -1, out));
    show("setgroups too many", SYS(setgroups, 70000L, list));
    SYS(setresuid, 1000, 1000, 1000);
    show("setgroups as user", SYS(setgroups, 1L, list));
    show("setgid to saved", SYS(setgid, 3));
    print_groups("setgid");
    show("setgid to stranger", SYS(setgid, 0));
}
static void setuid_drops(void) {
    SYS(setuid, 1000);
    print_users("setuid as root sets all");
    show("and is final", SYS(setuid, 0));
}

static void sessions(void) {
    pid_t self = getpid();
    show("setsid of a group leader", ({
             setpgid(0, 0);
             SYS(setsid);
         }));
    pid_t child = fork();
    if (child == 0) {
        check("group of the parent", SYS(getpgrp) == getpgid(getppid()));
        check("setsid", SYS(setsid) == getpid());
        check("getsid", SYS(getsid, 0) == getpid());
        check("getpgid", SYS(getpgid, 0) == getpid());
        show("setpgid of a session leader", SYS(setpgid, 0, 0));
        show("controlling terminal", SYS(open, "/dev/tty", O_RDWR, 0));
        pid_t inner = fork();
        if (inner == 0) {
            pause_ms(50);
            _exit(0);
        }
        show("setpgid of a child", SYS(setpgid, inner, inner));
        check("it took", getpgid(inner) == inner);
        show("setpgid into another session", SYS(setpgid, inner, getpgid(self)));
        show("setpgid into nothing", SYS(setpgid, inner, 99999));
        waitpid(inner, 0, 0);
        _exit(0);
    }
    waitpid(child, 0, 0);
    show("setpgid negative", SYS(setpgid, 0, -1));
    show("setpgid of a stranger", SYS(setpgid, 1, 0));
    show("getpgid of nobody", SYS(getpgid, 99999));
    show("getsid of nobody", SYS(getsid, 99999));
    int p[2], q[2];
    pipe(p);
    pipe(q);
    child = fork();
    if (child == 0) {
        char c;
        write(p[1], "x", 1);
        read(q[0], &c, 1);
        char* argv[] = {"x", 0};
        execve("/bin/nothing", argv, argv);
        _exit(0);
    }
    char c;
    read(p[0], &c, 1);
    show("setpgid of a child before exec", SYS(setpgid, child, 0));
    write(q[1], "x", 1);
    waitpid(child, 0, 0);
    int gone[2];
    pipe2(gone, O_CLOEXEC);
    child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "identity", "sleeps", (char*)0);
        _exit(1);
    }
    close(gone[1]);
    read(gone[0], &c, 1);  // ends with the exec
    show("setpgid of a child after exec", SYS(setpgid, child, child));
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
}

static void capabilities(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    show("capget", SYS(capget, &header, data));
    check("root may change owners", data[0].effective & 1);
    header.version = 1;
    show("capget unknown version", SYS(capget, &header, data));
    say("it tells the version: %x\n", header.version);
    header.pid = 99999;
    show("capget of nobody", SYS(capget, &header, data));
    SYS(setuid, 1000);
    header = (struct __user_cap_header_struct){_LINUX_CAPABILITY_VERSION_3, 0};
    SYS(capget, &header, data);
    show("a user has none", data[0].effective);
}

static void nice_of_a_user(void) {
    if (setresuid(1000, 1000, 1000) < 0) _exit(9);
    show("setpriority of another's process", SYS(setpriority, 0, getppid(), 1));
    show("setpriority of one's own", SYS(setpriority, 0, 0, 3));
    show("setpriority back", SYS(setpriority, 0, 0, 2));
    show("setpriority bad which", SYS(setpriority, 9, 0, 0));
    show("setpriority of nobody", SYS(setpriority, 0, 99999, 0));
}

static void priorities(void) {
    setpgid(0, 0);
    SYS(setpriority, 0, 0, 0);  // whoever started this may have been nice
    show("getpriority", SYS(getpriority, 0, 0));
    show("setpriority", SYS(setpriority, 0, 0, 5));
    show("getpriority is 20 - nice", SYS(getpriority, 0, 0));
    show("setpriority beyond", SYS(setpriority, 0, 0, 100));
    show("getpriority", SYS(getpriority, 0, 0));
    show("setpriority back", SYS(setpriority, 0, 0, 0));
    show("getpriority of nobody", SYS(getpriority, 0, 99999));
    show("getpriority bad which", SYS(getpriority, 9, 0));
    in_child("a user", nice_of_a_user);
    show("setpriority of group", SYS(setpriority, 1, 0, 1));
    struct sched_param param = {7};
    show("sched_getscheduler", SYS(sched_getscheduler, 0));
    show("sched_getparam", SYS(sched_getparam, 0, &param));
    show("its priority", param.sched_priority);
    show("sched_setparam", SYS(sched_setparam, 0, &param));
    param.sched_priority = 1;
    show("sched_setparam bad", SYS(sched_setparam, 0, &param));
    show("priority_max FIFO", SYS(sched_get_priority_max, SCHED_FIFO));
    show("priority_min FIFO", SYS(sched_get_priority_min, SCHED_FIFO));
    show("priority_max OTHER", SYS(sched_get_priority_max, SCHED_OTHER));
    show("priority_max bad", SYS(sched_get_priority_max, 99));
    show("priority_min bad", SYS(sched_get_priority_min, 99));
    param.sched_priority = 0;
    show("sched_setscheduler batch", SYS(sched_setscheduler, 0, SCHED_BATCH, &param));
    show("sched_getscheduler", SYS(sched_getscheduler, 0));
    show("sched_setscheduler bad policy", SYS(sched_setscheduler, 0, 99, &param));
    show("sched_setscheduler bad priority", SYS(sched_setscheduler, 0, SCHED_FIFO, &param));
    show("sched_getscheduler of nobody", SYS(sched_getscheduler, 99999));
    show("sched_yield", SYS(sched_yield));
    cpu_set_t set;
    CPU_ZERO(&set);
    check("sched_getaffinity", SYS(sched_getaffinity, 0, sizeof set, &set) > 0);
    check("some CPU", CPU_COUNT(&set) > 0);
    show("sched_getaffinity too small", SYS(sched_getaffinity, 0, 1L, &set));
    int first = 0;
    while (!CPU_ISSET(first, &set)) first++;
    CPU_ZERO(&set);
    show("sched_setaffinity empty", SYS(sched_setaffinity, 0, sizeof set, &set));
    CPU_SET(first, &set);
    show("sched_setaffinity", SYS(sched_setaffinity, 0, sizeof set, &set));
    unsigned cpu = 99, node = 99;
    show("getcpu", SYS(getcpu, &cpu, &node, 0L));
    check("runs where it was told", cpu == (unsigned)first);
    show("sched_setaffinity of nobody", SYS(sched_setaffinity, 99999, sizeof set, &set));
}

int main(int argc, char** argv) {
    if (argc > 1 && strcmp(argv[1], "sleeps") == 0) return pause();
    enter("identity");
    in_child("users", users);
    in_child("groups", groups);
    in_child("drop", setuid_drops);
    in_child("sessions", sessions);
    in_child("capabilities", capabilities);
    in_child("priorities", priorities);
}
