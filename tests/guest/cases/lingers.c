// SO_LINGER: how long close(2) of a TCP socket takes, and what the peer sees.
#include "tests/guest/cases/case.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
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
// Sends until nobody takes more.
static void fill(int fd) {
    static char block[65536];
    struct timespec moment = {0, 20000000};
    for (int idle = 0; idle < 3;) {
        if (send(fd, block, sizeof block, MSG_DONTWAIT) > 0) {
            idle = 0;
        } else {
            idle++;
            nanosleep(&moment, 0);
        }
    }
}
static long milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
static void linger(int fd, int seconds) {
    struct linger l = {1, seconds};
    show("linger", SYS(setsockopt, fd, SOL_SOCKET, SO_LINGER, &l, sizeof l));
}
static void on_alarm(int signal) { (void)signal; }

int main(void) {
    int s[2];
    connected(s);
    linger(s[0], 20);
    show("send", SYS(sendto, s[0], "abc", 3, 0, 0, 0));
    long start = milliseconds();
    show("close with a willing peer", SYS(close, s[0]));
    check("at once", milliseconds() - start < 5000);
    char bytes[8];
    show("it has all", SYS(recvfrom, s[1], bytes, 8, 0, 0, 0));
    show("and the end", SYS(recvfrom, s[1], bytes, 8, 0, 0, 0));
    close(s[1]);

    connected(s);
    fill(s[0]);
    linger(s[0], 1);
    start = milliseconds();
    show("close with a peer that takes nothing", SYS(close, s[0]));
    long took = milliseconds() - start;
    check("a second", took >= 950 && took < 10000);
    close(s[1]);

    connected(s);
    fill(s[0]);
    linger(s[0], 20);
    struct sigaction act = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &act, 0);
    struct itimerval soon = {{0, 0}, {0, 300000}};
    setitimer(ITIMER_REAL, &soon, 0);
    start = milliseconds();
    show("close with a signal", SYS(close, s[0]));
    took = milliseconds() - start;
    check("until the signal", took >= 250 && took < 10000);
    close(s[1]);

    connected(s);
    fill(s[0]);
    linger(s[0], 20);
    start = milliseconds();
    int go[2];
    pipe(go);
    pid_t child = fork();
    if (child == 0) {
        close(go[1]);
        close(s[1]);
        read(go[0], bytes, 1);
        _exit(0);
    }
    close(s[0]);  // the child has the last
    close(go[1]);
    waitpid(child, 0, 0);
    check("the end of a program does not wait", milliseconds() - start < 10000);
    close(s[1]);

    connected(s);
    linger(s[0], 20);
    show("send", SYS(sendto, s[1], "abc", 3, 0, 0, 0));
    struct pollfd p = {s[0], POLLIN, 0};
    poll(&p, 1, 5000);
    start = milliseconds();
    show("close with bytes unread", SYS(close, s[0]));
    check("at once", milliseconds() - start < 5000);
    show("the peer is reset", SYS(recvfrom, s[1], bytes, 8, 0, 0, 0));
    close(s[1]);
    return 0;
}
