// What the oracle cases share. A case prints lines "what: result" that are the same on every Linux: values
// only where they are fixed by the interface, errno names, yes/no for the rest. It runs as root in a fresh
// image, on Linux first.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Prints by one write(2), so that children and threads do not mix parts of lines or print buffers twice.
__attribute__((format(printf, 1, 2))) static inline void say(const char* format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (n > (int)sizeof line - 1) n = sizeof line - 1;
    if (write(1, line, (size_t)n) != n) _exit(99);
}

// A system call by its raw number, without libc's wrapper: its result, or minus errno.
#define SYS(name, ...) outcome(syscall(SYS_##name, ##__VA_ARGS__))
static inline long outcome(long result) { return result == -1 ? -errno : result; }

// "what: 3" or "what: ENOENT".
static inline void show(const char* what, long result) {
    if (result < 0 && result > -4096)
        say("%s: %s\n", what, strerrorname_np((int)-result));
    else
        say("%s: %ld\n", what, result);
}

// "what: ok" or the errno: for results that are not fixed, such as addresses.
static inline void show_ok(const char* what, long result) {
    if (result < 0 && result > -4096)
        show(what, result);
    else
        say("%s: ok\n", what);
}

static inline void check(const char* what, int holds) { say("%s: %s\n", what, holds ? "yes" : "no"); }

// "exit 3", "signal KILL", "stopped STOP", "continued".
static inline const char* status_text(int status) {
    static char text[32];
    if (WIFEXITED(status))
        snprintf(text, sizeof text, "exit %d", WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        snprintf(text, sizeof text, "signal %s", sigabbrev_np(WTERMSIG(status)));
    else if (WIFSTOPPED(status))
        snprintf(text, sizeof text, "stopped %s", sigabbrev_np(WSTOPSIG(status)));
    else
        snprintf(text, sizeof text, "continued");
    return text;
}

// Runs `body` in a child and prints how it ended.
static inline void in_child(const char* what, void (*body)(void)) {
    pid_t child = fork();
    if (child == 0) {
        body();
        _exit(0);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    say("%s: %s\n", what, status_text(status));
}

// An empty working directory of the case's own.
static inline void enter(const char* name) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/%s", name);
    if ((mkdir(path, 0755) < 0 && errno != EEXIST) || chdir(path) < 0) {
        say("no working directory: %s\n", strerror(errno));
        _exit(98);
    }
    umask(022);
}

// Makes a file with that content.
static inline void put(const char* path, const char* content) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || write(fd, content, strlen(content)) < 0) show(path, -errno);
    close(fd);
}

// "what: content" of a file, at most 200 bytes of it.
static inline void get(const char* what, const char* path) {
    char content[201] = "";
    int fd = open(path, O_RDONLY);
    if (fd < 0 || read(fd, content, 200) < 0)
        show(what, -errno);
    else
        say("%s: \"%s\"\n", what, content);
    close(fd);
}

static inline double seconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline void pause_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep(&time, &time) < 0 && errno == EINTR) {}
}

// SIGALRM every `ms` milliseconds from now; 0: no more. More than one, for one may come before what it is to
// interrupt.
static inline void alarms_every(long ms) {
    struct itimerval timer = {{0, ms * 1000}, {0, ms * 1000}};
    setitimer(ITIMER_REAL, &timer, 0);
}

// Returns when the child sleeps in the kernel, for good unless somebody wakes it.
static inline void until_asleep(pid_t child) {
    char path[32], text[128];
    snprintf(path, sizeof path, "/proc/%d/stat", child);
    for (int i = 0; i < 1000; i++) {
        int fd = open(path, O_RDONLY);
        long n = read(fd, text, sizeof text - 1);
        close(fd);
        text[n > 0 ? n : 0] = 0;
        if (strstr(text, ") S ")) return;
        pause_ms(5);
    }
}
