// Storms of memory: processes that map, fill, protect, unmap, fork and execute at once. Fresh memory must be
// zeros, a child must see its parent's bytes and nobody else's.
#include "tests/guest/storms/storm.h"

#include <sys/mman.h>

#define PAGE 4096L
enum { kWorkers = 4, kRounds = 10, kRegions = 3, kLargest = 70 };

struct region {
    unsigned char* at;
    long pages;
    unsigned char value;
};

static unsigned next_random(unsigned* state) { return (*state = *state * 1664525u + 1013904223u) >> 8; }

// Bytes that are not `value`, looking at both ends of every page.
static int wrong(const struct region* r, long from, long to, int value) {
    int count = 0;
    for (long i = from; i < to; i++)
        count += (r->at[i * PAGE] != value) + (r->at[i * PAGE + PAGE - 1] != value);
    return count;
}

static void fill(const struct region* r, unsigned char value) {
    for (long i = 0; i < r->pages; i++) r->at[i * PAGE] = r->at[i * PAGE + PAGE - 1] = value;
}

// A child that finds what its parent wrote, writes over it, and ends or becomes another program.
static int child_agrees(const struct region* regions, const char* self, int executes) {
    pid_t child = fork();
    if (child == 0) {
        int bad = 0;
        for (int i = 0; i < kRegions; i++) {
            bad += wrong(&regions[i], 0, regions[i].pages, regions[i].value);
            fill(&regions[i], 0xee);
        }
        if (!bad && executes) execl(self, self, "leaf", NULL);
        _exit(bad ? 1 : 0);
    }
    int status = -1;
    return waitpid(child, &status, 0) == child && status == 0;
}

static int work(unsigned seed, const char* self) {
    for (int round = 0; round < kRounds; round++) {
        struct region regions[kRegions];
        for (int i = 0; i < kRegions; i++) {
            struct region* r = &regions[i];
            r->pages = 1 + next_random(&seed) % (i == 0 ? 8 : kLargest);
            r->value = (unsigned char)(1 + next_random(&seed) % 200);
            r->at = mmap(NULL, (size_t)(r->pages * PAGE), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                         -1, 0);
            if (r->at == MAP_FAILED) return 10;
            if (wrong(r, 0, r->pages, 0)) return 11;
            fill(r, r->value);
        }
        if (!child_agrees(regions, self, round % 4 == 0)) return 12;
        for (int i = 0; i < kRegions; i++) {
            struct region* r = &regions[i];
            if (wrong(r, 0, r->pages, r->value)) return 13;
            long half = r->pages / 2;
            if (half && madvise(r->at, (size_t)(half * PAGE), MADV_DONTNEED)) return 14;
            if (wrong(r, 0, half, 0) || wrong(r, half, r->pages, r->value)) return 15;
            if (half && munmap(r->at + half * PAGE, (size_t)((r->pages - half) * PAGE))) return 16;
            if (munmap(r->at, (size_t)((half ? half : r->pages) * PAGE))) return 17;
        }
    }
    return 0;
}

static const char* own_path;

static int workers(void) {
    int bad = 0, status;
    for (unsigned i = 0; i < kWorkers; i++)
        if (fork() == 0) _exit(work(i + 1, own_path));
    while (wait(&status) > 0) bad |= status;
    return bad;
}

int main(int argc, char** argv) {
    if (argc > 1) return 0;
    own_path = argv[0];
    storm("maps", 4, workers);
    printf("memory: %s\n", storms_failed ? "FAILED" : "passed");
    return storms_failed != 0;
}
