// Descriptors: duplication, flags, close-on-exec, ranges, sharing over fork, locks.
#include "tests/guest/cases/case.h"

#include <linux/close_range.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>

static void duplicating(void) {
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    show("dup", SYS(dup, fd));
    show("dup bad", SYS(dup, 77));
    show("dup2", SYS(dup2, fd, 10));
    show("dup2 same", SYS(dup2, fd, fd));
    show("dup2 bad to itself", SYS(dup2, 77, 77));
    show("dup2 bad target", SYS(dup2, fd, -1));
    show("dup3", SYS(dup3, fd, 11, O_CLOEXEC));
    show("dup3 same", SYS(dup3, fd, fd, 0));
    show("dup3 bad flags", SYS(dup3, fd, 12, O_APPEND));
    show("cloexec of dup3", SYS(fcntl, 11, F_GETFD, 0));
    show("cloexec of dup", SYS(fcntl, 4, F_GETFD, 0));
    show("F_DUPFD", SYS(fcntl, fd, F_DUPFD, 20));
    show("F_DUPFD_CLOEXEC", SYS(fcntl, fd, F_DUPFD_CLOEXEC, 20));
    show("F_GETFD", SYS(fcntl, 21, F_GETFD, 0));
    show("F_SETFD", SYS(fcntl, 20, F_SETFD, FD_CLOEXEC));
    show("F_GETFD", SYS(fcntl, 20, F_GETFD, 0));
    write(fd, "shared", 6);
    show("offset is shared", lseek(10, 0, SEEK_CUR));
    show("F_GETFL access", SYS(fcntl, fd, F_GETFL, 0) & O_ACCMODE);
    show("F_SETFL append", SYS(fcntl, fd, F_SETFL, O_APPEND | O_NONBLOCK));
    check("flags are shared", (fcntl(10, F_GETFL) & (O_APPEND | O_NONBLOCK)) == (O_APPEND | O_NONBLOCK));
    show("fcntl bad command", SYS(fcntl, fd, 9999, 0));
    show("fcntl bad descriptor", SYS(fcntl, 77, F_GETFD, 0));
    show("close_range cloexec", SYS(close_range, 10, 11, CLOSE_RANGE_CLOEXEC));
    show("F_GETFD", SYS(fcntl, 10, F_GETFD, 0));
    show("close_range", SYS(close_range, 4, ~0u, 0));
    show("closed", SYS(fcntl, 21, F_GETFD, 0));
    show("kept", SYS(fcntl, 3, F_GETFD, 0));
    show("close_range backwards", SYS(close_range, 5, 4, 0));
    show("close_range bad flags", SYS(close_range, 5, 6, 1u << 20));
    close(fd);
}

static void sharing(void) {
    int fd = open("s", O_RDWR | O_CREAT, 0644);
    pid_t child = fork();
    if (child == 0) {
        write(fd, "child", 5);
        close(fd);
        _exit(0);
    }
    waitpid(child, 0, 0);
    show("child moved the offset", lseek(fd, 0, SEEK_CUR));
    show("parent's descriptor is its own", write(fd, "!", 1));
    get("written", "s");
    unlink("s");
    show("write after unlink", write(fd, "x", 1));
    struct stat st;
    fstat(fd, &st);
    show("links after unlink", (long)st.st_nlink);
    close(fd);
}

static void limit(void) {
    struct rlimit few = {8, 8};
    setrlimit(RLIMIT_NOFILE, &few);
    long last = 0;
    for (int i = 0; i < 10 && last >= 0; i++) last = SYS(open, "f", O_RDONLY, 0);
    show("open at the limit", last);
    show("dup2 at the limit", SYS(dup2, 3, 8));
    show("F_DUPFD at the limit", SYS(fcntl, 3, F_DUPFD, 8));
    int p[2];
    show("pipe at the limit", SYS(pipe, p));
}

static long lock_of(int fd, short type, off_t start, off_t length, int command) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    long result = SYS(fcntl, fd, command, &lock);
    return command == F_GETLK && result == 0 ? lock.l_type : result;
}

