// Named Unix sockets: paths and abstract names, listening, connecting, accepting, datagrams by address.
#include "tests/guest/cases/case.h"

#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un address;
static socklen_t length;

// Makes the address of a path, or with '@' first of an abstract name.
static void name(const char* text) {
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, text);
    length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(text) + (*text != '@'));
    if (*text == '@') address.sun_path[0] = 0;
}
static long bind_to(int fd, const char* text) { return name(text), SYS(bind, fd, &address, length); }
static long connect_to(int fd, const char* text) { return name(text), SYS(connect, fd, &address, length); }

static void tell(const char* what, int fd, int number) {
    struct sockaddr_un got;
    socklen_t size = sizeof got;
    memset(&got, 0, sizeof got);
    long result = syscall(number, fd, &got, &size);
    if (result < 0)
        show(what, -errno);
    else
        say("%s: family %d, length %u, \"%s%s\"\n", what, got.sun_family, size,
            got.sun_path[0] || size <= 2 ? "" : "@", got.sun_path[0] ? got.sun_path : got.sun_path + 1);
}

static short events_of(int fd) {
    struct pollfd p = {fd, POLLIN | POLLOUT | POLLRDHUP, 0};
    poll(&p, 1, 0);
    return p.revents;
}

static void naming(void) {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), other = socket(AF_UNIX, SOCK_STREAM, 0);
    tell("unnamed", fd, SYS_getsockname);
    tell("unconnected", fd, SYS_getpeername);
    show("listen without a name", SYS(listen, fd, 1));
    show("bind", bind_to(fd, "here"));
    tell("name", fd, SYS_getsockname);
    show("bind again", bind_to(fd, "there"));
    show("the same path", bind_to(other, "here"));
    struct stat status;
    show("stat", stat("here", &status));
    say("mode: %o\n", status.st_mode);
    show("open", SYS(open, "here", O_RDWR, 0));
    show("connect before it listens", connect_to(other, "here"));
    show("no such directory", bind_to(other, "none/x"));
    show("abstract", bind_to(other, "@abstract"));
    tell("name", other, SYS_getsockname);
    int third = socket(AF_UNIX, SOCK_DGRAM, 0);
    show("the same name", bind_to(third, "@abstract"));
    show("another type", connect_to(third, "here"));
    show("nobody", connect_to(third, "@nobody"));
    show("no path", connect_to(third, "nowhere"));
    put("file", "");
    show("a file", connect_to(third, "file"));
    address.sun_family = AF_INET;
    show("another family", SYS(bind, third, &address, length));
    show("too short", SYS(bind, third, &address, 1));
    show("too long", SYS(bind, third, &address, 111));
    close(other);
    show("free again", bind_to(third, "@abstract"));
    address.sun_family = AF_UNIX;
    other = socket(AF_UNIX, SOCK_DGRAM, 0);
    show("some name", SYS(bind, other, &address, 2));
    struct sockaddr_un got;
    socklen_t size = sizeof got;
    getsockname(other, (struct sockaddr*)&got, &size);
    say("length %u\n", size);
    close(fd);
    show("connect to what is left", connect_to(third, "here"));
    show("unlink", unlink("here"));
    close(other);
    close(third);
}

static void connections(int type, const char* what) {
    say("- %s\n", what);
    int listener = socket(AF_UNIX, type, 0);
    bind_to(listener, "door");
    show("listen", SYS(listen, listener, 1));
    show("listen again", SYS(listen, listener, 2));
    say("idle: %x\n", events_of(listener));
    int client = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
    show("connect", connect_to(client, "door"));
    show("connect again", connect_to(client, "door"));
    say("waiting: %x, client %x\n", events_of(listener), events_of(client));
    show("written before it is accepted", SYS(write, client, "early", 5L));
    tell("client", client, SYS_getsockname);
    tell("client's peer", client, SYS_getpeername);
    struct sockaddr_un from;
    socklen_t size = sizeof from;
    int server = accept4(listener, (struct sockaddr*)&from, &size, SOCK_CLOEXEC);
    say("accepted, address of %u bytes, cloexec %d\n", size, fcntl(server, F_GETFD));
    tell("server", server, SYS_getsockname);
    char out[16] = "";
    show("read", SYS(read, server, out, 16L));
    show("answer", SYS(write, server, "late", 4L));
    show("read", SYS(read, client, out, 16L));
    struct ucred peer = {0, 0, 0};
    size = sizeof peer;
    getsockopt(server, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    check("peer's credentials", peer.pid == getpid());
    int accepts = 0;
    size = sizeof accepts;
    getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size);
    show("accepts", accepts);
    show("read of the listener", SYS(read, listener, out, 1L));
    show("write to the listener", SYS(write, listener, out, 1L));
    show("accept from a connection", SYS(accept, server, 0L, 0L));
    fcntl(listener, F_SETFL, O_NONBLOCK);
    show("nobody waits", SYS(accept, listener, 0L, 0L));
    close(client);
    say("client gone: %x\n", events_of(server));
    show("end", SYS(read, server, out, 1L));
    close(server);
    // A full backlog, and a listener that ends with connections waiting.
    int waiting[8], made = 0;
    long result = 0;
    while (made < 8) {
        waiting[made] = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
        if ((result = connect_to(waiting[made], "door")) < 0) break;
        made++;
    }
    show("connections", made);
    show("full", result);
    close(listener);
    say("listener gone: %x\n", events_of(waiting[0]));
    show("read", SYS(read, waiting[0], out, 1L));
    show("connect", connect_to(waiting[made], "door"));
    for (int i = 0; i <= made; i++) close(waiting[i]);
    unlink("door");
}

