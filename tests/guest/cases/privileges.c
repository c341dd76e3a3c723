// What only root may do, or only the owner: every call that refuses others, tried by a user.
#include "tests/guest/cases/case.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>

enum { kUser = 1000 };
static pid_t roots;  // a process of root's
static int segment, set, queue, keyed_set, keyed_queue;
#define TRY_IT(name, ...) show(#name, SYS(name, ##__VA_ARGS__))

static void machine(void) {
    struct timex clock = {.modes = ADJ_FREQUENCY};
    TRY_IT(adjtimex, &clock);
    TRY_IT(clock_adjtime, CLOCK_REALTIME, &clock);
    TRY_IT(settimeofday, (&(struct timeval){1, 0}), 0L);
    TRY_IT(clock_settime, CLOCK_REALTIME, (&(struct timespec){1, 0}));
    TRY_IT(sethostname, "x", 1L);
    TRY_IT(setdomainname, "x", 1L);
    TRY_IT(reboot, 0xfee1dead, 0x28121969, 0, 0L);
    TRY_IT(mount, "none", ".", "tmpfs", 0L, 0L);
    TRY_IT(umount2, ".", 0);
    TRY_IT(pivot_root, ".", ".");
    TRY_IT(chroot, ".");
    TRY_IT(syslog, 5, 0L, 0);
    TRY_IT(open_by_handle_at, AT_FDCWD, (&(int[40]){8, 1}), O_RDONLY);
    TRY_IT(mknod, "device", S_IFCHR | 0600, 0x103L);
    TRY_IT(mknodat, AT_FDCWD, "device", S_IFBLK | 0600, 0x103L);
    TRY_IT(unshare, CLONE_NEWNS);
    TRY_IT(clone, CLONE_NEWUTS | SIGCHLD, 0L, 0L, 0L, 0L);
    TRY_IT(setgroups, 0, 0L);
}

static void identities(void) {
    TRY_IT(setuid, 0);
    TRY_IT(setgid, 0);
    TRY_IT(setreuid, 0, -1);
    TRY_IT(setreuid, -1, 0);
    TRY_IT(setregid, 0, -1);
    TRY_IT(setregid, -1, 0);
    TRY_IT(setresuid, 0, -1, -1);
    TRY_IT(setresgid, -1, -1, 0);
    TRY_IT(setfsuid, 0);
    check("setfsuid did nothing", SYS(setfsuid, -1) == kUser);
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{1, 1, 0}, {0, 0, 0}};
    TRY_IT(capset, &header, sets);
}

