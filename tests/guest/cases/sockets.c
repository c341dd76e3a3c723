// Unix socket pairs: streams, records, datagrams; ends, blocking, readiness, options, passed files and
// credentials.
#include "tests/guest/cases/case.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static char block[400000];
static volatile sig_atomic_t broken;
static void on_pipe(int signal) { broken += signal == SIGPIPE; }

static short events_of(int fd) {
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    poll(&p, 1, 0);
    return p.revents;
}

static void close_both(int s[2]) {
    close(s[0]);
    close(s[1]);
}

static void refusals(void) {
    int s[2];
    show("unknown family", SYS(socketpair, 46, SOCK_STREAM, 0, s));
    show("negative family", SYS(socket, -1, SOCK_STREAM, 0));
    show("type out of range", SYS(socketpair, AF_UNIX, 11, 0, s));
    show("unknown type", SYS(socketpair, AF_UNIX, SOCK_RDM, 0, s));
    show("unknown flag", SYS(socketpair, AF_UNIX, SOCK_STREAM | 0x100, 0, s));
    show("protocol", SYS(socketpair, AF_UNIX, SOCK_STREAM, 2, s));
    show("protocol 1", SYS(socketpair, AF_UNIX, SOCK_STREAM, 1, s));
    close_both(s);
    show("bad pointer", SYS(socketpair, AF_UNIX, SOCK_STREAM, 0, 8L));
    show("send to a closed descriptor", SYS(sendto, 99, "x", 1L, 0, 0L, 0));
    show("send to a file", SYS(sendto, 1, "x", 1L, 0, 0L, 0));
    show("shutdown of a file", SYS(shutdown, 1, 0));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    show("send unconnected", SYS(sendto, fd, "x", 1L, 0, 0L, 0));
    show("receive unconnected", SYS(recvfrom, fd, block, 1L, 0, 0L, 0L));
    say("unconnected: %x\n", events_of(fd));
    close(fd);
    fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    show("records: send unconnected", SYS(sendto, fd, "x", 1L, 0, 0L, 0));
    show("records: receive unconnected", SYS(recvfrom, fd, block, 1L, 0, 0L, 0L));
    close(fd);
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    show("datagrams: send unconnected", SYS(sendto, fd, "x", 1L, 0, 0L, 0));
    show("datagrams: receive, nothing there", SYS(recvfrom, fd, block, 1L, MSG_DONTWAIT, 0L, 0L));
    close(fd);
}

static void stream(void) {
    int s[2];
    char out[16] = "";
    show("socketpair", SYS(socketpair, AF_UNIX, SOCK_STREAM, 0, s));
    say("descriptors: %d %d\n", s[0], s[1]);
    struct stat status;
    fstat(s[0], &status);
    say("mode: %o\n", status.st_mode);
    char link[64] = "", path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", s[0]);
    check("a socket in /proc", readlink(path, link, 63) > 0 && !strncmp(link, "socket:[", 8));
    show("open by its descriptor's path", SYS(open, path, O_RDWR, 0));
    show("seek", SYS(lseek, s[0], 0L, SEEK_SET));
    show("write", SYS(write, s[0], "first", 5L));
    show("write", SYS(write, s[0], "second", 6L));
    int waiting = 0;
    ioctl(s[1], FIONREAD, &waiting);
    show("waiting", waiting);
    show("peek", SYS(recvfrom, s[1], out, 3L, MSG_PEEK, 0L, 0L));
    show("read", SYS(read, s[1], out, 3L));
    show("read across writes", SYS(read, s[1], out, 16L));
    say("bytes: %.8s\n", out);
    show("the other way", SYS(write, s[1], "back", 4L));
    show("read", SYS(read, s[0], out, 16L));
    show("nothing there", SYS(recvfrom, s[0], out, 1L, MSG_DONTWAIT, 0L, 0L));
    show("read nothing", SYS(read, s[0], out, 0L));
    show("write nothing", SYS(write, s[0], out, 0L));
    show("bad buffer", SYS(write, s[0], 8L, 4L));
    show("send to an address", SYS(sendto, s[0], "x", 1L, 0, "\1\0x", 3));
    struct sockaddr_un name;
    socklen_t length = sizeof name;
    show("getsockname", SYS(getsockname, s[0], &name, &length));
    say("name: family %d length %u\n", name.sun_family, length);
    length = sizeof name;
    show("getpeername", SYS(getpeername, s[0], &name, &length));
    say("peer: family %d length %u\n", name.sun_family, length);
    length = sizeof name;
    write(s[1], "x", 1);
    show("recvfrom", SYS(recvfrom, s[0], out, 1L, 0, &name, &length));
    say("from: length %u\n", length);
    say("idle: %x\n", events_of(s[0]));
    write(s[1], "x", 1);
    say("readable: %x\n", events_of(s[0]));
    read(s[0], out, 1);
    show("connected already", SYS(connect, s[0], "\1\0/none", 7));
    show("listen", SYS(listen, s[0], 1));
    show("accept", SYS(accept, s[0], 0L, 0L));
    close_both(s);
}

