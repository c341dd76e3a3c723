// Calls that a signal wakes: EINTR with a handler that does not restart them.
#include "tests/guest/cases/case.h"

#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static void on_alarm(int signal) { (void)signal; }

static int pipes[2], pair[2], listener, epoll, event, semaphores, queue, full_queue;
static char bytes[1 << 16];
static uint32_t word;
static struct iovec vector = {bytes, sizeof bytes};
static struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
static struct mmsghdr messages = {.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}};
static const struct timespec long_time = {100, 0};
static const uint64_t no_signals;

// futex_waitv(2)'s argument.
struct futex_word {
    uint64_t value, address;
    uint32_t flags, reserved;
};
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

#define TRY_IT(name, ...) show(#name, SYS(name, ##__VA_ARGS__))

int main(void) {
    enter("interrupted");
    put("file", "");
    pipe(pipes);
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un name = {AF_UNIX, "name"};
    bind(listener, (struct sockaddr*)&name, sizeof name);
    listen(listener, 1);
    epoll = epoll_create1(0);
    event = (int)SYS(eventfd2, 0, 0);
    semaphores = (int)SYS(semget, IPC_PRIVATE, 1, 0600);
    queue = (int)SYS(msgget, IPC_PRIVATE, 0600);
    full_queue = (int)SYS(msgget, IPC_PRIVATE, 0600);
    struct msqid_ds facts;
    msgctl(full_queue, IPC_STAT, &facts);
    facts.msg_qbytes = 8;
    msgctl(full_queue, IPC_SET, &facts);
    struct {
        long type;
        char text[64];
    } text = {1, ""};
    msgsnd(full_queue, &text, 8, 0);
    struct sembuf down = {0, -1, 0};
    mkfifo("fifo", 0600);
    int locked = open("file", O_RDWR), wants = open("file", O_RDWR);
    flock(locked, LOCK_EX);
    pid_t holder = fork();
    if (holder == 0) {
        struct flock lock = {.l_type = F_WRLCK};
        fcntl(locked, F_SETLK, &lock);
        write(event, (uint64_t[]){1}, 8);
        pause();
    }
    uint64_t count;
    read(event, &count, 8);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, 0);
    alarms_every(10);
    TRY_IT(read, pipes[0], bytes, 1L);
    TRY_IT(readv, pipes[0], &vector, 1);
    TRY_IT(read, event, &count, 8L);
    TRY_IT(recvfrom, pair[0], bytes, 1L, 0, 0L, 0L);
    TRY_IT(recvmsg, pair[0], &message, 0);
    TRY_IT(recvmmsg, pair[0], &messages, 1, 0, 0L);
    TRY_IT(accept, listener, 0L, 0L);
    TRY_IT(accept4, listener, 0L, 0L, 0);
    TRY_IT(open, "fifo", O_RDONLY, 0);
    TRY_IT(openat, AT_FDCWD, "fifo", O_WRONLY, 0);
    TRY_IT(flock, wants, LOCK_SH);
    struct flock lock = {.l_type = F_WRLCK};
    TRY_IT(fcntl, wants, F_SETLKW, &lock);
    TRY_IT(semop, semaphores, &down, 1);
    TRY_IT(semtimedop, semaphores, &down, 1, &long_time);
    TRY_IT(msgrcv, queue, &text, 8, 0, 0);
    TRY_IT(msgsnd, full_queue, &text, 8, 0);
    TRY_IT(futex, &word, FUTEX_WAIT, 0, 0L, 0L, 0);
    TRY_IT(futex, &word, FUTEX_WAIT, 0, &long_time, 0L, 0);
    struct futex_word words = {0, (uintptr_t)&word, 2, 0};
    TRY_IT(futex_waitv, &words, 1, 0, 0L, 0);
    TRY_IT(nanosleep, &long_time, 0L);
    TRY_IT(clock_nanosleep, CLOCK_MONOTONIC, 0, &long_time, 0L);
    TRY_IT(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, (&(struct timespec){1L << 40, 0}), 0L);
    TRY_IT(poll, 0L, 0, -1);
    TRY_IT(ppoll, 0L, 0, 0L, &no_signals, 8L);
    TRY_IT(select, 0, 0L, 0L, 0L, 0L);
    TRY_IT(pselect6, 0, 0L, 0L, 0L, 0L, 0L);
    struct epoll_event events;
    TRY_IT(epoll_wait, epoll, &events, 1, -1);
    TRY_IT(epoll_pwait, epoll, &events, 1, -1, &no_signals, 8L);
    TRY_IT(epoll_pwait2, epoll, &events, 1, 0L, &no_signals, 8L);
    TRY_IT(pause);
    TRY_IT(rt_sigsuspend, &no_signals, 8L);
    uint64_t other_signal = 1ul << (SIGUSR1 - 1);
    TRY_IT(rt_sigtimedwait, &other_signal, 0L, 0L, 8L);
    TRY_IT(wait4, holder, 0L, 0, 0L);
    TRY_IT(waitid, P_PID, holder, 0L, WEXITED, 0L);
    check("write fills the pipe", SYS(write, pipes[1], bytes, sizeof bytes) == sizeof bytes);
    TRY_IT(write, pipes[1], bytes, 1L);
    TRY_IT(writev, pipes[1], &vector, 1);
    TRY_IT(vmsplice, pipes[1], &vector, 1L, 0);
    int flags = fcntl(pair[1], F_GETFL);
    fcntl(pair[1], F_SETFL, flags | O_NONBLOCK);
    while (write(pair[1], bytes, 4096) > 0) {}
    fcntl(pair[1], F_SETFL, flags);
    TRY_IT(write, pair[1], bytes, 1L);
    TRY_IT(sendto, pair[1], bytes, 1L, 0, 0L, 0);
    TRY_IT(sendmsg, pair[1], &message, 0);
    TRY_IT(sendmmsg, pair[1], &messages, 1, 0);
    alarms_every(0);
    kill(holder, SIGKILL);
    wait(0);
    semctl(semaphores, 0, IPC_RMID);
    msgctl(queue, IPC_RMID, 0);
    msgctl(full_queue, IPC_RMID, 0);
}
