// Refusals of single calls that no other case comes upon: arguments out of range, states that do not fit.
#include "tests/guest/cases/case.h"

#include <linux/capability.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

#define TRY_IT(name, ...) show(#name, SYS(name, ##__VA_ARGS__))
static char bytes[4096];
static struct iovec vector = {bytes, 16}, negative = {bytes, -1UL};
enum { kFchmodat2 = 452 };

static void files(void) {
    int fd = open("file", O_RDWR | O_CREAT, 0644), here = open(".", O_RDONLY);
    put("other", "12345");
    mkdir("dir", 0755);
    mkdir("dir/full", 0755);
    mkdir("empty", 0755);
    mkfifo("fifo", 0600);
    TRY_IT(pwrite64, fd, bytes, 16L, -1L);
    TRY_IT(preadv, fd, &negative, 1, 0L, 0L);
    TRY_IT(pwritev, fd, &negative, 1, 0L, 0L);
    TRY_IT(pwritev2, fd, &negative, 1, 0L, 0L, 0);
    TRY_IT(preadv2, fd, &vector, 1, 0L, 0L, 1 << 20);
    TRY_IT(pwritev2, fd, &vector, 1, 0L, 0L, 1 << 20);
    TRY_IT(writev, fd, &negative, 1);
    TRY_IT(writev, fd, &vector, -1);
    TRY_IT(readv, fd, &negative, 1);
    TRY_IT(copy_file_range, fd, 0L, fd, 0L, 16L, 7);
    TRY_IT(fallocate, fd, 0x1000, 0L, 16L);
    TRY_IT(fallocate, fd, 0, 0L, 0L);
    TRY_IT(fallocate, fd, 0, 1L << 62, 1L << 62);
    TRY_IT(fallocate, fd, 0, -1L, 16L);
    TRY_IT(ftruncate, fd, -1L);
    TRY_IT(truncate, "file", -1L);
    TRY_IT(truncate, "dir", 0L);
    TRY_IT(creat, "dir", 0644);
    TRY_IT(openat, AT_FDCWD, "dir", O_WRONLY, 0);
    TRY_IT(openat, AT_FDCWD, "file", O_CREAT | O_EXCL, 0644);
    TRY_IT(openat, AT_FDCWD, "dir", O_RDONLY | O_CREAT, 0644);
    TRY_IT(openat, AT_FDCWD, "fifo", O_WRONLY | O_NONBLOCK, 0);
    TRY_IT(openat, AT_FDCWD, ".", O_TMPFILE | O_RDONLY, 0600);
    TRY_IT(open, ".", O_TMPFILE | O_RDONLY, 0600);
    uint64_t how[4] = {O_RDONLY, 0, 0, 1};
    TRY_IT(openat2, AT_FDCWD, "file", how, 32L);
    how[3] = 0, how[0] = 1ul << 40;
    TRY_IT(openat2, AT_FDCWD, "file", how, 24L);
    how[0] = O_RDONLY, how[1] = 0644;
    TRY_IT(openat2, AT_FDCWD, "file", how, 24L);
    TRY_IT(openat2, AT_FDCWD, "file", how, 8L);
    TRY_IT(rename, "dir", "dir/full/x");
    TRY_IT(renameat, AT_FDCWD, "dir", AT_FDCWD, "dir/full/x");
    TRY_IT(renameat, AT_FDCWD, "file", here, "dir");
    TRY_IT(renameat, AT_FDCWD, "empty", here, "dir");
    TRY_IT(renameat, AT_FDCWD, ".", AT_FDCWD, "x");
    TRY_IT(renameat2, AT_FDCWD, "file", here, "dir", 0);
    TRY_IT(renameat2, AT_FDCWD, "empty", here, "dir", 0);
    TRY_IT(renameat2, AT_FDCWD, "..", here, "x", 0);
    TRY_IT(renameat2, AT_FDCWD, "file", AT_FDCWD, "/dev/x", 0);
    TRY_IT(renameat, AT_FDCWD, "file", AT_FDCWD, "/dev/x");
    TRY_IT(linkat, AT_FDCWD, "file", AT_FDCWD, "/dev/x", 0);
    TRY_IT(linkat, AT_FDCWD, "file", AT_FDCWD, "other", 0);
    TRY_IT(rmdir, "dir/full/..");
    TRY_IT(rmdir, "dir/.");
    TRY_IT(unlinkat, AT_FDCWD, "dir", AT_REMOVEDIR);
    TRY_IT(unlinkat, AT_FDCWD, "/proc", AT_REMOVEDIR);
    TRY_IT(rmdir, "/dev");
    TRY_IT(mkdir, "/proc/x", 0755);
    TRY_IT(mknod, "node", 0170000, 0);
    TRY_IT(mknodat, AT_FDCWD, "node", 0170000, 0);
    TRY_IT(mknodat, AT_FDCWD, "node", S_IFDIR | 0755, 0);
    TRY_IT(faccessat, AT_FDCWD, "file", R_OK);
    TRY_IT(faccessat, AT_FDCWD, "file", 8);
    TRY_IT(faccessat2, AT_FDCWD, "file", R_OK, 1);
    TRY_IT(access, "file", 8);
    struct timeval wrong[2] = {{1, 2000000}, {1, 0}};
    TRY_IT(futimesat, AT_FDCWD, "file", wrong);
    TRY_IT(utimes, "file", wrong);
    TRY_IT(utimensat, AT_FDCWD, 0L, 0L, 0);
    TRY_IT(utimensat, fd, 0L, 0L, 0);
    show("fchmodat2", outcome(syscall(kFchmodat2, AT_FDCWD, "file", 0644, 0)));
    show("fchmodat2 bad flags", outcome(syscall(kFchmodat2, AT_FDCWD, "file", 0644, 1)));
    TRY_IT(getdents, here, bytes, 4L);
    TRY_IT(getdents64, here, bytes, 4L);
    rmdir("empty");
    mkdir("gone", 0755);
    int gone = open("gone", O_RDONLY);
    rmdir("gone");
    TRY_IT(getdents, gone, bytes, sizeof bytes);
    TRY_IT(getdents64, gone, bytes, sizeof bytes);
    TRY_IT(openat, gone, "x", O_CREAT | O_WRONLY, 0644);
    TRY_IT(mkdirat, gone, "x", 0755);
    TRY_IT(fcntl, fd, F_SETLK, 8L);
    TRY_IT(fcntl, fd, F_GETLK, (&(struct flock){.l_type = F_UNLCK}));
    TRY_IT(fcntl, fd, F_SETLK, (&(struct flock){.l_type = F_RDLCK, .l_whence = 7}));
    TRY_IT(fcntl, fd, F_DUPFD, -1);
    TRY_IT(fcntl, fd, 9999);
    TRY_IT(sendfile, fd, fd, 0L, -1L);
    int32_t pair[2];
    pipe2(pair, O_NONBLOCK);
    TRY_IT(sendfile, pair[1], pair[0], 0L, 16L);
    TRY_IT(sendfile, fd, pair[0], (&(long){0}), 16L);
    while (write(pair[1], bytes, sizeof bytes) > 0) {}
    TRY_IT(sendfile, pair[1], open("other", O_RDONLY), 0L, 16L);
    TRY_IT(mount, "none", "missing", "tmpfs", 0L, 0L);
    TRY_IT(mount, "none", "file", "tmpfs", 0L, 0L);
    TRY_IT(mount, "none", "dir", "unheard-of", 0L, 0L);
    TRY_IT(sethostname, bytes, 65L);
    TRY_IT(sethostname, bytes, -1L);
}