static void ends(void) {
    int s[2];
    char out[16];
    signal(SIGPIPE, on_pipe);
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s);
    show("cloexec", fcntl(s[1], F_GETFD));
    show("flags", fcntl(s[0], F_GETFL));
    write(s[0], "left", 4);
    show("bad shutdown", SYS(shutdown, s[0], 3));
    show("shutdown sending", SYS(shutdown, s[0], SHUT_WR));
    say("after: %x, other %x\n", events_of(s[0]), events_of(s[1]));
    show("send", SYS(sendto, s[0], "x", 1L, MSG_NOSIGNAL, 0L, 0));
    show("signals", broken);
    show("write", SYS(write, s[0], "x", 1L));
    show("signals", broken);
    show("what was sent", SYS(read, s[1], out, 16L));
    show("end", SYS(read, s[1], out, 16L));
    show("the other way", SYS(write, s[1], "x", 1L));
    show("read", SYS(read, s[0], out, 16L));
    show("nothing yet", SYS(read, s[0], out, 16L));
    show("shutdown receiving", SYS(shutdown, s[0], SHUT_RD));
    say("after: %x, other %x\n", events_of(s[0]), events_of(s[1]));
    show("end", SYS(read, s[0], out, 16L));
    show("write to it", SYS(write, s[1], "x", 1L));
    close_both(s);

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(s[0], "left", 4);
    close(s[0]);
    say("peer closed: %x\n", events_of(s[1]));
    show("what was sent", SYS(read, s[1], out, 16L));
    show("end", SYS(read, s[1], out, 16L));
    show("write", SYS(write, s[1], "x", 1L));
    close(s[1]);

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(s[0], "unread", 6);
    close(s[1]);
    say("closed with bytes unread: %x\n", events_of(s[0]));
    show("read", SYS(read, s[0], out, 16L));
    show("read again", SYS(read, s[0], out, 16L));
    close(s[0]);

    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    write(s[0], "unread", 6);
    close(s[1]);
    int error = -1;
    socklen_t length = sizeof error;
    getsockopt(s[0], SOL_SOCKET, SO_ERROR, &error, &length);
    show("pending error", -error);
    getsockopt(s[0], SOL_SOCKET, SO_ERROR, &error, &length);
    show("then", -error);
    close(s[0]);
}

static void killed(void) {
    int s[2];
    signal(SIGPIPE, SIG_DFL);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    close(s[1]);
    write(s[0], "x", 1);
}

