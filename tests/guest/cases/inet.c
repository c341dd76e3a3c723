// Internet sockets over the loopback: TCP and UDP, IPv4 and IPv6; names, refusals, readiness, ends, options.
#include "tests/guest/cases/case.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

static char block[300000];
static volatile sig_atomic_t broken;
static void on_pipe(int signal) { broken += signal == SIGPIPE; }

static short events_of(int fd) {
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    poll(&p, 1, 0);
    return p.revents;
}
// Waits for an event, so that nothing depends on when the peer's segment arrives.
static short await(int fd, short events) {
    struct pollfd p = {fd, events, 0};
    poll(&p, 1, 5000);
    return p.revents;
}

static struct sockaddr_in local(int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}
static struct sockaddr_in name_of(int fd) {
    struct sockaddr_in a = {0};
    socklen_t length = sizeof a;
    getsockname(fd, (void*)&a, &length);
    return a;
}
static int listening(int type) {
    int fd = socket(AF_INET, type, 0);
    struct sockaddr_in a = local(0);
    show("bind", SYS(bind, fd, &a, sizeof a));
    if (type == SOCK_STREAM) show("listen", SYS(listen, fd, 5));
    return fd;
}
static void connected(int s[2]) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = local(0);
    bind(fd, (void*)&a, sizeof a);
    listen(fd, 5);
    a = name_of(fd);
    s[0] = socket(AF_INET, SOCK_STREAM, 0);
    show("connect", SYS(connect, s[0], &a, sizeof a));
    s[1] = accept(fd, 0, 0);
    close(fd);
}

static void refusals(void) {
    show("no such type", SYS(socket, AF_INET, SOCK_SEQPACKET, 0));
    show("wrong protocol", SYS(socket, AF_INET, SOCK_STREAM, IPPROTO_UDP));
    show("pair", SYS(socketpair, AF_INET, SOCK_STREAM, 0, block));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = local(1);
    show("connect to nobody", SYS(connect, fd, &a, sizeof a));
    show("again", SYS(connect, fd, &a, sizeof a));
    show("short address", SYS(connect, fd, &a, 8));
    a.sin_family = AF_INET6;
    show("other family", SYS(connect, fd, &a, sizeof a));
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    check("fresh poll", events_of(fd) == (POLLOUT | POLLHUP));
    show("read", SYS(recvfrom, fd, block, 1L, 0, 0L, 0L));
    signal(SIGPIPE, on_pipe);
    show("write", SYS(sendto, fd, "x", 1L, 0, 0L, 0));
    say("signals: %d\n", broken);
    show("peer", SYS(getpeername, fd, block, block + 100));
    show("shutdown", SYS(shutdown, fd, SHUT_RDWR));
    show("accept", SYS(accept, fd, 0L, 0L));
    a = local(0);
    a.sin_addr.s_addr = inet_addr("9.9.9.9");
    show("bind elsewhere", SYS(bind, fd, &a, sizeof a));
    close(fd);
}

static void names(void) {
    int fd = listening(SOCK_STREAM), other = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = name_of(fd);
    check("port in range", ntohs(a.sin_port) >= 32768);
    show("taken", SYS(bind, other, &a, sizeof a));
    int on = 1;
    setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    show("taken by a listener", SYS(bind, other, &a, sizeof a));
    a.sin_addr.s_addr = inet_addr("127.0.0.2");
    show("another address", SYS(bind, other, &a, sizeof a));
    show("bind twice", SYS(bind, other, &a, sizeof a));
    a.sin_addr.s_addr = htonl(INADDR_ANY);
    int third = socket(AF_INET, SOCK_STREAM, 0);
    show("any address", SYS(bind, third, &a, sizeof a));
    close(third);
    close(other);
    close(fd);
}

