// Memory: mappings of all kinds, protection and its faults, remapping, residence, the break.
#include "tests/guest/cases/case.h"

#include <setjmp.h>

#define PAGE 4096L
static sigjmp_buf back;
static volatile sig_atomic_t fault_signal, fault_code;
static void* volatile fault_address;

static void on_fault(int signal, siginfo_t* info, void* context) {
    (void)context;
    fault_signal = signal;
    fault_code = info->si_code;
    fault_address = info->si_addr;
    siglongjmp(back, 1);
}

// Touches a byte and prints what came of it.
static void touch(const char* what, volatile char* at, int writing) {
    if (sigsetjmp(back, 1) == 0) {
        char value = *at;
        if (writing) *at = (char)(value + 1);
        say("%s: fine\n", what);
    } else {
        say("%s: SIG%s code %d %s\n", what, sigabbrev_np(fault_signal), fault_code,
            fault_address == at ? "at the address" : "elsewhere");
    }
}

static char* map(long length, int prot, int flags, int fd, long offset) {
    long at = SYS(mmap, 0L, length, prot, flags, fd, offset);
    if (at < 0 && at > -4096) show("mmap", at);
    return (char*)at;
}

static void anonymous(void) {
    char* m = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int sum = 0;
    for (long i = 0; i < 4 * PAGE; i++) sum += m[i];
    show("fresh memory sums to", sum);
    memset(m, 'm', 4 * PAGE);
    show("munmap the middle", SYS(munmap, m + PAGE, PAGE));
    touch("before the hole", m + PAGE - 1, 1);
    touch("in the hole", m + PAGE, 0);
    touch("after the hole", m + 2 * PAGE, 1);
    show("mprotect read", SYS(mprotect, m + 2 * PAGE, PAGE, PROT_READ));
    touch("read", m + 2 * PAGE, 0);
    touch("write to read-only", m + 2 * PAGE, 1);
    show("mprotect none", SYS(mprotect, m + 2 * PAGE, PAGE, PROT_NONE));
    touch("read of none", m + 2 * PAGE, 0);
    show("mprotect back", SYS(mprotect, m + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE));
    touch("content stays", m + 2 * PAGE, 0);
    check("is as written", m[2 * PAGE] == 'n');
    show("mprotect over hole", SYS(mprotect, m, 4 * PAGE, PROT_READ));
    show("mprotect unaligned", SYS(mprotect, m + 1, PAGE, PROT_READ));
    show("mprotect bad bits", SYS(mprotect, m, PAGE, 0x80));
    show("munmap unaligned", SYS(munmap, m + 1, PAGE));
    show("munmap nothing", SYS(munmap, m, 0L));
    show("munmap hole", SYS(munmap, m + PAGE, PAGE));
    show("munmap all", SYS(munmap, m, 4 * PAGE));
    show("mmap nothing", SYS(mmap, 0L, 0L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L));
    show("mmap no type", SYS(mmap, 0L, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0L));
    show("mmap too much",
         SYS(mmap, 0L, 1L << 47, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L));
    check("a large reservation",
          map(1L << 36, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) > (char*)0);
    char* hint = map(3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(hint, 3 * PAGE);
    check("a free hint is taken",
          SYS(mmap, hint, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L) == (long)hint);
    show("fixed, no replace",
         SYS(mmap, hint, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0L));
    check("fixed", SYS(mmap, hint, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                       0L) == (long)hint);
    show("fixed unaligned",
         SYS(mmap, hint + 1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0L));
    // Code written, then run.
    unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3};  // mov $42, %eax; ret
    memcpy(hint, code, sizeof code);
    mprotect(hint, PAGE, PROT_READ | PROT_EXEC);
    int (*function)(void);
    memcpy(&function, &hint, sizeof function);
    show("generated code", function());
    mprotect(hint, PAGE, PROT_READ);
    if (sigsetjmp(back, 1) == 0)
        function();
    else
        say("run of no code: SIG%s code %d\n", sigabbrev_np(fault_signal), fault_code);
    touch("null", 0, 0);
    if (sigsetjmp(back, 1) == 0)
        *(volatile char*)0x800000000000 = 1;
    else
        say("not canonical: SIG%s code %d\n", sigabbrev_np(fault_signal), fault_code);
}

static void files(void) {
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644);
    for (int i = 0; i < 2; i++) {
        char page[PAGE];
        memset(page, 'a' + i, PAGE);
        write(fd, page, PAGE);
    }
    write(fd, "tail", 4);
    char* shared = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char* private = map(3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    say("bytes: %c %c %.4s\n", shared[0], shared[PAGE], shared + 2 * PAGE);
    show("past the end in the last page", shared[2 * PAGE + 5]);
    touch("page past the end", shared + 3 * PAGE, 0);
    shared[1] = 'S';
    private[2] = 'P';
    char back_read[4] = "";
    pread(fd, back_read, 3, 0);
    say("file: %s\n", back_read);
    say("private sees shared: %c%c%c\n", private[0], private[1], private[2]);
    pwrite(fd, "w", 1, PAGE);
    say("write shows in mappings: %c %c\n", shared[PAGE], private[PAGE]);
    show("msync", SYS(msync, shared, 3 * PAGE, MS_SYNC));
    char* hole = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    SYS(munmap, hole + PAGE, PAGE);
    show("msync unmapped", SYS(msync, hole, 2 * PAGE, MS_SYNC));
    show("msync bad flags", SYS(msync, shared, PAGE, MS_SYNC | MS_ASYNC));
    show("msync unaligned", SYS(msync, shared + 1, PAGE, MS_SYNC));
    ftruncate(fd, PAGE);
    touch("page cut off by truncation", shared + PAGE, 0);
    ftruncate(fd, 2 * PAGE);
    touch("page back, empty", shared + PAGE, 0);
    show("its byte", shared[PAGE]);
    int ro = open("f", O_RDONLY);
    show("shared write of read-only file", SYS(mmap, 0L, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0L));
    char* copy = map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, ro, 0);
    touch("private write of read-only file", copy, 1);
    char* view = map(PAGE, PROT_READ, MAP_SHARED, ro, 0);
    show("mprotect to write of read-only file", SYS(mprotect, view, PAGE, PROT_READ | PROT_WRITE));
    int wo = open("f", O_WRONLY);
    show("map of write-only file", SYS(mmap, 0L, PAGE, PROT_READ, MAP_PRIVATE, wo, 0L));
    show("map bad descriptor", SYS(mmap, 0L, PAGE, PROT_READ, MAP_PRIVATE, 77, 0L));
    show("map unaligned offset", SYS(mmap, 0L, PAGE, PROT_READ, MAP_PRIVATE, ro, 1L));
    show("map directory", SYS(mmap, 0L, PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0L));
    char* second = map(PAGE, PROT_READ, MAP_SHARED, ro, PAGE);
    show("offset", second[0] == shared[PAGE]);
    close(fd);
    unlink("f");
    say("mapping outlives name and descriptor: %c\n", shared[1]);
}

