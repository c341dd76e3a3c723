// System call sites that are used often, from many threads, while the program forks, is signalled, steps, and
// changes, moves and reads its own code: a kernel that rewrites such sites must not be seen doing it.
#include "tests/guest/cases/case.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <ucontext.h>

enum { kThreads = 4, kRounds = 20000, kHot = 1000, kTrapFlag = 0x100 };

// mov $SYS_getpid, %eax; syscall; ret
static const unsigned char kCode[] = {0xb8, SYS_getpid, 0, 0, 0, 0x0f, 0x05, 0xc3};
typedef long (*Call)(void);

extern const char __executable_start[], etext[];
static atomic_long wrong, strayed, handled;
static atomic_int stop;

// getppid by `mov $imm, %eax; syscall`: its answer, or -1 when a register, the flags or the red zone changed.
__attribute__((noinline)) static long careful_getppid(void) {
    long answer, bad;
    __asm__ volatile(
        "mov $0x5eed, %%r12d\n mov %%r12, -8(%%rsp)\n mov %%r12, -128(%%rsp)\n"
        "mov $1, %%ebx\n mov $2, %%r8d\n mov $3, %%r9d\n mov $4, %%r10d\n mov $5, %%edx\n mov $6, %%esi\n"
        "mov %%rsp, %%r13\n stc\n"
        "mov %[number], %%eax\n syscall\n"
        "setnc %%cl\n movzx %%cl, %%ecx\n"
        "sub %%rsp, %%r13\n or %%r13, %%rcx\n"
        "mov -8(%%rsp), %%r11\n xor %%r12, %%r11\n or %%r11, %%rcx\n"
        "mov -128(%%rsp), %%r11\n xor %%r12, %%r11\n or %%r11, %%rcx\n"
        "xor $1, %%rbx\n or %%rbx, %%rcx\n xor $2, %%r8\n or %%r8, %%rcx\n xor $3, %%r9\n or %%r9, %%rcx\n"
        "xor $4, %%r10\n or %%r10, %%rcx\n xor $5, %%rdx\n or %%rdx, %%rcx\n xor $6, %%rsi\n or %%rsi, "
        "%%rcx\n"
        : "=a"(answer), "=c"(bad)
        : [number] "i"(SYS_getppid)
        : "rbx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "memory", "cc");
    return bad ? -1 : answer;
}

// Signals find the program in its own code, whatever it was doing.
static void on_signal(int signal, siginfo_t* info, void* context) {
    (void)info, (void)signal;
    const char* rip = (const char*)((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP];
    if (rip < __executable_start || rip >= etext) strayed++;
    if (getpid() != syscall(SYS_getpid)) wrong++;
    handled++;
}

static void* hammer(void* parent) {
    for (int i = 0; i < kRounds || !stop; i++)
        if (careful_getppid() != (long)parent || syscall(SYS_getppid) != (long)parent ||
            getppid() != (long)parent)
            wrong++;
    return 0;
}

static void* annoy(void* threads) {
    while (!stop) {
        for (int i = 0; i < kThreads; i++) pthread_kill(((pthread_t*)threads)[i], SIGUSR1);
        usleep(300);
    }
    return 0;
}

static int child_works(void) {
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        for (int i = 0; i < kHot; i++)
            if (careful_getppid() != parent || syscall(SYS_getppid) != parent) _exit(1);
        _exit(7);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

static void many_threads(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGUSR1, &action, 0);
    static pthread_t threads[kThreads], annoyer;
    for (int i = 0; i < kThreads; i++) pthread_create(&threads[i], 0, hammer, (void*)(long)getppid());
    pthread_create(&annoyer, 0, annoy, threads);
    int children = 0;
    for (int i = 0; i < 5; i++) children += child_works();
    stop = 1;
    pthread_join(annoyer, 0);
    for (int i = 0; i < kThreads; i++) pthread_join(threads[i], 0);
    show("children that worked", children);
    show("wrong answers", wrong);
    show("signals outside the code", strayed);
    show("signals came", handled > 0);
}

static int hot_calls(Call call, long expected) {
    for (int i = 0; i < kHot; i++)
        if (call() != expected) return 0;
    return 1;
}

// The code in a file, mapped as a loader would.
static unsigned char* map_code(void) {
    int fd = open("/tmp/code", O_RDWR | O_CREAT | O_TRUNC, 0700);
    unsigned char page[4096] = {0};
    memcpy(page, kCode, sizeof kCode);
    if (fd < 0 || write(fd, page, sizeof page) != sizeof page) say("cannot write the code\n");
    unsigned char* code = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    close(fd);
    return code;
}

static void changed_and_moved(void) {
    unsigned char* code = map_code();
    show("code of a file", hot_calls((Call)code, getpid()));
    long answer;
    __asm__ volatile("call *%2" : "=a"(answer) : "a"(SYS_getppid), "r"(code + 5) : "rcx", "r11", "memory");
    show("a jump to the instruction itself", answer == getppid());
    show("mprotect", mprotect(code, 4096, PROT_READ | PROT_WRITE));
    show("the bytes are the file's", memcmp(code, kCode, sizeof kCode));
    code[1] = SYS_getppid;
    show("mprotect", mprotect(code, 4096, PROT_READ | PROT_EXEC));
    show("changed code", hot_calls((Call)code, getppid()));
    munmap(code, 4096);

    code = map_code();
    show("code again", hot_calls((Call)code, getpid()));
    unsigned char* far = mmap(0, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    far = mremap(code, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, far);
    show("moved code", far != MAP_FAILED && hot_calls((Call)far, getpid()));
    show("the moved bytes are the file's", memcmp(far, kCode, sizeof kCode) * (far[0] != 0xe9));
    munmap(far, 4096);

    code = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(code, kCode, sizeof kCode);
    mprotect(code, 4096, PROT_READ | PROT_EXEC);
    show("code made at run time", hot_calls((Call)code, getpid()));
    show("its bytes", memcmp(code, kCode, sizeof kCode));
}

static const unsigned char* stepped;
static int steps[16], step_count;
static void on_step(int signal, siginfo_t* info, void* context) {
    (void)signal, (void)info;
    greg_t* regs = ((ucontext_t*)context)->uc_mcontext.gregs;
    long offset = (const unsigned char*)regs[REG_RIP] - stepped;
    if (offset >= 0 && offset < (long)sizeof kCode && step_count < 16) steps[step_count++] = (int)offset;
}

// Steps through hot code, instruction by instruction.
static void stepping(void) {
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, 0);
    unsigned char* code = map_code();
    stepped = code;
    show("code before stepping", hot_calls((Call)code, getpid()));
    long answer;
    __asm__ volatile(
        "lea -256(%%rsp), %%rsp\n pushf\n orl %2, (%%rsp)\n popf\n"
        "call *%1\n"
        "pushf\n andl $~0x100, (%%rsp)\n popf\n lea 256(%%rsp), %%rsp\n"
        : "=a"(answer)
        : "r"(code), "i"(kTrapFlag)
        : "rcx", "r11", "memory", "cc");
    show("stepped call", answer == getpid());
    for (int i = 0; i < step_count; i++) say("step at %d\n", steps[i]);
}

int main(void) {
    many_threads();
    changed_and_moved();
    stepping();
    return 0;
}