static void processes(void) {
    siginfo_t info = {.si_code = SI_QUEUE};
    TRY_IT(kill, roots, SIGTERM);
    TRY_IT(kill, roots, 0);
    TRY_IT(tkill, roots, SIGTERM);
    TRY_IT(tgkill, roots, roots, SIGTERM);
    TRY_IT(rt_sigqueueinfo, roots, SIGTERM, &info);
    TRY_IT(rt_tgsigqueueinfo, roots, roots, SIGTERM, &info);
    info.si_code = SI_USER;
    TRY_IT(rt_sigqueueinfo, roots, SIGTERM, &info);
    TRY_IT(rt_tgsigqueueinfo, roots, roots, SIGTERM, &info);
    int pidfd = (int)SYS(pidfd_open, roots, 0);
    TRY_IT(pidfd_send_signal, pidfd, SIGTERM, 0L, 0);
    TRY_IT(pidfd_getfd, pidfd, 0, 0);
    struct iovec here = {&info, 8}, there = {(void*)0x400000, 8};
    TRY_IT(process_madvise, pidfd, &there, 1L, MADV_COLD, 0);
    TRY_IT(process_vm_readv, roots, &here, 1L, &there, 1L, 0L);
    TRY_IT(process_vm_writev, roots, &here, 1L, &there, 1L, 0L);
    TRY_IT(process_vm_writev, 99999, &here, 1L, &there, 1L, 0L);
    TRY_IT(process_vm_writev, getpid(), &here, 1L, &there, 1L, 1L);
    TRY_IT(kcmp, getpid(), roots, 1, 0L, 0L);
    void* list;
    size_t size;
    TRY_IT(get_robust_list, roots, &list, &size);
    struct rlimit limit = {10, 10};
    TRY_IT(prlimit64, roots, RLIMIT_NOFILE, &limit, 0L);
    TRY_IT(prlimit64, roots, RLIMIT_NOFILE, 0L, &limit);
    TRY_IT(setrlimit, RLIMIT_CORE, (&(struct rlimit){5, 5}));
    TRY_IT(setrlimit, RLIMIT_CORE, (&(struct rlimit){5, 6}));
    TRY_IT(setpriority, PRIO_PROCESS, roots, 5);
    TRY_IT(ioprio_set, 1, roots, 0);
    struct sched_param param = {0};
    TRY_IT(sched_setparam, roots, &param);
    TRY_IT(sched_setparam, 99999, &param);
    TRY_IT(sched_getparam, 99999, &param);
    TRY_IT(sched_setscheduler, roots, SCHED_BATCH, &param);
    TRY_IT(sched_setscheduler, 99999, SCHED_BATCH, &param);
    param.sched_priority = 1;
    TRY_IT(sched_setscheduler, 0, SCHED_FIFO, &param);
    uint64_t cpus[16] = {1};
    TRY_IT(sched_setaffinity, roots, sizeof cpus, cpus);
    TRY_IT(sched_getaffinity, 99999, sizeof cpus, cpus);
    TRY_IT(setpgid, roots, 0);
}

static void memory(void) {
    setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){0, 0});
    void* page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRY_IT(mlock, page, 4096L);
    TRY_IT(mlock2, page, 4096L, 0);
    TRY_IT(mlockall, MCL_CURRENT);
    TRY_IT(mlock, page, -1L);
    TRY_IT(munlock, page, -1L);
    show("MAP_LOCKED", SYS(mmap, 0L, 4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0L));
    show("mmap of page 0", SYS(mmap, 0L, 4096L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0L));
}

static void files(void) {
    int fd = open("roots", O_RDONLY);
    TRY_IT(chmod, "roots", 0600);
    TRY_IT(fchmod, fd, 0600);
    TRY_IT(fchmodat, AT_FDCWD, "roots", 0600);
    TRY_IT(chown, "roots", kUser, -1);
    TRY_IT(fchown, fd, kUser, -1);
    TRY_IT(lchown, "roots", kUser, -1);
    TRY_IT(fchownat, AT_FDCWD, "roots", -1, 0, 0);
    TRY_IT(chown, "users", 0, -1);
    TRY_IT(chown, "users", -1, 0);
    TRY_IT(chown, "users", kUser, kUser);
    struct timeval then[2] = {{1, 0}, {1, 0}};
    struct timespec times[2] = {{1, 0}, {1, 0}};
    TRY_IT(utime, "roots", then);
    TRY_IT(utimes, "roots", then);
    TRY_IT(futimesat, AT_FDCWD, "roots", then);
    TRY_IT(utimensat, AT_FDCWD, "roots", times, 0);
    TRY_IT(utimes, "roots", 0L);
    TRY_IT(utimensat, AT_FDCWD, "users", times, 0);
    TRY_IT(link, "roots", "open/link");
    TRY_IT(link, "users", "open/link");
    TRY_IT(unlink, "open/roots");
    TRY_IT(unlinkat, AT_FDCWD, "open/roots", 0);
    TRY_IT(rename, "open/roots", "open/other");
    TRY_IT(renameat, AT_FDCWD, "open/roots", AT_FDCWD, "open/other");
    TRY_IT(renameat2, AT_FDCWD, "open/link", AT_FDCWD, "open/roots", 0);
    TRY_IT(rmdir, "open/directory");
    TRY_IT(open, "roots", O_RDONLY | O_NOATIME, 0);
    TRY_IT(openat, AT_FDCWD, "roots", O_RDONLY | O_NOATIME, 0);
    TRY_IT(setxattr, "users", "trusted.x", "1", 1L, 0);
    TRY_IT(setxattr, "roots", "user.x", "1", 1L, 0);
    TRY_IT(fcntl, open("/dev/null", O_RDONLY), F_SETFL, O_APPEND);
    int p[2];
    pipe(p);
    TRY_IT(fcntl, p[1], F_SETPIPE_SZ, 1 << 21);
    struct sockaddr_un name = {AF_UNIX, "private/socket"};
    TRY_IT(bind, socket(AF_UNIX, SOCK_STREAM, 0), &name, sizeof name);
    TRY_IT(connect, socket(AF_UNIX, SOCK_STREAM, 0), &name, sizeof name);
    strcpy(name.sun_path, "roots-socket");
    TRY_IT(connect, socket(AF_UNIX, SOCK_STREAM, 0), &name, sizeof name);
    TRY_IT(sendto, socket(AF_UNIX, SOCK_DGRAM, 0), "x", 1L, 0, &name, sizeof name);
}