static void sharing(void) {
    int* shared = (int*)map(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int* private = (int*)map(PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    shared[0] = private[0] = 1;
    if (fork() == 0) {
        shared[0] = private[0] = 2;
        _exit(0);
    }
    wait(0);
    say("after the child wrote: shared %d private %d\n", shared[0], private[0]);
    if (fork() == 0) {
        pause_ms(20);
        _exit(private[0] == 1 ? 0 : 1);
    }
    private[0] = 3;
    int status;
    wait(&status);
    say("child keeps its copy: %s\n", status_text(status));
}

static void remapping(void) {
    char* m = map(2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    strcpy(m, "moved");
    char* wall = m + 2 * PAGE;
    mmap(wall, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    show("mremap in place against a wall", SYS(mremap, m, 2 * PAGE, 4 * PAGE, 0, 0L));
    char* moved = (char*)SYS(mremap, m, 2 * PAGE, 16 * PAGE, MREMAP_MAYMOVE, 0L);
    check("moved", moved != m && moved > (char*)0);
    say("content: %s\n", moved);
    touch("old place", m, 0);
    touch("new end", moved + 15 * PAGE, 1);
    check("shrink in place", SYS(mremap, moved, 16 * PAGE, PAGE, 0, 0L) == (long)moved);
    touch("cut end", moved + PAGE, 0);
    char* target = map(4 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check("fixed", SYS(mremap, moved, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == (long)target);
    say("content: %s\n", target);
    m = map(PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(m, PAGE);
    show("mremap unmapped", SYS(mremap, m, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0L));
    show("mremap unaligned", SYS(mremap, target + 1, PAGE, PAGE, 0, 0L));
    show("mremap to nothing", SYS(mremap, target, PAGE, 0L, 0, 0L));
    show("mremap fixed without maymove", SYS(mremap, target, PAGE, PAGE, MREMAP_FIXED, moved));
    show("mremap bad flags", SYS(mremap, target, PAGE, PAGE, 0x80, 0L));
}

static void advising(void) {
    char* m = map(4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char resident[4] = {9, 9, 9, 9};
    memset(m, 'x', 2 * PAGE);
    show("mincore", SYS(mincore, m, 4 * PAGE, resident));
    say("resident: %d %d %d %d\n", resident[0] & 1, resident[1] & 1, resident[2] & 1, resident[3] & 1);
    show("mincore unaligned", SYS(mincore, m + 1, PAGE, resident));
    show("mincore bad vector", SYS(mincore, m, PAGE, 8L));
    show("madvise dontneed", SYS(madvise, m, PAGE, MADV_DONTNEED));
    show("byte after dontneed", m[0]);
    show("neighbour", m[PAGE]);
    show("madvise willneed", SYS(madvise, m, 4 * PAGE, MADV_WILLNEED));
    show("madvise sequential", SYS(madvise, m, 4 * PAGE, MADV_SEQUENTIAL));
    show("madvise bad advice", SYS(madvise, m, PAGE, 12345));
    show("madvise unaligned", SYS(madvise, m + 1, PAGE, MADV_NORMAL));
    munmap(m + PAGE, PAGE);
    show("madvise over hole", SYS(madvise, m, 4 * PAGE, MADV_DONTNEED));
    show("mincore over hole", SYS(mincore, m, 4 * PAGE, resident));
}

static void breaks(void) {
    long start = SYS(brk, 0L);
    check("grow", SYS(brk, start + 3 * PAGE) == start + 3 * PAGE);
    char* heap = (char*)start;
    heap[2 * PAGE] = 'h';
    show("fresh", heap[PAGE]);
    check("shrink", SYS(brk, start + PAGE) == start + PAGE);
    SYS(brk, start + 3 * PAGE);
    show("grown again is fresh", heap[2 * PAGE]);
    check("too far is refused", SYS(brk, start + (1L << 46)) == start + 3 * PAGE);
    check("below the start is refused", SYS(brk, 4096L) == start + 3 * PAGE);
    SYS(brk, start);
}

static int deep(int depth) {
    volatile char frame[8192];
    frame[0] = (char)depth;
    return depth == 0 ? 0 : deep(depth - 1) + (frame[0] == (char)depth);
}

int main(void) {
    enter("memory");
    static char stack[65536];
    stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
    sigaltstack(&alternative, 0);
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    anonymous();
    files();
    sharing();
    remapping();
    advising();
    breaks();
    show("the stack grows", deep(500));
}