static void in_other(void) {
    int fd = open("l", O_RDWR);
    show("conflicting lock", lock_of(fd, F_WRLCK, 0, 5, F_SETLK));
    show("lock held by other", lock_of(fd, F_WRLCK, 0, 0, F_GETLK) != F_UNLCK);
    show("disjoint lock", lock_of(fd, F_WRLCK, 10, 5, F_SETLK));
    show("shared lock of unlocked part", lock_of(fd, F_RDLCK, 4, 2, F_SETLK));
    show("flock held by other", SYS(flock, fd, LOCK_EX | LOCK_NB));
    show("shared flock held by other", SYS(flock, fd, LOCK_SH | LOCK_NB));
}

static void locking(void) {
    int fd = open("l", O_RDWR | O_CREAT, 0644);
    show("record lock", lock_of(fd, F_WRLCK, 0, 10, F_SETLK));
    show("unlock part", lock_of(fd, F_UNLCK, 4, 2, F_SETLK));
    show("own lock is no conflict", lock_of(fd, F_WRLCK, 0, 0, F_GETLK) == F_UNLCK);
    show("flock", SYS(flock, fd, LOCK_EX));
    in_child("other process", in_other);
    show("flock to shared", SYS(flock, fd, LOCK_SH));
    show("unlock flock", SYS(flock, fd, LOCK_UN));
    show("flock bad operation", SYS(flock, fd, 0));
    show("flock bad descriptor", SYS(flock, 77, LOCK_SH));
    show("lock bad type", lock_of(fd, 9, 0, 0, F_SETLK));
    int other = open("l", O_RDWR);
    close(other);
    pid_t child = fork();
    if (child == 0) _exit(lock_of(fd, F_WRLCK, 0, 0, F_SETLK) == 0 ? 0 : 1);
    int status;
    waitpid(child, &status, 0);
    say("closing any descriptor drops record locks: %s\n", status_text(status));
    // A blocking lock waits for the holder to go.
    int p[2];
    pipe(p);
    child = fork();
    if (child == 0) {
        lock_of(fd, F_WRLCK, 0, 0, F_SETLK);
        write(p[1], "x", 1);
        pause_ms(50);
        _exit(0);
    }
    char c;
    read(p[0], &c, 1);
    show("F_SETLKW after the holder exits", lock_of(fd, F_WRLCK, 0, 0, F_SETLKW));
    waitpid(child, 0, 0);
    // Each waits for what the other holds.
    lock_of(fd, F_UNLCK, 10, 0, F_SETLK);
    child = fork();
    if (child == 0) {
        lock_of(fd, F_WRLCK, 20, 1, F_SETLK);
        write(p[1], "x", 1);
        show("lock after the circle was refused", lock_of(fd, F_WRLCK, 0, 1, F_SETLKW));
        _exit(0);
    }
    read(p[0], &c, 1);
    until_asleep(child);
    show("F_SETLKW in a circle", lock_of(fd, F_WRLCK, 20, 1, F_SETLKW));
    lock_of(fd, F_UNLCK, 0, 0, F_SETLK);
    waitpid(child, 0, 0);
}

int main(void) {
    enter("fds");
    duplicating();
    sharing();
    locking();
    in_child("limit", limit);
    int available = -1;
    int p[2];
    pipe(p);
    write(p[1], "abc", 3);
    show("FIONREAD", SYS(ioctl, p[0], FIONREAD, &available));
    show("available", available);
    int on = 1;
    show("FIONBIO", SYS(ioctl, p[0], FIONBIO, &on));
    read(p[0], (char[8]){0}, 8);
    show("read after FIONBIO", SYS(read, p[0], (char[8]){0}, 8L));
    show("FIOCLEX", SYS(ioctl, p[0], FIOCLEX, 0L));
    show("F_GETFD", SYS(fcntl, p[0], F_GETFD, 0));
    show("ioctl unknown", SYS(ioctl, p[0], 0x12345678, 0L));
    show("TCGETS of pipe", SYS(ioctl, p[0], 0x5401, (char[64]){0}));
    show("ioctl bad descriptor", SYS(ioctl, 77, FIONREAD, &available));
}
