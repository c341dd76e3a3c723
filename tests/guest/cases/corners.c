// Refusals that take some preparation: peers that are gone, limits used up, seals, other users' processes.
#include "tests/guest/cases/case.h"

#include <arpa/inet.h>
#include <linux/kcmp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { kNobody = 65534 };

static struct sockaddr_in loopback(int port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

// A socket of that kind, bound to a port of the kernel's choice when *port is 0.
static int bound(int kind, int* port) {
    int fd = socket(AF_INET, kind, 0);
    struct sockaddr_in address = loopback(*port);
    socklen_t size = sizeof address;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr*)&address, sizeof address) < 0) show("bind", -errno);
    getsockname(fd, (struct sockaddr*)&address, &size);
    *port = ntohs(address.sin_port);
    return fd;
}

static char byte = 'x';
static struct iovec vector = {&byte, 1};

static long send_to(int fd, const void* to, size_t size, int flags) {
    struct msghdr message = {
        .msg_name = (void*)to, .msg_namelen = (socklen_t)size, .msg_iov = &vector, .msg_iovlen = 1};
    return SYS(sendmsg, fd, &message, flags);
}

static void datagrams(void) {
    int port = 0, fd = bound(SOCK_DGRAM, &port);
    struct sockaddr_in broadcast = loopback(9), gone;
    broadcast.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    show("write to nobody", SYS(write, fd, &byte, 1));
    show("sendmsg to nobody", send_to(fd, 0, 0, 0));
    show("sendmsg to all", send_to(fd, &broadcast, sizeof broadcast, 0));
    show("sendmsg out of band", send_to(fd, &broadcast, sizeof broadcast, MSG_OOB));
    show("sendto out of band", SYS(sendto, fd, &byte, 1, MSG_OOB, &broadcast, sizeof broadcast));
    int other = 0, ended = bound(SOCK_DGRAM, &other);
    close(ended);
    gone = loopback(other);
    show("connect to a closed port", SYS(connect, fd, &gone, sizeof gone));
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    for (int call = 0; call < 3; call++) {
        show("send", SYS(sendto, fd, &byte, 1, 0, 0, 0));
        for (int i = 0; i < 100 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN; i++)
            pause_ms(5);
        show("send again", SYS(sendto, fd, &byte, 1, 0, 0, 0));
        pause_ms(50);
        show("recvmsg", SYS(recvmsg, fd, &message, MSG_DONTWAIT));
    }
}

// A connected pair, [0] with unread bytes: closing it resets the other.
static void pair(int pair[2]) {
    int port = 0, listener = bound(SOCK_STREAM, &port);
    struct sockaddr_in address = loopback(port);
    listen(listener, 1);
    pair[1] = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(pair[1], (struct sockaddr*)&address, sizeof address) < 0) show("connect", -errno);
    pair[0] = accept(listener, 0, 0);
    write(pair[1], "unread", 6);
    while (recv(pair[0], &byte, 1, MSG_PEEK) != 1) {}
    close(listener);
}

static void reset(int ends[2]) {
    pair(ends);
    close(ends[0]);
    struct epoll_event event;
    int epoll = epoll_create1(0);
    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], &(struct epoll_event){.events = EPOLLET});
    epoll_wait(epoll, &event, 1, 2000);
    close(epoll);
}

static void streams(void) {
    int ends[2], port = 0;
    signal(SIGPIPE, SIG_IGN);
    reset(ends);
    show("sendto after a reset", SYS(sendto, ends[1], &byte, 1, 0, 0, 0));
    show("sendto once more", SYS(sendto, ends[1], &byte, 1, 0, 0, 0));
    reset(ends);
    show("sendmsg after a reset", send_to(ends[1], 0, 0, 0));
    show("recv then", SYS(recvfrom, ends[1], &byte, 1, 0, 0, 0));

    int one = bound(SOCK_STREAM, &port), two = bound(SOCK_STREAM, &port);
    show("listen", SYS(listen, one, 1));
    show("listen at the same port", SYS(listen, two, 1));
    struct sockaddr_in address = loopback(port);
    port = 0;
    one = bound(SOCK_STREAM, &port), two = bound(SOCK_STREAM, &port);
    show("connect", SYS(connect, one, &address, sizeof address));
    show("connect the same two ports", SYS(connect, two, &address, sizeof address));
    address.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    two = socket(AF_INET, SOCK_STREAM, 0);
    show("connect to all", SYS(connect, two, &address, sizeof address));
}

static void memory(void) {
    char* page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mlock(page, 4096);
    show("msync of locked memory", SYS(msync, page, 4096, MS_INVALIDATE | MS_SYNC));
    show("madvise REMOVE of private memory", SYS(madvise, page, 4096, MADV_REMOVE));
    munlock(page, 4096);
    put("file", "12345678");
    int fd = open("file", O_RDONLY);
    char* shared = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0);
    show("madvise REMOVE of a read-only file", SYS(madvise, shared, 4096, MADV_REMOVE));
    show("arch_prctl GET_FS to nowhere", SYS(arch_prctl, 0x1003, 8L));
}

