// splice, tee, vmsplice; preadv2 and pwritev2 with their flags; synchronisation and read-ahead calls.
#include "tests/guest/cases/case.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/uio.h>

static int p[2], q[2];
static char text[70000];

static void fill(int fd, const char* what) { write(fd, what, strlen(what)); }

// "what: 3 abc" of what a read gives now.
static void drained(const char* what, int fd) {
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    long n = SYS(read, fd, text, 100L);
    fcntl(fd, F_SETFL, flags);
    if (n < 0) return show(what, n);
    say("%s: %ld %.*s\n", what, n, (int)n, text);
}

static void splices(void) {
    int file = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644), none = open("/dev/null", O_RDWR);
    pipe(p);
    pipe(q);
    fill(file, "0123456789");
    long long at = 2;
    show("file to pipe", SYS(splice, file, &at, p[1], 0L, 3L, 0));
    say("offset %lld, own %ld\n", at, (long)lseek(file, 0, SEEK_CUR));
    drained("in the pipe", p[0]);
    lseek(file, 0, SEEK_SET);
    show("file to pipe, own offset", SYS(splice, file, 0L, p[1], 0L, 4L, 0));
    say("own %ld\n", (long)lseek(file, 0, SEEK_CUR));
    show("pipe to pipe", SYS(splice, p[0], 0L, q[1], 0L, 2L, 0));
    drained("first", p[0]);
    drained("second", q[0]);
    fill(p[1], "written");
    at = 20;
    show("pipe to file", SYS(splice, p[0], 0L, file, &at, 100L, 0));
    say("offset %lld, size %ld\n", at, (long)lseek(file, 0, SEEK_END));
    memset(text, 0, sizeof text);
    pread(file, text, 7, 20);
    say("%s\n", text);
    show("at the end of file", SYS(splice, file, 0L, p[1], 0L, 100L, 0));
    show("empty pipe, no waiting", SYS(splice, p[0], 0L, q[1], 0L, 5L, SPLICE_F_NONBLOCK));
    show("nothing asked", SYS(splice, p[0], 0L, q[1], 0L, 0L, 0));
    show("no pipe", SYS(splice, file, 0L, none, 0L, 5L, 0));
    show("the same pipe", SYS(splice, p[0], 0L, p[1], 0L, 5L, 0));
    show("offset of a pipe", SYS(splice, p[0], &at, file, 0L, 5L, 0));
    show("unknown flag", SYS(splice, p[0], 0L, q[1], 0L, 5L, 64));
    show("not readable", SYS(splice, p[1], 0L, q[1], 0L, 5L, 0));
    show("not writable", SYS(splice, p[0], 0L, q[0], 0L, 5L, 0));
    show("closed", SYS(splice, 99, 0L, q[1], 0L, 5L, 0));
    show("bad address", SYS(splice, file, 8L, q[1], 0L, 5L, 0));
    int append = open("file", O_WRONLY | O_APPEND);
    fill(p[1], "x");
    show("to a file that appends", SYS(splice, p[0], 0L, append, 0L, 1L, 0));
    show("to /dev/null", SYS(splice, p[0], 0L, none, 0L, 1L, 0));
    // Full pipes take what fits, or nothing.
    memset(text, 'f', sizeof text);
    fcntl(q[1], F_SETFL, O_NONBLOCK);
    while (write(q[1], text, 4096) > 0) {}
    fill(p[1], "stays");
    show("to a full pipe", SYS(splice, p[0], 0L, q[1], 0L, 5L, SPLICE_F_NONBLOCK));
    show("tee to a full pipe", SYS(tee, p[0], q[1], 5L, SPLICE_F_NONBLOCK));
    drained("nothing is lost", p[0]);
    close(q[0]);
    signal(SIGPIPE, SIG_IGN);
    fill(p[1], "y");
    show("no reader", SYS(splice, p[0], 0L, q[1], 0L, 5L, 0));
    close(q[1]);
    drained("nor here", p[0]);
    close(p[1]);
    pipe(q);
    show("no writer", SYS(splice, p[0], 0L, q[1], 0L, 5L, 0));
    close(p[0]);
}