static void ipc(void) {
    struct sembuf up = {0, 1, 0};
    struct {
        long type;
        char text[8];
    } text = {1, ""};
    union {
        struct shmid_ds segment;
        struct semid_ds set;
        struct msqid_ds queue;
    } facts;
    TRY_IT(shmat, segment, 0L, 0);
    TRY_IT(shmctl, segment, IPC_STAT, &facts);
    TRY_IT(shmctl, segment, IPC_RMID, 0L);
    TRY_IT(semop, set, &up, 1);
    TRY_IT(semtimedop, set, &up, 1, 0L);
    TRY_IT(semctl, set, 0, GETVAL, 0L);
    TRY_IT(semctl, set, 0, IPC_STAT, &facts);
    TRY_IT(semctl, set, 0, IPC_RMID, 0L);
    TRY_IT(semget, 771, 1, 0600);
    TRY_IT(msgsnd, queue, &text, 1L, 0);
    TRY_IT(msgrcv, queue, &text, 1L, 0, IPC_NOWAIT);
    TRY_IT(msgctl, queue, IPC_STAT, &facts);
    TRY_IT(msgctl, queue, IPC_RMID, 0L);
    TRY_IT(msgget, 772, 0600);
}

static void as_a_user(void (*body)(void), const char* what) {
    pid_t child = fork();
    if (child == 0) {
        if (setgroups(0, 0) < 0 || setresgid(kUser, kUser, kUser) < 0 || setresuid(kUser, kUser, kUser) < 0)
            _exit(9);
        body();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    say("%s: %s\n", what, status_text(status));
}

int main(void) {
    enter("privileges");
    put("roots", "");
    put("users", "");
    chown("users", kUser, kUser);
    mkdir("private", 0700);
    mkdir("open", 01777);
    chmod("open", 01777);
    put("open/roots", "");
    mkdir("open/directory", 0777);
    struct sockaddr_un name = {AF_UNIX, "roots-socket"};
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(listener, (struct sockaddr*)&name, sizeof name);
    listen(listener, 1);
    segment = shmget(IPC_PRIVATE, 4096, 0600);
    set = semget(IPC_PRIVATE, 1, 0600);
    queue = msgget(IPC_PRIVATE, 0600);
    keyed_set = semget(771, 1, IPC_CREAT | 0600);
    keyed_queue = msgget(772, IPC_CREAT | 0600);
    roots = fork();
    if (roots == 0) {
        pause();
        _exit(0);
    }
    as_a_user(machine, "machine");
    as_a_user(identities, "identities");
    as_a_user(processes, "processes");
    as_a_user(memory, "memory");
    as_a_user(files, "files");
    as_a_user(ipc, "ipc");
    kill(roots, SIGKILL);
    wait(0);
    shmctl(segment, IPC_RMID, 0);
    semctl(set, 0, IPC_RMID);
    semctl(keyed_set, 0, IPC_RMID);
    msgctl(queue, IPC_RMID, 0);
    msgctl(keyed_queue, IPC_RMID, 0);
}
