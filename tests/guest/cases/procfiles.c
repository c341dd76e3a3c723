// /proc: what tuning and accounting files say and take, and their errors.
#include "tests/guest/cases/case.h"

#include <ctype.h>

static char text[8192];

static long slurp(const char* path) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return -errno;
    long n = read(fd, text, sizeof text - 1);
    int error = errno;
    text[n > 0 ? n : 0] = 0;
    close(fd);
    return n < 0 ? -error : n;
}

static void shown(const char* path) {
    long n = slurp(path);
    if (n < 0) return show(path, n);
    text[strcspn(text, "\n")] = 0;
    say("%s: %s\n", path, text);
}

static void stored(const char* path, const char* value) {
    int fd = open(path, O_WRONLY);
    char what[100];
    snprintf(what, sizeof what, "%s <- %s", path, value);
    show(what, fd < 0 ? -errno : SYS(write, fd, value, strlen(value)));
    close(fd);
}

// The value of "name: value" in a file; -1: none.
static long value(const char* path, const char* name) {
    slurp(path);
    char* at = strstr(text, name);
    return at ? strtol(at + strlen(name) + strspn(at + strlen(name), ": \t"), 0, 10) : -1;
}

static void has(const char* path, const char* what) {
    char label[128];
    long n = slurp(path);
    snprintf(label, sizeof label, "%s has %s", path, what);
    check(label, n >= 0 && strstr(text, what) != 0);
}

static void adjust(void) {
    shown("/proc/self/oom_score_adj");
    stored("/proc/self/oom_score_adj", "500");
    shown("/proc/self/oom_score_adj");
    stored("/proc/self/oom_score_adj", "600\n");
    shown("/proc/self/oom_score_adj");
    stored("/proc/self/oom_score_adj", "1001");
    stored("/proc/self/oom_score_adj", "many");
    pid_t child = fork();
    if (child == 0) {
        shown("/proc/self/oom_score_adj");
        setuid(1000);
        _exit(0);
    }
    waitpid(child, 0, 0);
    shown("/proc/self/coredump_filter");
    stored("/proc/self/coredump_filter", "0x7f");
    shown("/proc/self/coredump_filter");
    stored("/proc/self/coredump_filter", "51");
    shown("/proc/self/coredump_filter");
    stored("/proc/self/coredump_filter", "x");
}

static void accounting(void) {
    long before = value("/proc/self/io", "wchar"), calls = value("/proc/self/io", "syscw");
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; i < 10; i++) write(null, text, 1000);
    check("bytes written are counted", value("/proc/self/io", "wchar") - before >= 10000);
    check("calls are counted", value("/proc/self/io", "syscw") - calls >= 10);
    before = value("/proc/self/io", "rchar");
    int zero = open("/dev/zero", O_RDONLY);
    read(zero, text, 5000);
    check("bytes read are counted", value("/proc/self/io", "rchar") - before >= 5000);
    has("/proc/self/io", "cancelled_write_bytes: 0");
}

static void memory(void) {
    has("/proc/self/smaps_rollup", "[rollup]");
    check("resident", value("/proc/self/smaps_rollup", "Rss") > 0);
    check("proportional", value("/proc/self/smaps_rollup", "Pss") > 0);
    check("anonymous", value("/proc/self/smaps_rollup", "Anonymous") > 0);
    char* map = mmap(0, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(map, 4 * 4096, MADV_NOHUGEPAGE);
    map[4096] = 1;
    map[3 * 4096] = 1;
    uint64_t pages[4] = {0};
    int fd = open("/proc/self/pagemap", O_RDONLY);
    off_t at = (off_t)((uintptr_t)map / 4096 * 8);
    show("pagemap", SYS(pread64, fd, pages, sizeof pages, at));
    for (int i = 0; i < 4; i++)
        say("page %d: present %d file %d\n", i, (int)(pages[i] >> 63), (int)(pages[i] >> 61 & 1));
    show("pagemap, odd offset", SYS(pread64, fd, pages, 8L, at + 1));
    show("pagemap, odd length", SYS(pread64, fd, pages, 9L, at));
    munmap(map, 4 * 4096);
    pread(fd, pages, 8, at);
    check("nothing there", pages[0] >> 63 == 0);
}

static void identity(void) {
    shown("/proc/self/personality");
    shown("/proc/self/setgroups");
    shown("/proc/swaps");
    check("partitions", access("/proc/partitions", R_OK) == 0);  // empty where there is no disk
    has("/proc/devices", "Character devices:");
    has("/proc/devices", "136 pts");
    has("/proc/devices", "Block devices:");
    has("/proc/vmstat", "nr_free_pages");
    has("/proc/vmstat", "pgfault");
    has("/proc/filesystems", "devpts");
    shown("/proc/sys/kernel/overflowuid");
    shown("/proc/sys/kernel/cap_last_cap");
    shown("/proc/sys/vm/max_map_count");
    shown("/proc/sys/vm/overcommit_ratio");
    shown("/proc/sys/fs/inotify/max_queued_events");
    check("watches", (slurp("/proc/sys/fs/inotify/max_user_watches"), atol(text)) > 1000);
    check("terminals", (slurp("/proc/sys/kernel/pty/max"), atol(text)) > 10);
}

int main(void) {
    enter("procfiles");
    adjust();
    accounting();
    memory();
    identity();
}
