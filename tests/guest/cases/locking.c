// Locked memory, protection keys and advice to processes.
#include "tests/guest/cases/case.h"

#include <sys/resource.h>
#include <sys/uio.h>

enum { kPage = 4096 };

// VmLck of this process, in pages.
static long locked(void) {
    char text[4096];
    int fd = open("/proc/self/status", O_RDONLY);
    long n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    char* at = strstr(text, "VmLck:");
    return at ? atol(at + 6) / 4 : -1;
}

static char* pages(int count) {
    return mmap(0, (size_t)count * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void limited(void) {
    struct rlimit few = {4 * kPage, 4 * kPage}, none = {0, 0};
    char* m = pages(8);
    setrlimit(RLIMIT_MEMLOCK, &few);
    if (setresuid(1000, 1000, 1000) < 0) _exit(9);
    show("as many as allowed", SYS(mlock, m, 4 * kPage));
    show("the same again", SYS(mlock, m, 4 * kPage));
    show("one more", SYS(mlock, m + 4 * kPage, kPage));
    show("munlock one", SYS(munlock, m, kPage));
    show("then one more", SYS(mlock, m + 4 * kPage, kPage));
    say("locked: %ld\n", locked());
    show("MAP_LOCKED beyond the limit",
         SYS(mmap, 0L, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0L));
    show("mlockall beyond the limit", SYS(mlockall, MCL_CURRENT));
    setrlimit(RLIMIT_MEMLOCK, &none);
    show("without any allowed", SYS(mlock, m, kPage));
    show("mlockall without any allowed", SYS(mlockall, MCL_CURRENT));
    show("MAP_LOCKED without any allowed",
         SYS(mmap, 0L, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0L));
    show("munlock without any allowed", SYS(munlock, m, 8 * kPage));
}

static void all(void) {
    show("mlockall of nothing", SYS(mlockall, 0));
    show("mlockall on fault of nothing", SYS(mlockall, MCL_ONFAULT));
    show("mlockall unknown flag", SYS(mlockall, 64));
    show("mlockall", SYS(mlockall, MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT));
    long before = locked();
    check("a good deal is locked", before > 10);
    char* m = pages(5);
    say("more with a mapping: %ld\n", locked() - before);
    munmap(m, 5 * kPage);
    say("and without it: %ld\n", locked() - before);
    show("munlockall", SYS(munlockall));
    say("locked: %ld\n", locked());
    pages(5);
    say("after a new mapping: %ld\n", locked());
}

static void forked(void) { say("locked in a child: %ld\n", locked()); }

int main(void) {
    char* m = pages(6);
    unsigned char resident[4] = {0};
    show("mlock", SYS(mlock, m + 100, 2 * kPage));
    say("locked: %ld\n", locked());
    show("mincore", SYS(mincore, m, 4 * kPage, resident));
    say("resident: %d %d %d %d\n", resident[0] & 1, resident[1] & 1, resident[2] & 1, resident[3] & 1);
    show("on fault", SYS(mlock2, m + 4 * kPage, kPage, MLOCK_ONFAULT));
    show("mincore", SYS(mincore, m + 4 * kPage, kPage, resident));
    say("locked: %ld, resident: %d\n", locked(), resident[0] & 1);
    show("unknown flag", SYS(mlock2, m, kPage, 2));
    show("of nothing", SYS(mlock, m, 0L));
    show("dontneed", SYS(madvise, m, kPage, MADV_DONTNEED));
    show("free", SYS(madvise, m, kPage, MADV_FREE));
    show("dontneed of locked", SYS(madvise, m, kPage, 24 /* MADV_DONTNEED_LOCKED */));
    in_child("child", forked);
    show("munlock", SYS(munlock, m, 6 * kPage));
    say("locked: %ld\n", locked());
    munmap(m + 5 * kPage, kPage);
    show("mlock over a hole", SYS(mlock, m + 4 * kPage, 2 * kPage));
    show("munlock of a hole", SYS(munlock, m + 5 * kPage, kPage));
    show("mlock beyond the program's half", SYS(mlock, 0x7ffffffff000L, 4 * kPage));
    show("mlock around the end", SYS(mlock, m, -1L));
    mprotect(m, kPage, PROT_NONE);
    show("mlock of what cannot be touched", SYS(mlock, m, kPage));
    SYS(munlockall);
    in_child("limited", limited);
    in_child("all", all);

    show("pkey_alloc unknown flag", SYS(pkey_alloc, 1L, 0L));
    show("pkey_alloc unknown right", SYS(pkey_alloc, 0L, 8L));
    show("pkey_free", SYS(pkey_free, 1));
    show("pkey_mprotect without key", SYS(pkey_mprotect, m, kPage, PROT_READ, -1));
    show("pkey_mprotect", SYS(pkey_mprotect, m, kPage, PROT_READ, 1));

    struct iovec ranges[] = {{m, kPage}, {m + kPage, 2 * kPage}};
    int self = (int)SYS(pidfd_open, getpid(), 0);
    show("process_madvise", SYS(process_madvise, self, ranges, 2L, MADV_COLD, 0));
    show("process_madvise flags", SYS(process_madvise, self, ranges, 2L, MADV_COLD, 1));
    show("process_madvise bad advice", SYS(process_madvise, self, ranges, 2L, 12345, 0));
    show("process_madvise bad descriptor", SYS(process_madvise, 77, ranges, 2L, MADV_COLD, 0));
    ranges[1].iov_base = m + 5 * kPage;
    show("process_madvise into a hole", SYS(process_madvise, self, ranges, 2L, MADV_COLD, 0));
}
