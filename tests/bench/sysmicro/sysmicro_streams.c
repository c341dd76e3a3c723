/* sysmicro's second thread, and the benchmarks that pass bytes to it: pipes and sockets. */
/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/sysmicro/sysmicro.h"

/* --- the second thread.  It ends when peer_quit() has been called. ------- */

static pthread_t peer_thread;
static bool peer_on;
static void (*peer_quit)(void);

int peer_start(void* (*fn)(void*), void (*quit)(void)) {
    int e = pthread_create(&peer_thread, NULL, fn, NULL);
    if (e) return e;
    peer_on = true;
    peer_quit = quit;
    return 0;
}

void cleanup(void) {
    if (peer_on) {
        peer_quit();
        pthread_join(peer_thread, NULL);
        peer_on = false;
    }
    for (size_t i = 0; i < MAX_FDS; i++) {
        if (fds[i] >= 0) close(fds[i]);
        fds[i] = -1;
    }
}

/* --- byte echo over descriptors: a peer for pipes and sockets ------------ */

static int my_r, my_w, his_r, his_w; /* each side's read and write ends */

static void* echo_peer(void* arg) {
    (void)arg;
    for (;;) {
        char c;
        ssize_t r = read(his_r, &c, 1);
        if (r < 0 && errno == EINTR) continue;
        if (r != 1 || c == 'q') return NULL;
        if (write(his_w, &c, 1) != 1) return NULL;
    }
}

static void echo_quit(void) {
    if (write(my_w, "q", 1) != 1) perror("# echo_quit");
}

LOOP(run_pingpong, char c = 'p'; MUST(write(my_w, &c, 1), 1); MUST(read(my_r, &c, 1), 1))

/* --- byte sink: the peer drains, and acknowledges the last byte ---------- */

static atomic_uint_fast64_t sink_want; /* bytes of the current transfer */
static atomic_bool sink_stop;

static void* sink_peer(void* arg) {
    (void)arg;
    uint64_t got = 0;
    for (;;) {
        ssize_t r = read(his_r, buf_b, CHUNK);
        if (r < 0 && errno == EINTR) continue;
        if (r <= 0 || atomic_load(&sink_stop)) return NULL;
        got += (uint64_t)r;
        if (got == atomic_load(&sink_want)) {
            got = 0;
            if (write(his_w, "a", 1) != 1) return NULL;
        }
    }
}

static void sink_quit(void) {
    atomic_store(&sink_stop, true);
    echo_quit();
}

int run_bandwidth(uint64_t n) {
    uint64_t left = n * CHUNK;
    char c;
    atomic_store(&sink_want, left);
    while (left) {
        size_t part = left < CHUNK ? (size_t)left : CHUNK;
        errno = 0;
        ssize_t w = write(my_w, buf_a, part);
        if (w <= 0) return err_or(EIO);
        left -= (uint64_t)w;
    }
    MUST(read(my_r, &c, 1), 1);
    return 0;
}

/* ------------------------------------------------- pipes and sockets -- */

static int setup_pipes(void) /* fds 0,1: to the peer; 2,3: back */
{
    if (pipe(fds) != 0 || pipe(fds + 2) != 0) return errno;
    his_r = fds[0], my_w = fds[1], my_r = fds[2], his_w = fds[3];
    return 0;
}

static int setup_unix(void) {
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0) return errno;
    my_r = my_w = fds[0], his_r = his_w = fds[1];
    return 0;
}

static int bind_loopback(int fd, struct sockaddr_in* a) {
    socklen_t len = sizeof *a;
    memset(a, 0, sizeof *a);
    a->sin_family = AF_INET;
    a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, (struct sockaddr*)a, len) != 0) return errno;
    return getsockname(fd, (struct sockaddr*)a, &len) != 0 ? errno : 0;
}

static int setup_tcp(void) {
    struct sockaddr_in a;
    int one = 1, e;
    if ((fds[0] = socket(AF_INET, SOCK_STREAM, 0)) < 0) return errno;
    if ((e = bind_loopback(fds[0], &a)) != 0) return e;
    if (listen(fds[0], 1) != 0) return errno;
    if ((fds[1] = socket(AF_INET, SOCK_STREAM, 0)) < 0) return errno;
    if (connect(fds[1], (struct sockaddr*)&a, sizeof a) != 0) return errno;
    if ((fds[2] = accept(fds[0], NULL, NULL)) < 0) return errno;
    for (int i = 1; i <= 2; i++)
        if (setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) return errno;
    my_r = my_w = fds[1], his_r = his_w = fds[2];
    return 0;
}

static int setup_udp(void) /* two sockets connected to each other */
{
    struct sockaddr_in a[2];
    int e;
    for (int i = 0; i < 2; i++) {
        if ((fds[i] = socket(AF_INET, SOCK_DGRAM, 0)) < 0) return errno;
        if ((e = bind_loopback(fds[i], &a[i])) != 0) return e;
    }
    for (int i = 0; i < 2; i++)
        if (connect(fds[i], (struct sockaddr*)&a[!i], sizeof a[0]) != 0) return errno;
    my_r = my_w = fds[0], his_r = his_w = fds[1];
    return 0;
}

int with_echo(int e) { return e ? e : peer_start(echo_peer, echo_quit); }

static int with_sink(int e) {
    atomic_store(&sink_stop, false);
    return e ? e : peer_start(sink_peer, sink_quit);
}

int setup_pipe_pp(void) { return with_echo(setup_pipes()); }
int setup_pipe_bw(void) { return with_sink(setup_pipes()); }
int setup_unix_pp(void) { return with_echo(setup_unix()); }
int setup_tcp_pp(void) { return with_echo(setup_tcp()); }
int setup_tcp_bw(void) { return with_sink(setup_tcp()); }
int setup_udp_pp(void) { return with_echo(setup_udp()); }

int setup_epoll(void) /* a level-triggered, always ready event */
{
    struct epoll_event ev = {.events = EPOLLIN};
    if ((fds[0] = eventfd(1, 0)) < 0) return errno;
    if ((fds[1] = epoll_create1(0)) < 0) return errno;
    return epoll_ctl(fds[1], EPOLL_CTL_ADD, fds[0], &ev) != 0 ? errno : 0;
}

LOOP(run_epoll, struct epoll_event ev; MUST(epoll_wait(fds[1], &ev, 1, -1), 1))