static void attributes(void) {
    int fd = open("file", O_RDWR | O_CREAT, 0644);
    TRY_IT(setxattr, "file", "user.x", "12345678", 8L, 0);
    TRY_IT(getxattr, "file", "user.x", bytes, 4L);
    TRY_IT(lgetxattr, "file", "user.x", bytes, 64L);
    TRY_IT(lgetxattr, "file", "user.x", bytes, 4L);
    TRY_IT(fgetxattr, fd, "user.x", bytes, 64L);
    TRY_IT(fgetxattr, fd, "user.x", bytes, 4L);
    TRY_IT(listxattr, "file", bytes, 2L);
    TRY_IT(llistxattr, "file", bytes, 2L);
    TRY_IT(flistxattr, fd, bytes, 2L);
    char name[300];
    memset(name, 'n', sizeof name);
    memcpy(name, "user.", 5);
    name[299] = 0;
    TRY_IT(setxattr, "file", name, "1", 1L, 0);
    TRY_IT(lsetxattr, "file", name, "1", 1L, 0);
    TRY_IT(fsetxattr, fd, name, "1", 1L, 0);
    TRY_IT(setxattr, "file", "user.x", "1", 1L, 1);
    TRY_IT(lsetxattr, "file", "user.x", "1", 1L, 1);
    TRY_IT(fsetxattr, fd, "user.x", "1", 1L, 1);
    TRY_IT(lsetxattr, "file", "user.y", "1", 1L, 2);
    TRY_IT(lsetxattr, "file", "user.y", "1", 1L, 9);
    TRY_IT(fsetxattr, fd, "user.y", "1", 1L, 9);
    TRY_IT(lsetxattr, "file", "nowhere.y", "1", 1L, 0);
    TRY_IT(fsetxattr, open("/dev/null", O_RDONLY), "user.y", "1", 1L, 0);
    TRY_IT(lremovexattr, "file", "user.y");
    TRY_IT(lremovexattr, "file", "user.x");
}

