// Descriptors that are not open, not what the call is for, or one too many: every call that takes or makes
// one.
#include "tests/guest/cases/case.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <sys/un.h>

typedef long Call(int fd);
struct FdCall {
    const char* name;
    Call* call;
};

static char bytes[4096];
static struct iovec vector = {bytes, 16};
static struct stat facts;
static struct sockaddr_un address = {AF_UNIX, "nobody"};
static socklen_t size = sizeof address;
static int option;
static struct timespec soon = {0, 1000000};
#define CALL(name, ...) \
    static long do_##name(int fd) { return (void)fd, SYS(name, __VA_ARGS__); }
CALL(read, fd, bytes, 16L)
CALL(write, fd, bytes, 16L)
CALL(pread64, fd, bytes, 16L, 0L)
CALL(pwrite64, fd, bytes, 16L, 0L)
CALL(readv, fd, &vector, 1)
CALL(writev, fd, &vector, 1)
CALL(preadv, fd, &vector, 1, 0L, 0L)
CALL(pwritev, fd, &vector, 1, 0L, 0L)
CALL(preadv2, fd, &vector, 1, 0L, 0L, 0)
CALL(pwritev2, fd, &vector, 1, 0L, 0L, 0)
CALL(close, fd)
CALL(fstat, fd, &facts)
CALL(lseek, fd, 0L, SEEK_CUR)
CALL(ioctl, fd, 0x5401, bytes)
CALL(dup, fd)
CALL(dup2, fd, fd + 100)
CALL(dup3, fd, fd + 100, 0)
CALL(fcntl, fd, F_GETFL, 0L)
CALL(flock, fd, LOCK_UN)
CALL(fsync, fd)
CALL(fdatasync, fd)
CALL(syncfs, fd)
CALL(ftruncate, fd, 0L)
CALL(getdents, fd, bytes, sizeof bytes)
CALL(getdents64, fd, bytes, sizeof bytes)
CALL(fchdir, fd)
CALL(fchmod, fd, 0644)
CALL(fchown, fd, -1, -1)
CALL(fstatfs, fd, (struct statfs*)bytes)
CALL(fgetxattr, fd, "user.x", bytes, 16L)
CALL(fsetxattr, fd, "user.x", "1", 1L, 2)
CALL(flistxattr, fd, bytes, sizeof bytes)
CALL(fremovexattr, fd, "user.x")
CALL(fadvise64, fd, 0L, 0L, 0)
CALL(readahead, fd, 0L, 16L)
CALL(fallocate, fd, 0, 0L, 16L)
CALL(sync_file_range, fd, 0L, 0L, 0)
CALL(sendfile, fd, fd, 0L, 16L)
CALL(splice, fd, 0L, fd, 0L, 16L, 0)
CALL(tee, fd, fd, 16L, 0)
CALL(vmsplice, fd, &vector, 1L, 2)
CALL(copy_file_range, fd, 0L, fd, 0L, 16L, 0)
CALL(mmap, 0L, 4096L, PROT_READ, MAP_SHARED, fd, 0L)
CALL(connect, fd, &address, size)
CALL(accept, fd, 0L, 0L)
CALL(accept4, fd, 0L, 0L, 0)
CALL(bind, fd, &address, size)
CALL(listen, fd, 1)
CALL(getsockname, fd, bytes, &size)
CALL(getpeername, fd, bytes, &size)
CALL(setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, &option, 4)
CALL(getsockopt, fd, SOL_SOCKET, SO_TYPE, &option, &size)
CALL(shutdown, fd, SHUT_RD)
CALL(sendto, fd, bytes, 1L, 0, 0L, 0)
CALL(recvfrom, fd, bytes, 1L, MSG_DONTWAIT, 0L, 0L)
CALL(sendmsg, fd, (&(struct msghdr){.msg_iov = &vector, .msg_iovlen = 1}), 0)
CALL(recvmsg, fd, (&(struct msghdr){.msg_iov = &vector, .msg_iovlen = 1}), MSG_DONTWAIT)
CALL(sendmmsg, fd, (&(struct mmsghdr){.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}}), 1, 0)
CALL(recvmmsg, fd, (&(struct mmsghdr){.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}}), 1, MSG_DONTWAIT, 0L)
CALL(epoll_ctl, fd, 1, fd, bytes)
CALL(epoll_wait, fd, bytes, 1, 0)
CALL(epoll_pwait, fd, bytes, 1, 0, 0L, 8L)
CALL(epoll_pwait2, fd, bytes, 1, &soon, 0L, 8L)
CALL(inotify_add_watch, fd, ".", 2)
CALL(inotify_rm_watch, fd, 1)
CALL(timerfd_settime, fd, 0, bytes, 0L)
CALL(timerfd_gettime, fd, bytes)
CALL(signalfd, fd, (uint64_t[1]){0}, 8L)
CALL(signalfd4, fd, (uint64_t[1]){0}, 8L, 0)
CALL(select, fd + 1, (uint64_t[16]){[0] = 1ul << (fd & 63), [1] = fd > 63 ? 1ul << (fd & 63) : 0}, 0L, 0L,
     (&(struct timeval){0, 1}))
