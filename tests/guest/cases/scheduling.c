// Scheduling attributes, I/O priorities, barriers, execution domains, names of the system.
#include "tests/guest/cases/case.h"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/utsname.h>

struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
    uint64_t beyond;
};

static void print(const char* what) {
    struct attributes now = {0};
    long result = SYS(sched_getattr, 0, &now, 48, 0);
    say("%s: %ld size %u policy %u flags %lx nice %d priority %u\n", what, result, now.size, now.policy,
        (long)now.flags, now.nice, now.priority);
}

static void attributes(void) {
    SYS(setpriority, 0, 0, 0);
    print("default");
    struct attributes wanted = {.size = 48, .nice = 5};
    show("nice", SYS(sched_setattr, 0, &wanted, 0));
    print("nice");
    show("getpriority agrees", SYS(getpriority, 0, 0));
    wanted = (struct attributes){.size = 48, .policy = SCHED_BATCH, .flags = 1};
    show("batch, reset on fork", SYS(sched_setattr, 0, &wanted, 0));
    print("batch");
    show("getscheduler shows it", SYS(sched_getscheduler, 0));
    if (fork() == 0) {
        print("a child's");
        _exit(0);
    }
    wait(0);
    wanted = (struct attributes){.size = 48};
    show("back", SYS(sched_setattr, 0, &wanted, 0));
    wanted.policy = 99;
    show("bad policy", SYS(sched_setattr, 0, &wanted, 0));
    wanted = (struct attributes){.size = 48, .priority = 5};
    show("bad priority", SYS(sched_setattr, 0, &wanted, 0));
    wanted = (struct attributes){.size = 48, .policy = SCHED_FIFO};
    show("FIFO without priority", SYS(sched_setattr, 0, &wanted, 0));
    wanted = (struct attributes){.size = 48, .flags = 1ul << 40};
    show("bad attribute flags", SYS(sched_setattr, 0, &wanted, 0));
    wanted = (struct attributes){.size = 40};
    show("too small", SYS(sched_setattr, 0, &wanted, 0));
    wanted = (struct attributes){.size = sizeof wanted, .beyond = 1};
    show("too much", SYS(sched_setattr, 0, &wanted, 0));
    wanted = (struct attributes){.size = sizeof wanted};
    show("longer but empty", SYS(sched_setattr, 0, &wanted, 0));
    wanted = (struct attributes){.size = 0};
    show("no size", SYS(sched_setattr, 0, &wanted, 0));
    show("bad flags", SYS(sched_setattr, 0, &wanted, 1));
    show("nobody", SYS(sched_setattr, 999999, &wanted, 0));
    show("negative", SYS(sched_setattr, -1, &wanted, 0));
    show("null", SYS(sched_setattr, 0, 0L, 0));
    show("bad pointer", SYS(sched_setattr, 0, 8L, 0));
    show("get, too small", SYS(sched_getattr, 0, &wanted, 47, 0));
    show("get, too large", SYS(sched_getattr, 0, &wanted, 5000, 0));
    show("get, bad flags", SYS(sched_getattr, 0, &wanted, 48, 1));
    show("get, nobody", SYS(sched_getattr, 999999, &wanted, 48, 0));
    show("get, null", SYS(sched_getattr, 0, 0L, 48, 0));
    show("get, bad pointer", SYS(sched_getattr, 0, 8L, 48, 0));
    struct timespec slice = {-1, -1};
    show("rr_get_interval", SYS(sched_rr_get_interval, 0, &slice));
    check("filled", slice.tv_sec == 0 && slice.tv_nsec >= 0);
    show("rr_get_interval of nobody", SYS(sched_rr_get_interval, 999999, &slice));
    show("rr_get_interval negative", SYS(sched_rr_get_interval, -1, &slice));
    show("rr_get_interval bad pointer", SYS(sched_rr_get_interval, 0, 8L));
    SYS(setresuid, 1000, 1000, 1000);
    wanted = (struct attributes){.size = 48, .policy = SCHED_FIFO, .priority = 5};
    show("a user asks for FIFO", SYS(sched_setattr, 0, &wanted, 0));
    wanted = (struct attributes){.size = 48, .nice = -5};
    show("a user asks for less nice", SYS(sched_setattr, 0, &wanted, 0));
    wanted = (struct attributes){.size = 48, .nice = 15};
    show("a user is nicer", SYS(sched_setattr, 0, &wanted, 0));
    show("another's", SYS(sched_setattr, getppid(), &wanted, 0));
}

