// Random system calls: fuzzing [CALLS [SEED]]. Children make calls with random numbers and arguments until
// they end themselves or have made their share; this process only counts, cleans up and looks whether the
// kernel still works. What a child does follows from the seed and its number, which are printed when
// something goes wrong.
#include "tests/guest/storms/storm.h"

#include <dirent.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>

enum {
    kDefaultCalls = 20000,
    kShare = 2000,       // calls of one child
    kPatienceMs = 1500,  // for one child
    kNobody = 65534,
    kArena = 1 << 20,
};

static volatile long* made;  // calls so far; shared with the children
static uint64_t state;

static uint64_t draw(void) {  // xorshift64*
    state ^= state >> 12, state ^= state << 25, state ^= state >> 27;
    return state * 0x2545f4914f6cdd1d;
}
static uint64_t below(uint64_t limit) { return draw() % limit; }

static char* arena;

static uint64_t any_pointer(void) {
    switch (below(10)) {
        case 0: return 0;
        case 1: return 0xffffffff80000000 + below(1 << 21);  // the kernel
        case 2: return draw();
        case 3: return (uint64_t)arena + kArena - below(16);  // up to the end of memory
        case 4: return below(1 << 16);
        default: return (uint64_t)arena + below(kArena / 8) * 8;
    }
}

static uint64_t any_argument(void) {
    switch (below(8)) {
        case 0: return below(16);                 // a descriptor, an option
        case 1: return below(8192);               // a size
        case 2: return (uint64_t)1 << below(64);  // a flag
        case 3: return -below(4096);              // AT_FDCWD and other small negatives
        case 4: return draw() >> below(64);
        default: return any_pointer();
    }
}

// Paths, numbers and pointers wherever a call may look.
static void fill_arena(void) {
    static const char* const names[] = {"a",
                                        "b",
                                        "c/d",
                                        ".",
                                        "..",
                                        "/proc/self/mem",
                                        "/proc/self/maps",
                                        "/dev/null",
                                        "/dev/ptmx",
                                        "/dev/zero",
                                        "/proc/self/fd/3",
                                        "",
                                        "/proc/1/status",
                                        "/dev/shm/x",
                                        "user.x",
                                        "tmpfs"};
    for (char* at = arena; at < arena + kArena; at += 512) {
        uint64_t* words = (uint64_t*)at;
        for (int i = 0; i < 64; i++) words[i] = below(4) ? 0 : any_argument();
        if (below(2)) strcpy(at, names[below(sizeof names / sizeof *names)]);
    }
}

// May the child make this call? Not what ends the machine or this process, nor, as root, what would change
// the machine for this process; not what can only sleep for long.
static int allowed(long number, int root) {
    static const short never[] = {SYS_reboot, SYS_vfork, SYS_pause};
    static const short not_as_root[] = {
        SYS_kill,
        SYS_tkill,
        SYS_tgkill,
        SYS_rt_sigqueueinfo,
        SYS_rt_tgsigqueueinfo,
        SYS_pidfd_send_signal,
        SYS_prlimit64,
        SYS_mount,
        SYS_umount2,
        SYS_pivot_root,
        SYS_process_vm_writev,
        SYS_sched_setscheduler,
        SYS_fork,
        SYS_clone,
        SYS_clone3,
        SYS_sched_setparam,
        SYS_sched_setaffinity,
        SYS_sched_setattr,
        SYS_setresuid,
        SYS_setuid,
        SYS_setreuid,
        SYS_setpriority,
        SYS_process_madvise,
        SYS_setrlimit,
    };
    // Mostly the end of the child.
    static const short seldom[] = {SYS_exit,   SYS_exit_group, SYS_rt_sigreturn, SYS_munmap,
                                   SYS_mremap, SYS_mprotect,   SYS_arch_prctl,   SYS_execve};
    for (unsigned i = 0; i < sizeof seldom / sizeof *seldom; i++)
        if (number == seldom[i]) return below(20) == 0;
    for (unsigned i = 0; i < sizeof never / sizeof *never; i++)
        if (number == never[i]) return 0;
    for (unsigned i = 0; i < sizeof not_as_root / sizeof *not_as_root && root; i++)
        if (number == not_as_root[i]) return 0;
    return 1;
}

static void on_alarm(int signal) { (void)signal; }

