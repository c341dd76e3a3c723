// What the storms share: rounds of a storm, and what the kernel has in use before and after. A storm is run
// once to fill caches, then several times more: whatever grows with every round is lost.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// The number behind `key` in a file of /proc, -1 when it is not there.
static inline long fact(const char* path, const char* key) {
    char text[4096];
    int fd = open(path, O_RDONLY);
    long n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n < 0) return -1;
    text[n] = 0;
    const char* at = strstr(text, key);
    return at ? atol(at + strlen(key)) : -1;
}

struct in_use {
    long free_kb, slab_kb, files, threads;
};

static inline struct in_use look(void) {
    struct sysinfo info;
    sysinfo(&info);
    return (struct in_use){fact("/proc/meminfo", "MemFree:"), fact("/proc/meminfo", "Slab:"),
                           fact("/proc/sys/fs/file-nr", ""), info.procs};
}

static int storms_failed;

// What is in use once the ended have been taken apart, which happens a moment after their end was reported.
static inline struct in_use settle(void) {
    struct in_use last = look();
    for (int same = 0; same < 5;) {
        usleep(10000);
        struct in_use now = look();
        same = memcmp(&now, &last, sizeof now) == 0 ? same + 1 : 0;
        last = now;
    }
    return last;
}

// Runs a storm and prints "ok NAME" or "FAIL NAME: why".
static inline void storm(const char* name, int rounds, int (*round)(void)) {
    // Caches fill unevenly, above all that of kernel stacks (up to 32). A page lost per thread or process
    // would be more than twice as much.
    enum { kSlackKb = 800, kSlabSlackKb = 128 };
    int bad = round();
    struct in_use before = settle();
    for (int i = 0; i < rounds && !bad; i++) bad = round();
    while (waitpid(-1, 0, WNOHANG) > 0) {}
    struct in_use after = settle();
    int lost = before.free_kb - after.free_kb > kSlackKb || after.slab_kb - before.slab_kb > kSlabSlackKb ||
               after.files != before.files || after.threads != before.threads;
    if (bad || lost) {
        storms_failed++;
        printf("FAIL %s: %s; free %ld to %ld kB, slabs %ld to %ld kB, files %ld to %ld, threads %ld to %ld\n",
               name, bad ? "a round went wrong" : "not back at base", before.free_kb, after.free_kb,
               before.slab_kb, after.slab_kb, before.files, after.files, before.threads, after.threads);
    } else {
        printf("ok %s\n", name);
    }
    fflush(stdout);
}