static void tees(void) {
    pipe(p);
    fill(p[1], "twice");
    show("tee", SYS(tee, p[0], q[1], 100L, 0));
    show("tee of some", SYS(tee, p[0], q[1], 2L, 0));
    drained("copy", q[0]);
    drained("original", p[0]);
    show("tee of nothing, no waiting", SYS(tee, p[0], q[1], 5L, SPLICE_F_NONBLOCK));
    show("tee, same pipe", SYS(tee, p[0], p[1], 5L, 0));
    show("tee, no pipe", SYS(tee, p[0], open("file", O_RDWR), 5L, 0));
    show("tee, unknown flag", SYS(tee, p[0], q[1], 5L, 64));
    struct iovec parts[] = {{"vm", 2}, {"splice", 6}};
    show("vmsplice", SYS(vmsplice, p[1], parts, 2L, 0));
    drained("spliced", p[0]);
    fill(p[1], "backwards");
    char a[4] = "", b[20] = "";
    struct iovec out[] = {{a, 3}, {b, 19}};
    show("vmsplice from a pipe", SYS(vmsplice, p[0], out, 2L, 0));
    say("%s %s\n", a, b);
    show("vmsplice, no pipe", SYS(vmsplice, open("file", O_RDWR), parts, 2L, 0));
    show("vmsplice, closed", SYS(vmsplice, 99, parts, 2L, 0));
    show("vmsplice, unknown flag", SYS(vmsplice, p[1], parts, 2L, 64));
    show("vmsplice of nothing", SYS(vmsplice, p[1], parts, 0L, 0));
    show("vmsplice, empty, no waiting", SYS(vmsplice, p[0], out, 2L, SPLICE_F_NONBLOCK));
}

// A megabyte through a pipe into a file, while the other side is slow.
static void stream(void) {
    int file = open("stream", O_RDWR | O_CREAT | O_TRUNC, 0644);
    pipe(p);
    pid_t child = fork();
    if (child == 0) {
        close(p[0]);
        for (int i = 0; i < 256; i++) {
            memset(text, i, 4096);
            if (write(p[1], text, 4096) != 4096) _exit(1);
        }
        _exit(0);
    }
    close(p[1]);
    long total = 0, n;
    while ((n = SYS(splice, p[0], 0L, file, 0L, 10000L, SPLICE_F_MOVE | SPLICE_F_MORE)) > 0) total += n;
    say("stream: %ld, end %ld\n", total, n);
    int status, good = 1;
    waitpid(child, &status, 0);
    for (int i = 0; i < 256; i++) {
        pread(file, text, 4096, i * 4096L);
        for (int j = 0; j < 4096; j++) good &= (unsigned char)text[j] == i;
    }
    check("all in order", good);
    close(p[0]);
}