static void datagrams(void) {
    say("- datagrams\n");
    int server = socket(AF_UNIX, SOCK_DGRAM, 0), client = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    bind_to(server, "post");
    name("post");
    show("send to", SYS(sendto, client, "one", 3L, 0, &address, length));
    bind_to(client, "@client");
    name("post");
    show("send to", SYS(sendto, client, "two", 3L, 0, &address, length));
    for (int i = 0; i < 2; i++) {
        struct sockaddr_un from;
        socklen_t size = sizeof from;
        char out[16] = "";
        memset(&from, 0, sizeof from);
        long got = recvfrom(server, out, 16, 0, (struct sockaddr*)&from, &size);
        say("received %ld \"%s\" from %u bytes \"%s\"\n", got, out, size, size > 2 ? from.sun_path + 1 : "");
        if (size > 2) show("answer", SYS(sendto, server, "back", 4L, 0, &from, size));
    }
    char out[16] = "";
    show("received", SYS(read, client, out, 16L));
    show("connect", connect_to(client, "post"));
    show("send", SYS(write, client, "three", 5L));
    int other = socket(AF_UNIX, SOCK_DGRAM, 0);
    name("@client");
    show("to one who is connected to another", SYS(sendto, other, "x", 1L, 0, &address, length));
    int sent = 0;
    while (sent < 100 && write(client, "x", 1) == 1) sent++;
    check("the queue fills", sent < 100);
    say("full: %x\n", events_of(client));
    if (fork() == 0) {
        pause_ms(20);
        for (int i = 0; i < 4; i++) recv(server, out, 1, 0);
        _exit(0);
    }
    struct pollfd p = {client, POLLOUT, 0};
    show("room is announced", poll(&p, 1, 2000));
    wait(0);
    struct sockaddr nothing = {.sa_family = AF_UNSPEC};
    show("disconnect", SYS(connect, client, &nothing, (long)sizeof nothing));
    tell("peer", client, SYS_getpeername);
    show("send", SYS(write, client, "x", 1L));
    close(server);
    name("post");
    show("send to nobody", SYS(sendto, client, "x", 1L, 0, &address, length));
    show("listen", SYS(listen, client, 1));
    show("accept", SYS(accept, client, 0L, 0L));
    close(client);
    close(other);
}

static void* serve(void* argument) {
    int listener = *(int*)argument;
    for (int i = 0; i < 200; i++) {
        int server = accept(listener, 0, 0);
        char out[64];
        for (ssize_t n; (n = read(server, out, sizeof out)) > 0;)
            if (write(server, out, (size_t)n) != n) say("echo failed\n");
        close(server);
    }
    return 0;
}

static void* ask(void* argument) {
    long wrong = 0;
    for (int i = 0; i < 50; i++) {
        int client = socket(AF_UNIX, SOCK_STREAM, 0);
        wrong += connect(client, (struct sockaddr*)&address, length) < 0;
        for (int j = 0; j < 10; j++) {
            char text[32], back[32] = "";
            int size = snprintf(text, sizeof text, "%d of %d", j, i) + 1;
            wrong += write(client, text, (size_t)size) != size;
            wrong += recv(client, back, (size_t)size, MSG_WAITALL) != size || strcmp(text, back) != 0;
        }
        close(client);
    }
    *(long*)argument = wrong;
    return 0;
}

static void crowd(void) {
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    bind_to(listener, "@crowd");
    listen(listener, 2);
    pthread_t server, clients[4];
    long wrong[4], all = 0;
    pthread_create(&server, 0, serve, &listener);
    for (int i = 0; i < 4; i++) pthread_create(&clients[i], 0, ask, &wrong[i]);
    for (int i = 0; i < 4; i++) pthread_join(clients[i], 0), all += wrong[i];
    pthread_join(server, 0);
    show("wrong answers to a crowd", all);
}

// Sockets within sockets: the end of one is the end of all.
static void nested(void) {
    int pipe_ends[2];
    pipe(pipe_ends);
    int carrier = pipe_ends[1];
    for (int i = 0; i < 1000; i++) {
        int s[2];
        socketpair(AF_UNIX, SOCK_STREAM, 0, s);
        char control[CMSG_SPACE(sizeof(int))] = "";
        struct iovec part = {"x", 1};
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        struct cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(head), &carrier, sizeof carrier);
        if (sendmsg(s[0], &message, 0) != 1) show("send", -errno);
        close(s[0]);
        close(carrier);
        carrier = s[1];
    }
    close(carrier);
    char out;
    show("all ended", read(pipe_ends[0], &out, 1));
}

int main(void) {
    enter("unixnames");
    signal(SIGPIPE, SIG_IGN);
    naming();
    connections(SOCK_STREAM, "streams");
    connections(SOCK_SEQPACKET, "records");
    datagrams();
    crowd();
    nested();
}