static void processes(void) {
    siginfo_t info = {.si_code = SI_QUEUE};
    TRY_IT(rt_sigqueueinfo, getpid(), 99, &info);
    TRY_IT(rt_sigqueueinfo, 99999, 0, &info);
    TRY_IT(rt_sigqueueinfo, getpid(), 0, &info);
    TRY_IT(tkill, -1, 0);
    TRY_IT(tkill, getpid(), 99);
    TRY_IT(setuid, -1);
    TRY_IT(setgid, -1);
    TRY_IT(setreuid, -1, -1);
    TRY_IT(sched_getscheduler, -1);
    TRY_IT(sched_getparam, -1, bytes);
    TRY_IT(personality, 0xffffffffL);
    TRY_IT(prlimit64, 0, 99, 0L, 0L);
    TRY_IT(prlimit64, 0, RLIMIT_CORE, (&(struct rlimit){2, 1}), 0L);
    TRY_IT(getitimer, 9, bytes);
    TRY_IT(setitimer, 9, bytes, 0L);
    TRY_IT(syslog, 99, 0L, 0);
    TRY_IT(reboot, 1, 2, 3, 0L);
    TRY_IT(wait4, -2147483648L, 0L, 0, 0L);
    TRY_IT(kcmp, getpid(), getpid(), 99, 0L, 0L);
    TRY_IT(kcmp, getpid(), getpid(), 0, 77L, 78L);
    TRY_IT(clone3, bytes, 8L);
    TRY_IT(membarrier, 1 << 20, 0, 0);
    TRY_IT(prctl, 9999, 0L, 0L, 0L, 0L);
    TRY_IT(prctl, PR_SET_PDEATHSIG, 99L, 0L, 0L, 0L);
    TRY_IT(prctl, PR_SET_NAME, 8L, 0L, 0L, 0L);
    TRY_IT(prctl, PR_GET_NAME, 8L, 0L, 0L, 0L);
    TRY_IT(prctl, PR_SET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);
    TRY_IT(prctl, PR_CAPBSET_READ, 99L, 0L, 0L, 0L);
    TRY_IT(prctl, PR_SET_TIMING, 1L, 0L, 0L, 0L);
    TRY_IT(getrandom, bytes, 16L, 0xff);
    TRY_IT(sigaltstack, (&(stack_t){.ss_sp = bytes, .ss_size = 64}), 0L);
    TRY_IT(sigaltstack, (&(stack_t){.ss_sp = bytes, .ss_size = sizeof bytes, .ss_flags = 77}), 0L);
    TRY_IT(execve, "dir", (char*[]){"x", 0}, (char*[]){0});
    TRY_IT(waitid, P_PIDFD, 77, 0L, WEXITED, 0L);
}