static void records(int type, const char* name) {
    int s[2];
    char out[16] = "";
    say("- %s\n", name);
    show("socketpair", SYS(socketpair, AF_UNIX, type, 0, s));
    show("send", SYS(write, s[0], "one", 3L));
    show("send", SYS(write, s[0], "three", 5L));
    show("send nothing", SYS(write, s[0], "", 0L));
    int waiting = 0;
    ioctl(s[1], FIONREAD, &waiting);
    show("waiting", waiting);
    show("receive", SYS(read, s[1], out, 16L));
    show("cut", SYS(recvfrom, s[1], out, 2L, MSG_PEEK, 0L, 0L));
    show("cut, whole length", SYS(recvfrom, s[1], out, 2L, MSG_TRUNC, 0L, 0L));
    show("nothing", SYS(read, s[1], out, 16L));
    show("no more", SYS(recvfrom, s[1], out, 16L, MSG_DONTWAIT, 0L, 0L));
    struct iovec parts[2] = {{"ab", 2}, {"cd", 2}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    show("from parts", sendmsg(s[0], &message, 0));
    struct iovec into[2] = {{out, 1}, {out + 8, 2}};
    message.msg_iov = into;
    show("into parts", recvmsg(s[1], &message, 0));
    say("flags: %x, bytes: %c %.2s\n", message.msg_flags, out[0], out + 8);
    show("too long", SYS(write, s[0], block, (long)sizeof block));
    signal(SIGPIPE, on_pipe);
    broken = 0;
    say("idle: %x\n", events_of(s[0]));
    shutdown(s[1], SHUT_RD);
    say("peer receives no more: %x\n", events_of(s[0]));
    show("send", SYS(sendto, s[0], "x", 1L, 0, 0L, 0));
    close(s[1]);
    say("peer closed: %x\n", events_of(s[0]));
    show("send", SYS(sendto, s[0], "x", 1L, 0, 0L, 0));
    show("send again", SYS(sendto, s[0], "x", 1L, 0, 0L, 0));
    show("signals", broken);
    show("receive", SYS(recvfrom, s[0], out, 1L, MSG_DONTWAIT, 0L, 0L));
    close(s[0]);
}

static void blocking(void) {
    int s[2];
    char out[16];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    if (fork() == 0) {
        pause_ms(30);
        write(s[1], "late", 4);
        _exit(0);
    }
    double start = seconds(CLOCK_MONOTONIC);
    show("read waits", read(s[0], out, 16));
    check("it waited", seconds(CLOCK_MONOTONIC) - start > 0.02);
    wait(0);
    // More than a socket holds goes through in order, and back.
    if (fork() == 0) {
        close(s[0]);
        unsigned char part[1000];
        for (int i = 0; i < 600000; i += 1000) {
            for (int j = 0; j < 1000; j++) part[j] = (unsigned char)((i + j) * 7);
            write(s[1], part, sizeof part);
        }
        _exit(0);
    }
    close(s[1]);
    long total = 0, wrong = 0;
    for (long n; (n = read(s[0], block, 777)) > 0; total += n)
        for (long j = 0; j < n; j++) wrong += (unsigned char)block[j] != (unsigned char)((total + j) * 7);
    show("bytes through", total);
    show("wrong bytes", wrong);
    wait(0);
    close(s[0]);
    // One big write against a slow reader; MSG_WAITALL.
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    if (fork() == 0) {
        close(s[0]);
        _exit(write(s[1], block, sizeof block) != (long)sizeof block);
    }
    close(s[1]);
    pause_ms(20);
    show("all of it", recv(s[0], block, sizeof block, MSG_WAITALL));
    int status;
    wait(&status);
    show("written whole", status);
    close(s[0]);
    // Filling up.
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    long filled = 0;
    for (long n; (n = write(s[0], block, 4096)) > 0;) filled += n;
    check("it fills", filled > 50000 && filled < 1000000);
    show("full", SYS(write, s[0], block, 4096L));
    say("full: %x\n", events_of(s[0]));
    long drained = 0;
    for (long n; (n = read(s[1], block, sizeof block)) > 0;) drained += n;
    check("all comes out", drained == filled);
    say("empty: %x\n", events_of(s[0]));
    close_both(s);
    // Timeouts.
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    struct timeval time = {0, 20000};
    show("receive timeout", setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
    start = seconds(CLOCK_MONOTONIC);
    show("times out", SYS(read, s[0], out, 1L));
    check("it waited", seconds(CLOCK_MONOTONIC) - start > 0.015);
    close_both(s);
}

static int option(int fd, int number) {
    int value = -1;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_SOCKET, number, &value, &length) < 0 ? -errno : value;
}

static void options(void) {
    int s[2], one = 1;
    socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s);
    show("type", option(s[0], SO_TYPE));
    show("domain", option(s[0], SO_DOMAIN));
    show("protocol", option(s[0], SO_PROTOCOL));
    show("error", option(s[0], SO_ERROR));
    show("accepts", option(s[0], SO_ACCEPTCONN));
    show("passes credentials", option(s[0], SO_PASSCRED));
    show("reuse", option(s[0], SO_REUSEADDR));
    show("set reuse", setsockopt(s[0], SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
    show("reuse", option(s[0], SO_REUSEADDR));
    int size = 10000;
    show("set send buffer", setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size));
    show("send buffer", option(s[0], SO_SNDBUF));
    size = 1;
    setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    show("smallest", option(s[0], SO_SNDBUF));
    setsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    show("smallest receive buffer", option(s[0], SO_RCVBUF));
    struct ucred peer = {0, 1, 1};
    socklen_t length = sizeof peer;
    show("peer's credentials", SYS(getsockopt, s[0], SOL_SOCKET, SO_PEERCRED, &peer, &length));
    check("they are ours", peer.pid == getpid() && peer.uid == getuid() && peer.gid == getgid());
    show("unknown option", option(s[0], 9999));
    show("set type", SYS(setsockopt, s[0], SOL_SOCKET, SO_TYPE, &one, sizeof one));
    show("too short", SYS(setsockopt, s[0], SOL_SOCKET, SO_REUSEADDR, &one, 2));
    show("other level", SYS(setsockopt, s[0], 6, 1, &one, sizeof one));
    char few[4] = {9, 9, 9, 9};
    length = 2;
    show("short answer", SYS(getsockopt, s[0], SOL_SOCKET, SO_TYPE, few, &length));
    say("length %u: %d %d\n", length, few[0], few[2]);
    show("of a file", SYS(getsockopt, 1, SOL_SOCKET, SO_TYPE, few, &length));
    close_both(s);
}

// Sends bytes with descriptors; -errno on failure.
static long send_files(int to, const char* bytes, size_t count, const int* files, size_t number) {
    char control[CMSG_SPACE(16 * sizeof(int))] = "";
    struct iovec part = {(void*)bytes, count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(number * 4)};
    struct cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(number * 4);
    memcpy(CMSG_DATA(head), files, number * 4);
    long sent = sendmsg(to, &message, 0);
    return sent < 0 ? -errno : sent;
}

// Receives bytes and descriptors, and says what came.
static int receive_files(const char* what, int from, size_t count, size_t room, int flags, int* files) {
    char control[256] = "", bytes[64] = "";
    struct iovec part = {bytes, count};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
    long got = recvmsg(from, &message, flags);
    int number = 0;
    for (struct cmsghdr* head = CMSG_FIRSTHDR(&message); got >= 0 && head;
         head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_type != SCM_RIGHTS) continue;
        number = (int)((head->cmsg_len - CMSG_LEN(0)) / 4);
        memcpy(files, CMSG_DATA(head), (size_t)number * 4);
    }
    say("%s: %ld bytes \"%s\", %d files, flags %x, control %zu\n", what, got, bytes, number,
        message.msg_flags, message.msg_controllen);
    return number;
}