static void child(int root) {
    setsid();
    int nowhere = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++) dup2(nowhere, fd);
    arena = mmap(0, kArena + 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(arena + kArena, 65536);
    static const struct rlimit memory = {256 << 20, 256 << 20}, size = {1 << 20, 1 << 20}, many = {48, 48};
    setrlimit(RLIMIT_AS, &memory);
    setrlimit(RLIMIT_FSIZE, &size);
    setrlimit(RLIMIT_NPROC, &many);
    signal(SIGXFSZ, SIG_IGN);
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, 0);
    setitimer(ITIMER_REAL, &(struct itimerval){{0, 1000}, {0, 1000}}, 0);
    if (!root && setresuid(kNobody, kNobody, kNobody) < 0) _exit(1);
    fill_arena();
    for (int i = 0; i < kShare; i++) {
        long number = below(50) ? (long)below(470) : (long)(int32_t)draw();
        if (!allowed(number, root)) continue;
        __atomic_fetch_add(made, 1, __ATOMIC_RELAXED);
        syscall(number, any_argument(), any_argument(), any_argument(), any_argument(), any_argument(),
                any_argument());
        if (i % 256 == 255) fill_arena();
    }
    _exit(0);
}

// Ends whatever the last child left running: everything that is nobody's.
static void sweep(void) {
    pid_t broom = fork();
    if (broom == 0) {
        if (setresuid(kNobody, kNobody, kNobody) == 0) kill(-1, SIGKILL);
        _exit(0);
    }
    while (wait(0) > 0 || errno == EINTR) {}
}

static void empty_directory(const char* path) {
    DIR* directory = opendir(path);
    for (struct dirent* entry; directory && (entry = readdir(directory));) {
        char name[600];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(name) < 0) rmdir(name);
    }
    if (directory) closedir(directory);
}

// Does the kernel still fork, pipe, execute and tell the time?
static int kernel_works(void) {
    int pair[2];
    if (pipe(pair) < 0) return 0;
    pid_t other = fork();
    if (other == 0) {
        dup2(pair[1], 1);
        execl("/proc/self/exe", "fuzzing", "alive", (char*)0);
        _exit(1);
    }
    close(pair[1]);
    char answer[8] = "";
    ssize_t n = read(pair[0], answer, 5);
    close(pair[0]);
    int status = -1;
    waitpid(other, &status, 0);
    return n == 5 && memcmp(answer, "alive", 5) == 0 && status == 0;
}

static long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int main(int argc, char** argv) {
    if (argc > 1 && strcmp(argv[1], "alive") == 0) return write(1, "alive", 5) != 5;
    long calls = argc > 1 ? atol(argv[1]) : kDefaultCalls, late = 0, seed = argc > 2 ? atol(argv[2]) : 1,
         round;
    made = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGHUP, SIG_IGN);
    sigset_t chld;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, 0);
    for (round = 0; *made < calls; round++) {
        mkdir("/tmp/fuzzing", 0777);
        chmod("/tmp/fuzzing", 0777);
        if (chdir("/tmp/fuzzing") < 0) return 1;
        pid_t pid = fork();
        if (pid == 0) {
            sigprocmask(SIG_UNBLOCK, &chld, 0);
            state = (uint64_t)seed * 0x9e3779b97f4a7c15 + (uint64_t)round + 1;
            for (int i = 0; i < 8; i++) draw();
            child(round % 4 == 0);
        }
        for (long end = now_ms() + kPatienceMs; waitpid(pid, 0, WNOHANG) != pid;) {
            if (now_ms() >= end) {
                late++;
                kill(pid, SIGKILL);
                waitpid(pid, 0, 0);
                break;
            }
            sigtimedwait(&chld, 0, &(struct timespec){0, 100000000});
        }
        sweep();
        empty_directory("/tmp/fuzzing/c");
        empty_directory("/tmp/fuzzing");
        if (round % 64 == 0 && !kernel_works()) {
            printf("FAIL fuzzing: the kernel does not work after round %ld of seed %ld\nfuzzing: FAILED\n",
                   round, seed);
            return 1;
        }
    }
    int works = kernel_works();
    printf("%s fuzzing\n", works ? "ok" : "FAIL");
    fprintf(stderr, "fuzzing: %ld calls by %ld processes, %ld of them ended for being late\n", *made, round,
            late);
    printf("fuzzing: %s\n", works ? "passed" : "FAILED");
    return !works;
}