static void memory(void) {
    char* page = mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRY_IT(madvise, page + 1, 4096L, MADV_DONTNEED);
    TRY_IT(madvise, page, 4096L, 9999);
    TRY_IT(madvise, page, 4096L, MADV_REMOVE);
    TRY_IT(mprotect, page + 1, 4096L, PROT_READ);
    TRY_IT(pkey_mprotect, page, 4096L, PROT_READ, 5);
    TRY_IT(pkey_mprotect, page, 4096L, PROT_READ, -1);
    TRY_IT(mincore, page + 1, 4096L, bytes);
    TRY_IT(mremap, page, 4096L, 0L, 0, 0L);
    TRY_IT(mremap, page, 4096L, 8192L, 99, 0L);
    TRY_IT(msync, page, 4096L, 99);
    TRY_IT(msync, page, 4096L, MS_SYNC | MS_ASYNC);
    TRY_IT(mlock2, page, 4096L, 4);
    TRY_IT(mlockall, 99);
}

static void ipc(void) {
    struct {
        long type;
        char text[8];
    } text = {1, ""};
    int queue = msgget(IPC_PRIVATE, 0600), set = semget(773, 1, IPC_CREAT | 0600),
        segment = shmget(IPC_PRIVATE, 4096, 0600);
    TRY_IT(semget, 773, 1, IPC_CREAT | IPC_EXCL | 0600);
    TRY_IT(msgsnd, queue, &text, 1L, 0);
    TRY_IT(msgrcv, queue, 8L, 1L, 0, 0);
    TRY_IT(msgctl, queue, IPC_STAT, 8L);
    TRY_IT(msgctl, queue, IPC_SET, 8L);
    TRY_IT(msgctl, queue, 99, 0L);
    struct sembuf many[501] = {{7, 1, 0}}, up = {0, 32767, 0}, more = {0, 1, 0};
    TRY_IT(semtimedop, set, many, 501, 0L);
    TRY_IT(semtimedop, set, many, 1, 0L);
    TRY_IT(semtimedop, set, &up, 1, 0L);
    TRY_IT(semtimedop, set, &more, 1, 0L);
    semctl(set, 0, IPC_RMID);
    msgctl(queue, IPC_RMID, 0);
    TRY_IT(semtimedop, set, &more, 1, 0L);
    TRY_IT(semctl, set, 0, GETVAL, 0L);
    TRY_IT(msgctl, queue, IPC_STAT, &text);
    TRY_IT(shmctl, segment, IPC_SET, 8L);
    TRY_IT(shmctl, segment, IPC_RMID, 0L);
    TRY_IT(shmat, segment, 0L, 0);
}