static void flags(void) {
    int fd = open("flags", O_RDWR | O_CREAT | O_TRUNC, 0644);
    struct iovec w = {"abc", 3}, r = {text, 10};
    show("pwritev2", SYS(pwritev2, fd, &w, 1L, 0L, 0L, 0));
    show("pwritev2, own offset", SYS(pwritev2, fd, &w, 1L, -1L, 0L, 0));
    say("own %ld\n", (long)lseek(fd, 0, SEEK_CUR));
    show("appending", SYS(pwritev2, fd, &w, 1L, 0L, 0L, RWF_APPEND));
    say("own %ld, size %ld\n", (long)lseek(fd, 0, SEEK_CUR), (long)lseek(fd, 0, SEEK_END));
    lseek(fd, 1, SEEK_SET);
    show("appending, own offset", SYS(pwritev2, fd, &w, 1L, -1L, 0L, RWF_APPEND | RWF_SYNC));
    say("own %ld\n", (long)lseek(fd, 0, SEEK_CUR));
    show("data sync", SYS(pwritev2, fd, &w, 1L, 3L, 0L, RWF_DSYNC));
    lseek(fd, 0, SEEK_SET);
    show("preadv2", SYS(preadv2, fd, &r, 1L, -1L, 0L, 0));
    show("preadv2 at", SYS(preadv2, fd, &r, 1L, 6L, 0L, RWF_HIPRI));
    show("negative offset", SYS(preadv2, fd, &r, 1L, -2L, 0L, 0));
    show("unknown flag", SYS(preadv2, fd, &r, 1L, 0L, 0L, 0x10000));
    show("closed", SYS(preadv2, 99, &r, 1L, 0L, 0L, 0));
    pipe(p);
    show("of a pipe at an offset", SYS(preadv2, p[0], &r, 1L, 0L, 0L, 0));
    show("of a pipe, no waiting", SYS(preadv2, p[0], &r, 1L, -1L, 0L, RWF_NOWAIT));
    fill(p[1], "now");
    show("of a pipe, there", SYS(preadv2, p[0], &r, 1L, -1L, 0L, RWF_NOWAIT));
    show("sync_file_range", SYS(sync_file_range, fd, 0L, 0L, 7));
    show("sync_file_range, flags", SYS(sync_file_range, fd, 0L, 0L, 8));
    show("sync_file_range, offset", SYS(sync_file_range, fd, -1L, 0L, 0));
    show("sync_file_range, overflow", SYS(sync_file_range, fd, 1L, INT64_MAX, 0));
    show("sync_file_range, pipe", SYS(sync_file_range, p[0], 0L, 0L, 0));
    show("sync_file_range, closed", SYS(sync_file_range, 99, 0L, 0L, 0));
    show("syncfs", SYS(syncfs, fd));
    show("syncfs, closed", SYS(syncfs, 99));
    show("readahead", SYS(readahead, fd, 0L, 100L));
    show("readahead, pipe", SYS(readahead, p[0], 0L, 100L));
    show("readahead, not readable", SYS(readahead, open("flags", O_WRONLY), 0L, 100L));
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = 7}, got;
    epoll_ctl(epoll, EPOLL_CTL_ADD, p[0], &event);
    struct timespec none = {0, 0}, little = {0, 1000000}, wrong = {0, -1};
    show("epoll_pwait2, nothing", SYS(epoll_pwait2, epoll, &got, 1L, &little, 0L, 0L));
    fill(p[1], "e");
    show("epoll_pwait2", SYS(epoll_pwait2, epoll, &got, 1L, 0L, 0L, 0L));
    show("epoll_pwait2, now", SYS(epoll_pwait2, epoll, &got, 1L, &none, 0L, 0L));
    show("epoll_pwait2, no time", SYS(epoll_pwait2, epoll, &got, 1L, &wrong, 0L, 0L));
    show("epoll_pwait2, bad address", SYS(epoll_pwait2, epoll, &got, 1L, 8L, 0L, 0L));
    symlink("flags", "link");
    struct stat st;
    show("fchmodat2", syscall(452, AT_FDCWD, "link", 0604, 0));
    stat("flags", &st);
    say("mode %o\n", st.st_mode);
    show("fchmodat2 of a link", outcome(syscall(452, AT_FDCWD, "link", 0604, AT_SYMLINK_NOFOLLOW)));
    show("fchmodat2, empty path", outcome(syscall(452, fd, "", 0640, AT_EMPTY_PATH)));
    show("fchmodat2, unknown flag", outcome(syscall(452, AT_FDCWD, "flags", 0604, 1)));
    show("fchmodat2, nothing", outcome(syscall(452, AT_FDCWD, "none", 0604, 0)));
    show("name_to_handle_at, flags", SYS(name_to_handle_at, AT_FDCWD, "flags", 0L, 0L, 0x10));
    show("open_by_handle_at, empty", ({
             unsigned handle[2] = {0, 0};
             SYS(open_by_handle_at, AT_FDCWD, handle, 0);
         }));
}

int main(void) {
    enter("splices");
    splices();
    tees();
    stream();
    flags();
}
