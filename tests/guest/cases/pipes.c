// Pipes and fifos: order, ends, capacity, blocking, signals, atomic writes.
#include "tests/guest/cases/case.h"

#include <poll.h>
#include <sys/ioctl.h>

static char block[65536 * 2];
static volatile sig_atomic_t pipes_broken;
static void on_pipe(int signal) { pipes_broken += signal == SIGPIPE; }

static void basics(void) {
    int p[2];
    char out[16] = "";
    show("pipe", SYS(pipe, p));
    say("descriptors: %d %d\n", p[0], p[1]);
    show("write", SYS(write, p[1], "first", 5L));
    show("write", SYS(write, p[1], "second", 6L));
    show("read", SYS(read, p[0], out, 3L));
    show("read across writes", SYS(read, p[0], out, 16L));
    say("bytes: %.8s\n", out);
    show("read of write end", SYS(read, p[1], out, 1L));
    show("write to read end", SYS(write, p[0], out, 1L));
    close(p[1]);
    show("read after last writer", SYS(read, p[0], out, 1L));
    close(p[0]);
    show("pipe2", SYS(pipe2, p, O_CLOEXEC | O_NONBLOCK));
    show("cloexec", fcntl(p[0], F_GETFD));
    show("read empty", SYS(read, p[0], out, 1L));
    show("pipe2 bad flags", SYS(pipe2, p, O_APPEND));
    show("pipe bad pointer", SYS(pipe, 8L));
    show("zero write", SYS(write, p[1], out, 0L));
    show("capacity", SYS(fcntl, p[0], F_GETPIPE_SZ, 0));
    show("fill", SYS(write, p[1], block, (long)sizeof block));
    show("full", SYS(write, p[1], block, 1L));
    int available = 0;
    ioctl(p[0], FIONREAD, &available);
    show("available", available);
    show("drain less than a page", SYS(read, p[0], block, 100L));
    show("still full", SYS(write, p[1], block, 4096L));
    show("drain a page", SYS(read, p[0], block, 4096L));
    show("space for a page", SYS(write, p[1], block, 4096L));
    show("set capacity", SYS(fcntl, p[0], F_SETPIPE_SZ, 131072));
    show("capacity", SYS(fcntl, p[0], F_GETPIPE_SZ, 0));
    show("shrink below content", SYS(fcntl, p[0], F_SETPIPE_SZ, 4096));
    close(p[0]);
    signal(SIGPIPE, on_pipe);
    show("write without reader", SYS(write, p[1], "x", 1L));
    show("SIGPIPE", pipes_broken);
    close(p[1]);
}

static void killed_by_pipe(void) {
    int p[2];
    signal(SIGPIPE, SIG_DFL);
    pipe(p);
    close(p[0]);
    write(p[1], "x", 1);
}

static void blocking(void) {
    int p[2];
    pipe(p);
    double start = seconds(CLOCK_MONOTONIC);
    if (fork() == 0) {
        pause_ms(30);
        write(p[1], "late", 4);
        _exit(0);
    }
    char out[8] = "";
    show("read waits for a writer", read(p[0], out, 8));
    check("it waited", seconds(CLOCK_MONOTONIC) - start > 0.02);
    wait(0);
    // More than the pipe holds goes through in order.
    if (fork() == 0) {
        close(p[0]);
        for (int i = 0; i < 300000; i += 1000) {
            unsigned char part[1000];
            for (int j = 0; j < 1000; j++) part[j] = (unsigned char)((i + j) * 7);
            write(p[1], part, sizeof part);
        }
        _exit(0);
    }
    close(p[1]);
    long total = 0, wrong = 0;
    for (long n; (n = read(p[0], block, 777)) > 0; total += n)
        for (long j = 0; j < n; j++) wrong += (unsigned char)block[j] != (unsigned char)((total + j) * 7);
    show("bytes through", total);
    show("wrong bytes", wrong);
    wait(0);
    close(p[0]);
}

// Writes of at most PIPE_BUF bytes are never mixed.
static void atomic(void) {
    int p[2];
    pipe(p);
    for (int writer = 0; writer < 4; writer++)
        if (fork() == 0) {
            char record[512];
            memset(record, 'a' + writer, sizeof record);
            for (int i = 0; i < 500; i++) write(p[1], record, sizeof record);
            _exit(0);
        }
    close(p[1]);
    int records = 0, mixed = 0;
    char record[512];
    for (;;) {
        size_t have = 0;
        for (ssize_t n; have < sizeof record && (n = read(p[0], record + have, sizeof record - have)) > 0;)
            have += (size_t)n;
        if (have == 0) break;
        records++;
        for (size_t i = 1; i < have; i++) mixed += record[i] != record[0];
    }
    show("records", records);
    show("mixed bytes", mixed);
    while (wait(0) > 0) {}
}

static void fifos(void) {
    mkfifo("q", 0644);
    show("nonblocking read end", SYS(open, "q", O_RDONLY | O_NONBLOCK, 0) > 0);
    int reader = open("q", O_RDONLY | O_NONBLOCK);
    char out[8] = "";
    show("read without writer", SYS(read, reader, out, 1L));
    close(reader);
    for (int fd = 3; fd < 10; fd++) close(fd);
    show("nonblocking write end without reader", SYS(open, "q", O_WRONLY | O_NONBLOCK, 0));
    show("both ends at once", SYS(open, "q", O_RDWR, 0));
    close(3);
    if (fork() == 0) {
        int w = open("q", O_WRONLY);
        write(w, "meet", 4);
        _exit(0);
    }
    reader = open("q", O_RDONLY);
    show("open waits for the other end", read(reader, out, 8));
    say("bytes: %.4s\n", out);
    wait(0);
    show("end of file", read(reader, out, 8));
    show("reopened by path of descriptor", SYS(open, "/proc/self/fd/3", O_RDONLY | O_NONBLOCK, 0) > 0);
}

static void ready(void) {
    int p[2];
    pipe(p);
    struct pollfd r = {p[0], POLLIN, 0}, w = {p[1], POLLOUT, 0};
    poll(&r, 1, 0);
    poll(&w, 1, 0);
    say("empty: read %x write %x\n", r.revents, w.revents);
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    while (write(p[1], block, 4096) > 0) {}
    poll(&r, 1, 0);
    poll(&w, 1, 0);
    say("full: read %x write %x\n", r.revents, w.revents);
    close(p[0]);
    poll(&w, 1, 0);
    say("no reader: write %x\n", w.revents);
    close(p[1]);
    pipe(p);
    close(p[1]);
    r.fd = p[0];
    poll(&r, 1, 0);
    say("no writer: read %x\n", r.revents);
}

int main(void) {
    enter("pipes");
    basics();
    in_child("SIGPIPE kills", killed_by_pipe);
    blocking();
    atomic();
    ready();
    for (int fd = 3; fd < 20; fd++) close(fd);
    fifos();
}