static void as_nobody(void) {
    struct rlimit none = {0, 0}, one = {1, 1};
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    mkdir("closed", 0700);
    int fd = open("closed", O_RDONLY);
    setrlimit(RLIMIT_SIGPENDING, &none);
    if (setresgid(kNobody, kNobody, kNobody) < 0 || setresuid(kNobody, kNobody, kNobody) < 0) _exit(1);
    show("fchdir to a closed directory", SYS(fchdir, fd));
    signal(SIGUSR1, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, 0);
    signal(SIGUSR1, SIG_DFL);
    show("rt_sigqueueinfo, none may be pending", SYS(rt_sigqueueinfo, getpid(), SIGRTMIN, &info));
    show("rt_tgsigqueueinfo", SYS(rt_tgsigqueueinfo, getpid(), getpid(), SIGRTMIN, &info));
    show("tgkill", SYS(tgkill, getpid(), getpid(), SIGRTMIN));
    show("tkill", SYS(tkill, getpid(), SIGRTMIN));
    show("kill with a standard signal", SYS(kill, getpid(), SIGUSR1));
    int timer;
    show("timer_create", SYS(timer_create, CLOCK_MONOTONIC, 0L, &timer));
    setrlimit(RLIMIT_NPROC, &one);
    show("fork, one process is the most", SYS(fork));
    show("vfork", SYS(vfork));
}

static void sealed(void) {
    char path[64];
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
    ftruncate(fd, 4096);
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    show("truncate of what must not shrink", SYS(truncate, path, 0L));
    show("fallocate of what must not grow", SYS(fallocate, fd, 0, 4096L, 4096L));
    show("fallocate of what must not be written", SYS(fallocate, fd, 3, 0L, 4096L));
    int from = memfd_create("source", 0);
    ftruncate(from, 4096);
    show("copy_file_range to what must not be written", SYS(copy_file_range, from, 0L, fd, 0L, 8L, 0));
}

static void limits(void) {
    struct rlimit few = {4, 4};
    signal(SIGXFSZ, SIG_IGN);
    put("source", "12345678");
    put("small", "");
    int from = open("source", O_RDONLY), to = open("small", O_WRONLY);
    setrlimit(RLIMIT_FSIZE, &few);
    long offset = 4;
    show("truncate over the limit", SYS(truncate, "small", 5L));
    show("copy_file_range over the limit", SYS(copy_file_range, from, 0L, to, &offset, 4L, 0));
    show("copy_file_range up to it", SYS(copy_file_range, from, 0L, to, 0L, 8L, 0));
}

static char alternate[65536];
static long changed;
static void on_alternate(int signal) {
    (void)signal;
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    changed = SYS(sigaltstack, &stack, 0);
}
static void alternate_stack(void) {
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate};
    struct sigaction action = {.sa_handler = on_alternate, .sa_flags = SA_ONSTACK};
    sigaltstack(&stack, 0);
    sigaction(SIGUSR1, &action, 0);
    raise(SIGUSR1);
    show("sigaltstack while on it", changed);
}

static void anothers(void) {
    if (setresuid(kNobody, kNobody, kNobody) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0) _exit(1);
    pid_t child = fork();
    if (child == 0) return (void)pause();
    int pidfd = (int)SYS(pidfd_open, child, 0);
    show("process_madvise without the right to",
         outcome(syscall(SYS_process_madvise, pidfd, &vector, 1L, MADV_COLD, 0)));
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
}

static void others(void) {
    struct kcmp_epoll_slot slot = {.efd = (uint32_t)epoll_create1(0), .tfd = 99};
    show("kcmp without an epoll slot", SYS(kcmp, getpid(), getpid(), KCMP_EPOLL_TFD, 0L, 0L));
    show("kcmp of what the epoll does not have", SYS(kcmp, getpid(), getpid(), KCMP_EPOLL_TFD, 0L, &slot));
    pid_t child = fork();
    if (child == 0) _exit(0);
    int pidfd = (int)SYS(pidfd_open, child, 0);
    waitpid(child, 0, 0);
    show("process_madvise of one who is gone",
         outcome(syscall(SYS_process_madvise, pidfd, &vector, 1L, MADV_COLD, 0)));
}

int main(void) {
    enter("corners");
    in_child("datagrams", datagrams);
    in_child("streams", streams);
    in_child("memory", memory);
    in_child("nobody", as_nobody);
    in_child("sealed", sealed);
    in_child("limits", limits);
    in_child("alternate stack", alternate_stack);
    in_child("another's", anothers);
    in_child("others", others);
    return 0;
}