static void passing(int type, const char* name) {
    int s[2], p[2], got[16];
    say("- %s\n", name);
    socketpair(AF_UNIX, type, 0, s);
    pipe(p);
    show("send a file", send_files(s[0], "file", 4, &p[1], 1));
    close(p[1]);
    receive_files("look", s[1], 64, 128, MSG_PEEK, got);
    close(got[0]);
    receive_files("receive", s[1], 64, 128, MSG_CMSG_CLOEXEC, got);
    show("cloexec", fcntl(got[0], F_GETFD));
    show("write through it", write(got[0], "through", 7));
    close(got[0]);
    char out[16] = "";
    show("arrives", read(p[0], out, 16));
    show("and ends", read(p[0], out, 16));
    close(p[0]);
    int three[3] = {0, 1, 2};
    send_files(s[0], "three", 5, three, 3);
    int number = receive_files("room for two", s[1], 64, CMSG_LEN(2 * 4), 0, got);
    for (int i = 0; i < number; i++) close(got[i]);
    send_files(s[0], "three", 5, three, 3);
    receive_files("no room", s[1], 64, 0, 0, got);
    int bad = 77;
    show("closed descriptor", send_files(s[0], "x", 1, &bad, 1));
    // A file marks where a stream's read ends.
    write(s[0], "ab", 2);
    send_files(s[0], "cd", 2, three, 1);
    write(s[0], "ef", 2);
    for (int i = 0; i < 3; i++) {
        number = receive_files("part", s[1], 64, 128, MSG_DONTWAIT, got);
        for (int j = 0; j < number; j++) close(got[j]);
    }
    // What nobody received ends with the socket.
    pipe(p);
    send_files(s[0], "x", 1, &p[1], 1);
    close(p[1]);
    close_both(s);
    show("pipe ends with the message", read(p[0], out, 1));
    close(p[0]);
}

