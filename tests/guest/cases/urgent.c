// Urgent data of TCP: out of line and in line, the mark, readiness, what stops at the mark and what passes
// it.
#include "tests/guest/cases/case.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>

static void connected(int s[2]) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = {.sin_family = AF_INET};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof a;
    bind(fd, (void*)&a, sizeof a);
    listen(fd, 1);
    getsockname(fd, (void*)&a, &length);
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    connect(s[0], (void*)&a, sizeof a);
    s[1] = accept(fd, 0, 0);
    close(fd);
}
static void hang_up(int s[2]) {
    close(s[0]);
    close(s[1]);
}
static void in_line(int fd, int on) {
    show("inline", SYS(setsockopt, fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof on));
}

// Waits until so many bytes, urgent ones included, are there or the time is over.
static void await(int fd, short events) {
    struct pollfd p = {fd, events, 0};
    poll(&p, 1, 5000);
}
static void settle(void) {
    struct timespec t = {0, 30000000};
    nanosleep(&t, 0);
}
static void state(int fd) {
    struct pollfd p = {fd, POLLIN | POLLPRI | POLLRDBAND | POLLRDHUP, 0};
    int mark = -1, bytes = -1;
    poll(&p, 1, 0);
    long marked = SYS(ioctl, fd, SIOCATMARK, &mark), counted = SYS(ioctl, fd, FIONREAD, &bytes);
    say("  events %#x, at mark %ld %d, readable %ld %d\n", p.revents, marked, mark, counted, bytes);
}
static void take(const char* what, int fd, size_t size, int flags) {
    char bytes[32] = {0};
    struct iovec part = {bytes, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    long got = SYS(recvmsg, fd, &message, flags | MSG_DONTWAIT);
    show(what, got);
    say("  \"%s\", flags %#x\n", bytes, got < 0 ? 0 : message.msg_flags);
}

static void out_of_line(void) {
    int s[2];
    connected(s);
    take("nothing urgent", s[1], 1, MSG_OOB);
    show("send", SYS(sendto, s[0], "abc", 3, MSG_OOB, 0, 0));
    await(s[1], POLLPRI);
    state(s[1]);
    take("peek at the urgent byte", s[1], 1, MSG_OOB | MSG_PEEK);
    take("peek at the rest", s[1], 10, MSG_PEEK);
    take("up to the mark", s[1], 10, 0);
    state(s[1]);
    take("no room", s[1], 0, MSG_OOB);
    take("taken with it", s[1], 1, MSG_OOB);
    state(s[1]);
    show("send behind", SYS(sendto, s[0], "def", 3, 0, 0, 0));
    await(s[1], POLLIN);
    state(s[1]);
    take("beyond the mark", s[1], 10, 0);
    state(s[1]);
    take("twice", s[1], 1, MSG_OOB);
    hang_up(s);
}

static void inside(void) {
    int s[2];
    connected(s);
    in_line(s[1], 1);
    SYS(sendto, s[0], "abc", 3, MSG_OOB, 0, 0);
    await(s[1], POLLPRI);
    settle();
    SYS(sendto, s[0], "def", 3, 0, 0, 0);
    settle();
    state(s[1]);
    take("out of line", s[1], 1, MSG_OOB);
    take("before the mark", s[1], 10, 0);
    state(s[1]);
    take("peek", s[1], 10, MSG_PEEK);
    take("one at the mark", s[1], 1, 0);
    state(s[1]);
    take("the rest", s[1], 10, 0);
    hang_up(s);
}

static void several(void) {
    int s[2];
    connected(s);
    show("send", SYS(sendto, s[0], "ab", 2, MSG_OOB, 0, 0));
    await(s[1], POLLPRI);
    settle();
    show("another", SYS(sendto, s[0], "cd", 2, MSG_OOB, 0, 0));
    settle();
    state(s[1]);
    take("the second", s[1], 1, MSG_OOB);
    take("the first is of the stream", s[1], 10, 0);
    state(s[1]);
    show("at the mark a third", SYS(sendto, s[0], "e", 1, MSG_OOB, 0, 0));
    settle();
    state(s[1]);
    take("nothing of the stream", s[1], 10, 0);
    take("the third", s[1], 1, MSG_OOB);
    hang_up(s);
}

static void stops(void) {
    int s[2];
    char bytes[16] = {0};
    connected(s);
    SYS(sendto, s[0], "abcX", 4, MSG_OOB, 0, 0);
    await(s[1], POLLPRI);
    SYS(sendto, s[0], "def", 3, 0, 0, 0);
    settle();
    show("all, but for the mark", SYS(recvfrom, s[1], bytes, 6, MSG_WAITALL, 0, 0));
    show("and on", SYS(recvfrom, s[1], bytes + 3, 3, MSG_WAITALL, 0, 0));
    say("  \"%s\"\n", bytes);
    SYS(sendto, s[0], "Y", 1, MSG_OOB, 0, 0);
    await(s[1], POLLPRI);
    fd_set urgent;
    FD_ZERO(&urgent);
    FD_SET(s[1], &urgent);
    struct timeval none = {0, 0};
    show("select", select(s[1] + 1, 0, 0, &urgent, &none));
    show("close", SYS(close, s[0]));
    await(s[1], POLLRDHUP);
    state(s[1]);
    take("after the end", s[1], 1, MSG_OOB);
    take("the end", s[1], 1, 0);
    take("again", s[1], 1, MSG_OOB);
    close(s[1]);
}

static void refused(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    char byte;
    show("send, not connected", SYS(sendto, fd, "a", 1, MSG_OOB | MSG_NOSIGNAL, 0, 0));
    show("receive, not connected", SYS(recvfrom, fd, &byte, 1, MSG_OOB, 0, 0));
    state(fd);
    listen(fd, 1);
    show("receive, listening", SYS(recvfrom, fd, &byte, 1, MSG_OOB, 0, 0));
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    show("datagram", SYS(recvfrom, fd, &byte, 1, MSG_OOB | MSG_DONTWAIT, 0, 0));
    close(fd);
}

int main(void) {
    say("== out of line\n");
    out_of_line();
    say("== in line\n");
    inside();
    say("== several\n");
    several();
    say("== stops\n");
    stops();
    say("== refused\n");
    refused();
    return 0;
}