static void stream(void) {
    int s[2];
    connected(s);
    struct sockaddr_in a = name_of(s[0]), b = {0};
    socklen_t length = sizeof b;
    show("peer name", SYS(getpeername, s[1], &b, &length));
    check("peer",
          length == sizeof b && a.sin_port == b.sin_port && b.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    say("poll: %x %x\n", events_of(s[0]), events_of(s[1]));
    show("send", SYS(sendto, s[0], "hello world", 11L, 0, 0L, 0));
    say("arrived: %x\n", await(s[1], POLLIN));
    int bytes = 0;
    show("FIONREAD", SYS(ioctl, s[1], FIONREAD, &bytes));
    say("bytes: %d\n", bytes);
    char text[32] = "";
    show("peek", SYS(recvfrom, s[1], text, 5L, MSG_PEEK, 0L, 0L));
    say("text: %s\n", text);
    show("drop", SYS(recvfrom, s[1], 0L, 6L, MSG_TRUNC, 0L, 0L));
    show("receive", SYS(recvfrom, s[1], text, 20L, 0, 0L, 0L));
    say("text: %s\n", text);
    show("none", SYS(recvfrom, s[1], text, 20L, MSG_DONTWAIT, 0L, 0L));
    show("connect again", SYS(connect, s[0], &a, sizeof a));
    struct iovec parts[2] = {{"ab", 2}, {"cd", 2}};
    show("writev", SYS(writev, s[1], parts, 2));
    show("wait for all", SYS(recvfrom, s[0], text, 4L, MSG_WAITALL, 0L, 0L));
    show("end", SYS(shutdown, s[0], SHUT_WR));
    await(s[1], POLLIN);
    say("ended: %x %x\n", events_of(s[0]), events_of(s[1]));
    show("end of file", SYS(read, s[1], text, 4L));
    show("still answers", SYS(write, s[1], "z", 1L));
    await(s[0], POLLIN);
    show("half open", SYS(read, s[0], text, 4L));
    broken = 0;
    show("write after the end", SYS(write, s[0], "z", 1L));
    say("signals: %d\n", broken);
    show("quietly", SYS(sendto, s[0], "z", 1L, MSG_NOSIGNAL, 0L, 0));
    say("signals: %d\n", broken);
    close(s[1]);
    await(s[0], POLLHUP);
    say("both ended: %x\n", events_of(s[0]));
    close(s[0]);
}

static void* drain(void* at) {
    long sum = 0, got;
    while ((got = read(*(int*)at, block, 100000)) > 0) sum += got;
    return (void*)sum;
}

static void bulk(void) {
    int s[2];
    connected(s);
    pthread_t reader;
    pthread_create(&reader, 0, drain, &s[1]);
    static char out[1 << 20];
    long sum = 0;
    for (int i = 0; i < 8; i++) sum += write(s[0], out, sizeof out);
    shutdown(s[0], SHUT_WR);
    void* got;
    pthread_join(reader, &got);
    say("bytes: %ld %ld\n", sum, (long)got);
    close(s[0]);
    close(s[1]);
}

static void reset(void) {
    int s[2];
    connected(s);
    struct linger now = {1, 0};
    setsockopt(s[1], SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(s[1]);
    say("reset: %x\n", await(s[0], POLLIN));
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(s[0], SOL_SOCKET, SO_ERROR, &error, &length);
    show("SO_ERROR", -error);
    show("read", SYS(read, s[0], block, 1L));
    show("write", SYS(sendto, s[0], "x", 1L, MSG_NOSIGNAL, 0L, 0));
    close(s[0]);
    connected(s);
    write(s[0], "unread", 6);
    await(s[1], POLLIN);
    close(s[1]);
    await(s[0], POLLIN);
    show("unread bytes", SYS(read, s[0], block, 1L));
    close(s[0]);
}

static void nonblocking(void) {
    int server = listening(SOCK_STREAM);
    struct sockaddr_in a = name_of(server);
    fcntl(server, F_SETFL, O_NONBLOCK);
    show("nobody there", SYS(accept, server, 0L, 0L));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    long result = SYS(connect, fd, &a, sizeof a);
    check("connect", result == 0 || result == -EINPROGRESS);
    check("writable", await(fd, POLLOUT) == POLLOUT);
    int error = 1;
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    say("error: %d\n", error);
    say("waits: %x\n", await(server, POLLIN));
    int peer = accept4(server, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
    say("flags: %x %x\n", fcntl(peer, F_GETFL), fcntl(peer, F_GETFD));
    show("nothing", SYS(read, peer, block, 1L));
    long sum = 0, got;
    while ((got = write(fd, block, sizeof block)) > 0) sum += got;
    check("full", got < 0 && errno == EAGAIN && sum > 100000);
    check("not writable", !(events_of(fd) & POLLOUT));
    long taken = 0;
    while (taken < sum) {
        await(peer, POLLIN);
        if ((got = read(peer, block, sizeof block)) <= 0) break;
        taken += got;
    }
    check("all", taken == sum);
    check("writable again", await(fd, POLLOUT) == POLLOUT);
    close(peer);
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    close(server);
    result = SYS(connect, fd, &a, sizeof a);
    check("refused", result == -ECONNREFUSED || result == -EINPROGRESS);
    if (result == -EINPROGRESS) {
        say("events: %x\n", await(fd, POLLOUT));
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    } else {
        say("events: %x\n", POLLOUT | POLLERR | POLLHUP);
        error = -(int)result;
    }
    show("error", -error);
    close(fd);
}

static void edges(void) {
    int s[2];
    connected(s);
    int watch = epoll_create1(0);
    struct epoll_event event = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.fd = s[0]}}, out;
    epoll_ctl(watch, EPOLL_CTL_ADD, s[0], &event);
    int ready = epoll_wait(watch, &out, 1, 1000);
    say("first: %d %x\n", ready, out.events);
    say("nothing new: %d\n", epoll_wait(watch, &out, 1, 0));
    write(s[1], "x", 1);
    ready = epoll_wait(watch, &out, 1, 1000);
    say("input: %d %x\n", ready, out.events);
    shutdown(s[1], SHUT_WR);
    ready = epoll_wait(watch, &out, 1, 1000);
    say("end: %d %x\n", ready, out.events);
    close(watch);
    close(s[0]);
    close(s[1]);
}

static void datagrams(void) {
    int a = listening(SOCK_DGRAM), b = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = name_of(a), from = {0};
    socklen_t length = sizeof from;
    say("poll: %x\n", events_of(a));
    show("no destination", SYS(sendto, b, "x", 1L, 0, 0L, 0));
    show("sendto", SYS(sendto, b, "hello", 5L, 0, &to, sizeof to));
    say("arrived: %x\n", await(a, POLLIN));
    char text[8] = "";
    show("cut", SYS(recvfrom, a, text, 3L, MSG_TRUNC, &from, &length));
    check("sender", from.sin_port == name_of(b).sin_port && from.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    show("gone", SYS(recvfrom, a, text, 3L, MSG_DONTWAIT, 0L, 0L));
    show("connect", SYS(connect, b, &to, sizeof to));
    show("empty", SYS(sendto, b, "", 0L, 0, 0L, 0));
    await(a, POLLIN);
    show("empty arrives", SYS(recvfrom, a, text, 3L, 0, 0L, 0L));
    show("too long", SYS(sendto, b, block, 65508L, 0, 0L, 0));
    show("longest", SYS(sendto, b, block, 65507L, 0, 0L, 0));
    await(a, POLLIN);
    show("longest arrives", SYS(recvfrom, a, block, 70000L, 0, 0L, 0L));
    close(a);
    show("nobody there", SYS(sendto, b, "x", 1L, 0, 0L, 0));
    await(b, POLLERR);
    say("poll: %x\n", events_of(b));
    show("refused", SYS(recvfrom, b, text, 1L, MSG_DONTWAIT, 0L, 0L));
    show("once", SYS(recvfrom, b, text, 1L, MSG_DONTWAIT, 0L, 0L));
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    show("disconnect", SYS(connect, b, &none, sizeof none));
    show("no peer", SYS(getpeername, b, &from, &length));
    close(b);
}

static void batches(void) {
    int a = listening(SOCK_DGRAM), b = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in to = name_of(a);
    connect(b, (void*)&to, sizeof to);
    struct iovec parts[3] = {{"one", 3}, {"three", 5}, {"", 0}};
    struct mmsghdr messages[3] = {0};
    for (int i = 0; i < 3; i++) messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    show("sendmmsg", SYS(sendmmsg, b, messages, 3, 0));
    say("lengths: %u %u %u\n", messages[0].msg_len, messages[1].msg_len, messages[2].msg_len);
    char text[3][8] = {"", "", ""};
    for (int i = 0; i < 3; i++) parts[i] = (struct iovec){text[i], 7};
    await(a, POLLIN);
    show("recvmmsg", SYS(recvmmsg, a, messages, 3, MSG_WAITFORONE, 0L));
    say("texts: %s %s %s\n", text[0], text[1], text[2]);
    close(a);
    close(b);
}

static void ipv6(void) {
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 a = {.sin6_family = AF_INET6}, b = {0};
    show("bind", SYS(bind, fd, &a, sizeof a));
    listen(fd, 5);
    socklen_t length = sizeof a;
    getsockname(fd, (void*)&a, &length);
    int client = socket(AF_INET6, SOCK_STREAM, 0);
    a.sin6_addr = in6addr_loopback;
    show("connect", SYS(connect, client, &a, sizeof a));
    length = sizeof b;
    int peer = accept(fd, (void*)&b, &length);
    char text[64];
    say("from %s\n", inet_ntop(AF_INET6, &b.sin6_addr, text, sizeof text));
    write(client, "six", 3);
    show("read", SYS(read, peer, text, 10L));
    close(client);
    close(peer);
    client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in four = local(ntohs(a.sin6_port));
    show("connect by IPv4", SYS(connect, client, &four, sizeof four));
    length = sizeof b;
    peer = accept(fd, (void*)&b, &length);
    say("from %s\n", inet_ntop(AF_INET6, &b.sin6_addr, text, sizeof text));
    close(client);
    close(peer);
    close(fd);
}

static void options(void) {
    int s[2], value = 0;
    connected(s);
    socklen_t length = sizeof value;
    static const struct {
        const char* name;
        int level, option, set;
    } rows[] = {{"TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY, 1},
                {"TCP_KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 60},
                {"TCP_KEEPCNT", IPPROTO_TCP, TCP_KEEPCNT, 200},
                {"TCP_CORK", IPPROTO_TCP, TCP_CORK, 1},
                {"SO_KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1},
                {"SO_REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1},
                {"IP_TTL", IPPROTO_IP, IP_TTL, 12},
                {"IP_TOS", IPPROTO_IP, IP_TOS, 0x10},
                {"unknown", IPPROTO_TCP, 1000, 1}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        long set = SYS(setsockopt, s[0], rows[i].level, rows[i].option, &rows[i].set, sizeof(int));
        value = -1;
        long got = SYS(getsockopt, s[0], rows[i].level, rows[i].option, &value, &length);
        say("%s: %s %s %d\n", rows[i].name, set ? strerrorname_np((int)-set) : "ok",
            got ? strerrorname_np((int)-got) : "ok", value);
    }
    getsockopt(s[0], SOL_SOCKET, SO_PROTOCOL, &value, &length);
    say("protocol: %d\n", value);
    struct timeval brief = {0, 20000};
    setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &brief, sizeof brief);
    show("times out", SYS(read, s[0], block, 1L));
    close(s[0]);
    close(s[1]);
}

int main(void) {
    refusals();
    names();
    stream();
    bulk();
    reset();
    nonblocking();
    edges();
    datagrams();
    batches();
    ipv6();
    options();
    return 0;
}