static void credentials(void) {
    int s[2], one = 1;
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &one, sizeof one);
    if (fork() == 0) {
        write(s[0], "child", 5);
        _exit(0);
    }
    wait(0);
    write(s[0], "parent", 6);
    for (int i = 0; i < 2; i++) {
        char control[128], bytes[16] = "";
        struct iovec part = {bytes, 16};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        show("receive", recvmsg(s[1], &message, 0));
        struct cmsghdr* head = CMSG_FIRSTHDR(&message);
        struct ucred sender = {0, 0, 0};
        if (head && head->cmsg_type == SCM_CREDENTIALS) memcpy(&sender, CMSG_DATA(head), sizeof sender);
        say("from %s: %s, uid %u\n", bytes,
            sender.pid == getpid() ? "us"
            : sender.pid > 0       ? "another"
                                   : "?",
            sender.uid);
    }
    close_both(s);
}

static void watched(void) {
    int s[2], e = epoll_create1(0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    struct epoll_event event = {EPOLLIN | EPOLLRDHUP | EPOLLET, {.u32 = 7}}, got;
    epoll_ctl(e, EPOLL_CTL_ADD, s[0], &event);
    show("nothing", epoll_wait(e, &got, 1, 0));
    write(s[1], "x", 1);
    show("one", epoll_wait(e, &got, 1, 1000));
    say("events %x\n", got.events);
    show("reported once", epoll_wait(e, &got, 1, 0));
    write(s[1], "y", 1);
    show("again", epoll_wait(e, &got, 1, 1000));
    shutdown(s[1], SHUT_WR);
    show("the end", epoll_wait(e, &got, 1, 1000));
    say("events %x\n", got.events);
    close(s[1]);
    show("closed", epoll_wait(e, &got, 1, 1000));
    say("events %x\n", got.events);
    close(s[0]);
    // Room is announced to those who wait to write.
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
    while (write(s[0], block, 4096) > 0) {}
    event.events = EPOLLOUT;
    epoll_ctl(e, EPOLL_CTL_ADD, s[0], &event);
    show("full", epoll_wait(e, &got, 1, 0));
    if (fork() == 0) {
        pause_ms(20);
        while (read(s[1], block, sizeof block) > 0) {}
        _exit(0);
    }
    show("room", epoll_wait(e, &got, 1, 2000));
    say("events %x\n", got.events);
    wait(0);
    close_both(s);
    close(e);
}

int main(void) {
    refusals();
    stream();
    ends();
    in_child("SIGPIPE kills", killed);
    records(SOCK_SEQPACKET, "records");
    records(SOCK_DGRAM, "datagrams");
    blocking();
    options();
    passing(SOCK_STREAM, "files through a stream");
    passing(SOCK_SEQPACKET, "files with records");
    passing(SOCK_DGRAM, "files with datagrams");
    credentials();
    watched();
}
