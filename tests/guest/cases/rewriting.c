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
// push $SYS_getpid; pop %rax; syscall; cmp $-4096, %rax; ret: what comes before the syscall tells a kernel
// nothing.
static const unsigned char kOther[] = {0x6a, SYS_getpid, 0x58, 0x0f, 0x05, 0x48,
                                       0x3d, 0,          0xf0, 0xff, 0xff, 0xc3};
enum { kBehind = 5 };
typedef long (*Call)(void);

extern const char __executable_start[], etext[];
static unsigned char *shared_code, *shared_other;
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

// The same by `mov $imm, %rax; syscall; cmp`, from a thread whose GS base is its own if it likes.
__attribute__((noinline)) static long careful_other(void) {
    long answer, bad;
    __asm__ volatile(
        "mov $0x5eed, %%r12d\n mov %%r12, -8(%%rsp)\n mov %%r12, -128(%%rsp)\n"
        "mov $1, %%ebx\n mov $2, %%r8d\n mov $3, %%r9d\n mov $4, %%r10d\n mov $5, %%edx\n mov $6, %%esi\n"
        "mov %%rsp, %%r13\n"
        "push %[number]\n pop %%rax\n nop\n syscall\n"
        "cmp $-4096, %%rax\n"
        "seta %%r14b\n movzx %%r14b, %%r14d\n"
        "sub %%rsp, %%r13\n or %%r13, %%r14\n"
        "mov -128(%%rsp), %%r11\n xor %%r12, %%r11\n or %%r11, %%r14\n"
        "xor $1, %%rbx\n or %%rbx, %%r14\n xor $2, %%r8\n or %%r8, %%r14\n xor $3, %%r9\n or %%r9, %%r14\n"
        "xor $4, %%r10\n or %%r10, %%r14\n xor $5, %%rdx\n or %%rdx, %%r14\n xor $6, %%rsi\n or %%rsi, "
        "%%r14\n mov %%r14, %%rcx\n"
        : "=a"(answer), "=c"(bad)
        : [number] "i"(SYS_getppid)
        : "rbx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "memory", "cc");
    return bad ? -1 : answer;
}

static int in_page(const char* at, const unsigned char* page) {
    return at >= (const char*)page && at < (const char*)page + 4096;
}

// Signals find the program in its own code, whatever it was doing.
static void on_signal(int signal, siginfo_t* info, void* context) {
    (void)info, (void)signal;
    const char* rip = (const char*)((ucontext_t*)context)->uc_mcontext.gregs[REG_RIP];
    if ((rip < __executable_start || rip >= etext) && !in_page(rip, shared_code) &&
        !in_page(rip, shared_other))
        strayed++;
    if (getpid() != syscall(SYS_getpid)) wrong++;
    handled++;
}

// The code in a file, mapped as a loader would.
static unsigned char* map_code(const unsigned char* bytes, size_t size) {
    int fd = open("/tmp/code", O_RDWR | O_CREAT | O_TRUNC, 0700);
    unsigned char page[4096] = {0};
    memcpy(page, bytes, size);
    if (fd < 0 || write(fd, page, sizeof page) != sizeof page) say("cannot write the code\n");
    unsigned char* code = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    close(fd);
    return code;
}

static void* hammer(void* parent) {
    for (int i = 0; i < kRounds || !stop; i++)
        if (careful_getppid() != (long)parent || careful_other() != (long)parent ||
            syscall(SYS_getppid) != (long)parent || getppid() != (long)parent ||
            ((Call)shared_code)() != getpid() || ((Call)shared_other)() != getpid())
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

// Code that is running becomes writable, and unwritable again.
static void* change(void* nothing) {
    while (!stop) {
        for (int prot = PROT_READ | PROT_EXEC | PROT_WRITE; prot;
             prot = prot & PROT_WRITE ? PROT_READ | PROT_EXEC : 0)
            if (mprotect(shared_code, 4096, prot) != 0 || mprotect(shared_other, 4096, prot) != 0) wrong++;
        usleep(2000);
    }
    return nothing;
}

static int child_works(void) {
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        for (int i = 0; i < kHot; i++)
            if (careful_getppid() != parent || careful_other() != parent || syscall(SYS_getppid) != parent)
                _exit(1);
        _exit(7);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 7;
}

static void many_threads(void) {
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGUSR1, &action, 0);
    static pthread_t threads[kThreads], annoyer, changer;
    shared_code = map_code(kCode, sizeof kCode);
    shared_other = map_code(kOther, sizeof kOther);
    for (int i = 0; i < kThreads; i++) pthread_create(&threads[i], 0, hammer, (void*)(long)getppid());
    pthread_create(&annoyer, 0, annoy, threads);
    pthread_create(&changer, 0, change, 0);
    int children = 0;
    for (int i = 0; i < 5; i++) children += child_works();
    while (!handled) usleep(1000);
    stop = 1;
    pthread_join(annoyer, 0);
    pthread_join(changer, 0);
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

static void changed_and_moved(void) {
    unsigned char* code = map_code(kCode, sizeof kCode);
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

    code = map_code(kCode, sizeof kCode);
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
    if (offset >= 0 && offset < (long)sizeof kOther && step_count < 16) steps[step_count++] = (int)offset;
}

// Steps through hot code, instruction by instruction.
static void stepping(const unsigned char* bytes, size_t size) {
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, 0);
    unsigned char* code = map_code(bytes, size);
    stepped = code;
    step_count = 0;
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

// Code whose `syscall` itself gives way to a jump: entered where it was, changed, with a GS base, and an int3
// of the program's own.
static void other_code(void) {
    signal(SIGTRAP, SIG_DFL);
    unsigned char* code = map_code(kOther, sizeof kOther);
    show("other code", hot_calls((Call)code, getpid()));
    long answer;
    for (int i = 0; i < 3; i++) {
        __asm__ volatile("call *%2"
                         : "=a"(answer)
                         : "a"(SYS_getppid), "r"(code + 3)
                         : "rcx", "r11", "memory");
        show("a jump to the syscall", answer == getppid());
        __asm__ volatile("call *%2" : "=a"(answer) : "a"(-7), "r"(code + kBehind) : "rcx", "r11", "memory");
        show("a jump behind it", answer);
    }
    static long base = 0x1234;
    syscall(SYS_arch_prctl, 0x1001, &base);  // ARCH_SET_GS
    long bad = 0, there = 0;
    for (int i = 0; i < kHot; i++) {
        bad += ((Call)code)() != getpid();
        __asm__ volatile("mov %%gs:0, %0" : "=r"(there));
        bad += there != base;
    }
    show("with a GS base", bad);
    syscall(SYS_arch_prctl, 0x1001, 0L);
    show("without again", hot_calls((Call)code, getpid()));
    show("mprotect", mprotect(code, 4096, PROT_READ | PROT_WRITE));
    show("the bytes are the file's", memcmp(code, kOther, sizeof kOther));
    code[kBehind] = 0xcc;
    show("mprotect", mprotect(code, 4096, PROT_READ | PROT_EXEC));
    pid_t child = fork();
    if (child == 0) _exit((int)((Call)code)());
    int status = 0;
    waitpid(child, &status, 0);
    show("an int3 of the program's", WIFSIGNALED(status) ? WTERMSIG(status) : -1);
    munmap(code, 4096);
}

int main(void) {
    many_threads();
    changed_and_moved();
    stepping(kCode, sizeof kCode);
    stepping(kOther, sizeof kOther);
    other_code();
    return 0;
}