static void sockets(void) {
    int one[2], stream = socket(AF_UNIX, SOCK_STREAM, 0), datagram = socket(AF_UNIX, SOCK_DGRAM, 0);
    struct sockaddr_un name = {AF_UNIX, "no/where"};
    socklen_t size = -1;
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
    TRY_IT(socket, AF_UNIX, 99, 0);
    TRY_IT(socket, AF_UNIX, SOCK_STREAM | 1 << 20, 0);
    TRY_IT(socket, 99, SOCK_STREAM, 0);
    TRY_IT(socket, AF_UNIX, SOCK_STREAM, 99);
    TRY_IT(bind, stream, &name, sizeof name);
    strcpy(name.sun_path, "file/x");
    TRY_IT(bind, stream, &name, sizeof name);
    TRY_IT(getsockname, stream, bytes, &size);
    TRY_IT(sendmsg, stream, &message, MSG_NOSIGNAL);
    TRY_IT(sendmsg, datagram, &message, 0);
    TRY_IT(sendto, stream, bytes, 1L, MSG_NOSIGNAL, 0L, 0);
    TRY_IT(recvmsg, stream, &message, 0);
    TRY_IT(recvmsg, datagram, &message, MSG_DONTWAIT);
    TRY_IT(accept, stream, 0L, 0L);
    TRY_IT(accept4, stream, 0L, 0L, 0);
    TRY_IT(accept4, datagram, 0L, 0L, 0);
    TRY_IT(accept4, stream, 0L, 0L, 99);
    TRY_IT(listen, datagram, 1);
    strcpy(name.sun_path, "name");
    bind(stream, (struct sockaddr*)&name, sizeof name);
    listen(stream, 1);
    fcntl(stream, F_SETFL, O_NONBLOCK);
    TRY_IT(accept4, stream, 0L, 0L, 0);
    socketpair(AF_UNIX, SOCK_STREAM, 0, one);
    size = -1;
    TRY_IT(getpeername, one[0], bytes, &size);
    TRY_IT(getsockopt, one[0], SOL_SOCKET, SO_TYPE, bytes, &size);
    TRY_IT(getsockopt, one[0], SOL_SOCKET, 9999, bytes, (&(socklen_t){4}));
    TRY_IT(recvmmsg, one[0], (&(struct mmsghdr){.msg_hdr = message}), 1, MSG_DONTWAIT, 0L);
    TRY_IT(recvmmsg, one[0], (&(struct mmsghdr){.msg_hdr = message}), 1, 0, (&(struct timespec){0, -1}));
    TRY_IT(sendmsg, one[0],
           (&(struct msghdr){
               .msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &vector, .msg_iovlen = 1}),
           0);
    TRY_IT(sendto, one[0], bytes, 1L, 0, &name, sizeof name);
    fcntl(one[0], F_SETFL, O_NONBLOCK);
    while (write(one[0], bytes, sizeof bytes) > 0) {}
    TRY_IT(sendto, one[0], bytes, 1L, 0, 0L, 0);
    TRY_IT(sendmsg, one[0], &message, 0);
    TRY_IT(write, one[0], bytes, 1L);
    TRY_IT(writev, one[0], &vector, 1);
    close(one[1]);
    TRY_IT(sendmsg, one[0], &message, MSG_NOSIGNAL);
    signal(SIGPIPE, SIG_IGN);
    TRY_IT(writev, one[0], &vector, 1);
    TRY_IT(write, datagram, bytes, 1L);
    socketpair(AF_UNIX, SOCK_DGRAM, 0, one);
    TRY_IT(sendmsg, one[0],
           (&(struct msghdr){.msg_iov = (struct iovec[]){{bytes, 1 << 30}}, .msg_iovlen = 1}), 0);
    struct epoll_event event = {0, {0}};
    int epoll = epoll_create1(0);
    TRY_IT(epoll_ctl, epoll, 99, one[0], &event);
    TRY_IT(epoll_wait, epoll, &event, 0, 0);
    TRY_IT(timer_create, 99, 0L, bytes);
    TRY_IT(timer_create, CLOCK_MONOTONIC, (&(struct sigevent){.sigev_notify = 99}), bytes);
}

int main(void) {
    enter("refusals");
    in_child("files", files);
    in_child("attributes", attributes);
    in_child("processes", processes);
    in_child("memory", memory);
    in_child("ipc", ipc);
    in_child("sockets", sockets);
}