CALL(pselect6, fd + 1, (uint64_t[16]){[0] = 1ul << (fd & 63), [1] = fd > 63 ? 1ul << (fd & 63) : 0}, 0L, 0L,
     &soon, 0L)
CALL(pidfd_send_signal, fd, 0, 0L, 0)
CALL(pidfd_getfd, fd, 0, 0)
CALL(process_madvise, fd, &vector, 1L, MADV_COLD, 0)

#define ROW(name) \
    { #name, do_##name }
static const struct FdCall users[] = {
    ROW(read),
    ROW(write),
    ROW(pread64),
    ROW(pwrite64),
    ROW(readv),
    ROW(writev),
    ROW(preadv),
    ROW(pwritev),
    ROW(preadv2),
    ROW(pwritev2),
    ROW(fstat),
    ROW(lseek),
    ROW(ioctl),
    ROW(fcntl),
    ROW(fsync),
    ROW(fdatasync),
    ROW(syncfs),
    ROW(ftruncate),
    ROW(getdents),
    ROW(getdents64),
    ROW(fchdir),
    ROW(fstatfs),
    ROW(fadvise64),
    ROW(readahead),
    ROW(fallocate),
    ROW(sync_file_range),
    ROW(sendfile),
    ROW(splice),
    ROW(tee),
    ROW(vmsplice),
    ROW(copy_file_range),
    ROW(connect),
    ROW(accept),
    ROW(accept4),
    ROW(bind),
    ROW(listen),
    ROW(getsockname),
    ROW(getpeername),
    ROW(setsockopt),
    ROW(getsockopt),
    ROW(shutdown),
    ROW(sendto),
    ROW(recvfrom),
    ROW(sendmsg),
    ROW(recvmsg),
    ROW(sendmmsg),
    ROW(recvmmsg),
    ROW(epoll_ctl),
    ROW(epoll_wait),
    ROW(epoll_pwait),
    ROW(epoll_pwait2),
    ROW(inotify_add_watch),
    ROW(inotify_rm_watch),
    ROW(timerfd_settime),
    ROW(timerfd_gettime),
    ROW(signalfd),
    ROW(signalfd4),
    ROW(pidfd_send_signal),
    ROW(pidfd_getfd),
    ROW(process_madvise),
};
// Only of files with names: in the guest others have no owner, no attributes and no locks.
static const struct FdCall of_named[] = {
    ROW(flock), ROW(fchmod), ROW(fchown), ROW(fgetxattr), ROW(fsetxattr), ROW(flistxattr), ROW(fremovexattr),
};
// Of a descriptor that is not open only: what they do with others is not an error, or an address.
static const struct FdCall others[] = {ROW(close),  ROW(dup),      ROW(dup2), ROW(dup3),
                                       ROW(select), ROW(pselect6), ROW(mmap)};

static void each_named(const char* what, int fd) {
    say("== %s, if it has a name\n", what);
    for (unsigned i = 0; i < sizeof of_named / sizeof *of_named; i++)
        show(of_named[i].name, of_named[i].call(fd));
}

static void each(const char* what, int fd) {
    say("== %s\n", what);
    for (unsigned i = 0; i < sizeof users / sizeof *users; i++) {
        memset(bytes, 0, sizeof bytes);
        long result = users[i].call(fd);
        // Which number a new descriptor has depends on what is open.
        if (users[i].call == do_signalfd || users[i].call == do_signalfd4)
            show_ok(users[i].name, result);
        else
            show(users[i].name, result);
    }
}

// Calls that make descriptors, when there may be no more.
CALL(open, "file", O_RDONLY, 0)
CALL(creat, "file", 0644)
CALL(openat, AT_FDCWD, "file", O_RDONLY, 0)
CALL(openat2, AT_FDCWD, "file", (uint64_t[3]){O_RDONLY}, 24L)
CALL(pipe, bytes)
CALL(pipe2, bytes, 0)
CALL(socket, AF_UNIX, SOCK_STREAM, 0)
CALL(socketpair, AF_UNIX, SOCK_STREAM, 0, bytes)
CALL(epoll_create, 1)
CALL(epoll_create1, 0)
CALL(eventfd, 0)
CALL(eventfd2, 0, 0)
CALL(inotify_init, 0)
CALL(inotify_init1, 0)
CALL(timerfd_create, CLOCK_MONOTONIC, 0)
CALL(memfd_create, "x", 0)
CALL(pidfd_open, getpid(), 0)
static long make_signalfd(int fd) { return (void)fd, SYS(signalfd, -1, (uint64_t[1]){0}, 8L); }
static long make_signalfd4(int fd) { return (void)fd, SYS(signalfd4, -1, (uint64_t[1]){0}, 8L, 0); }
static long make_dup(int fd) { return (void)fd, SYS(dup, 1); }
static long make_dup3(int fd) { return (void)fd, SYS(dup3, 1, 50, 0); }
static long make_fcntl(int fd) { return (void)fd, SYS(fcntl, 1, F_DUPFD, 3); }
static long make_getfd(int fd) { return SYS(pidfd_getfd, fd, 1, 0); }
static const struct FdCall makers[] = {
    ROW(open),
    ROW(creat),
    ROW(openat),
    ROW(openat2),
    ROW(pipe),
    ROW(pipe2),
    ROW(socket),
    ROW(socketpair),
    ROW(epoll_create),
    ROW(epoll_create1),
    ROW(eventfd),
    ROW(eventfd2),
    ROW(inotify_init),
    ROW(inotify_init1),
    ROW(timerfd_create),
    ROW(memfd_create),
    ROW(pidfd_open),
    {"signalfd", make_signalfd},
    {"signalfd4", make_signalfd4},
    {"dup", make_dup},
    {"dup3", make_dup3},
    {"fcntl", make_fcntl},
    {"pidfd_getfd", make_getfd},
};

static void one_too_many(void) {
    int self = (int)SYS(pidfd_open, getpid(), 0), listener = socket(AF_UNIX, SOCK_STREAM, 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un name = {AF_UNIX, "listener"};
    bind(listener, (struct sockaddr*)&name, sizeof name);
    listen(listener, 2);
    connect(client, (struct sockaddr*)&name, sizeof name);
    struct rlimit most = {20, 20};
    setrlimit(RLIMIT_NOFILE, &most);
    while (dup(1) >= 0) {}
    for (unsigned i = 0; i < sizeof makers / sizeof *makers; i++) show(makers[i].name, makers[i].call(self));
    show("accept", SYS(accept, listener, 0L, 0L));
    show("accept4", SYS(accept4, listener, 0L, 0L, 0));
    close(19);
    show("pipe with room for one", SYS(pipe, bytes));
    show("the one", SYS(dup, 1));
}

int main(void) {
    enter("errors");
    put("file", "");
    int pair[2];
    each("not open", 77);
    for (unsigned i = 0; i < sizeof others / sizeof *others; i++) show(others[i].name, others[i].call(77));
    each("a file for reading", open("file", O_RDONLY));
    each("a path", open("file", O_PATH));
    each("a directory", open(".", O_RDONLY));
    each_named("not open", 77);
    each_named("a file for reading", open("file", O_RDONLY));
    each_named("a path", open("file", O_PATH));
    each_named("a directory", open(".", O_RDONLY));
    pipe2(pair, O_NONBLOCK);
    each("a pipe's reader", pair[0]);
    pipe2(pair, O_NONBLOCK);
    each("a pipe's writer", pair[1]);
    in_child("one too many", one_too_many);
}