#define IO(class, level) ((class) << 13 | (level))

static void io_priorities(void) {
    setpgid(0, 0);
    show("set best effort 3", SYS(ioprio_set, 1, 0, IO(2, 3)));
    show("get", SYS(ioprio_get, 1, 0));
    show("set idle", SYS(ioprio_set, 1, getpid(), IO(3, 0)));
    show("get", SYS(ioprio_get, 1, getpid()));
    show("set real time", SYS(ioprio_set, 2, 0, IO(1, 2)));
    show("get of the group", SYS(ioprio_get, 2, 0));
    if (fork() == 0) {
        show("inherited", SYS(ioprio_get, 1, 0));
        _exit(0);
    }
    wait(0);
    show("bad class", SYS(ioprio_set, 1, 0, IO(5, 0)));
    show("a level without class", SYS(ioprio_set, 1, 0, IO(0, 3)));
    show("bad which", SYS(ioprio_set, 9, 0, IO(2, 0)));
    show("get, bad which", SYS(ioprio_get, 9, 0));
    show("nobody", SYS(ioprio_set, 1, 999999, IO(2, 0)));
    show("get, nobody", SYS(ioprio_get, 1, 999999));
    SYS(setresuid, 1000, 1000, 1000);
    show("a user asks for real time", SYS(ioprio_set, 1, 0, IO(1, 0)));
    show("a user asks for best effort", SYS(ioprio_set, 1, 0, IO(2, 0)));
    show("another's", SYS(ioprio_set, 1, getppid(), IO(2, 0)));
}

static void barriers(void) {
    long known = SYS(membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    check("barriers there are", (known & 0x1f) == 0x1f);
    show("global", SYS(membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0));
    show("private, not registered", SYS(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
    show("register", SYS(membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
    show("private", SYS(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
    show("core, not registered", SYS(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
    show("register", SYS(membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
    show("core", SYS(membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0));
    show("register global", SYS(membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0));
    show("global expedited", SYS(membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0));
    show("bad command", SYS(membarrier, 3, 0, 0));
    show("bad flags", SYS(membarrier, MEMBARRIER_CMD_QUERY, 4, 0));
}

static void domains(void) {
    show("personality", SYS(personality, 0xffffffffL));
    show("set", SYS(personality, (long)ADDR_NO_RANDOMIZE));
    show("personality", SYS(personality, 0xffffffffL));
    show("set 32", SYS(personality, (long)PER_LINUX32));
    struct utsname name;
    SYS(uname, &name);
    say("machine %s\n", name.machine);
    if (fork() == 0) {
        show("inherited", SYS(personality, 0xffffffffL));
        _exit(0);
    }
    wait(0);
    show("set back", SYS(personality, 0L));
    SYS(uname, &name);
    say("machine %s\n", name.machine);
    show("setdomainname", SYS(setdomainname, "example", 7L));
    SYS(uname, &name);
    say("domain %s\n", name.domainname);
    show("too long", SYS(setdomainname, "x", 65L));
    show("bad pointer", SYS(setdomainname, 8L, 5L));
    show("restart_syscall", SYS(restart_syscall));
    SYS(setresuid, 1000, 1000, 1000);
    show("a user names the domain", SYS(setdomainname, "x", 1L));
    show("a user names the host", SYS(sethostname, "x", 1L));
}

int main(void) {
    enter("scheduling");
    in_child("attributes", attributes);
    in_child("io priorities", io_priorities);
    in_child("barriers", barriers);
    in_child("domains", domains);
}
