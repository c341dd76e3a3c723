// inotify: what happens in watched directories and to watched files, and the calls' errors.
#include "tests/guest/cases/case.h"

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>

static int fd;

static const struct {
    uint32_t bit;
    const char* name;
} kNames[] = {{IN_ACCESS, "access"},        {IN_MODIFY, "modify"},
              {IN_ATTRIB, "attrib"},        {IN_CLOSE_WRITE, "written"},
              {IN_CLOSE_NOWRITE, "closed"}, {IN_OPEN, "open"},
              {IN_MOVED_FROM, "from"},      {IN_MOVED_TO, "to"},
              {IN_CREATE, "create"},        {IN_DELETE, "delete"},
              {IN_DELETE_SELF, "gone"},     {IN_MOVE_SELF, "moved"},
              {IN_IGNORED, "ignored"},      {IN_ISDIR, "dir"},
              {IN_Q_OVERFLOW, "overflow"}};

// "what: 1:create,dir(name) ..." of all there is.
static void events(const char* what) {
    char buffer[8192] __attribute__((aligned(8)));
    char line[900];
    int length = 0;
    uint32_t cookie = 0;
    long n;
    while ((n = read(fd, buffer, sizeof buffer)) > 0)
        for (long at = 0; at < n;) {
            struct inotify_event* e = (void*)(buffer + at);
            length += snprintf(line + length, sizeof line - (size_t)length, " %d:", e->wd);
            int first = 1;
            for (unsigned i = 0; i < sizeof kNames / sizeof *kNames; i++)
                if (e->mask & kNames[i].bit) {
                    length += snprintf(line + length, sizeof line - (size_t)length, "%s%s", first ? "" : ",",
                                       kNames[i].name);
                    first = 0;
                }
            if (e->len)
                length += snprintf(line + length, sizeof line - (size_t)length, "(%s/%u)", e->name, e->len);
            if (e->cookie && cookie == e->cookie)
                length += snprintf(line + length, sizeof line - (size_t)length, "=");
            cookie = e->cookie;
            at += (long)sizeof *e + e->len;
        }
    say("%s:%.*s\n", what, length, line);
}

static void fresh(void) {
    close(fd);
    fd = inotify_init1(IN_NONBLOCK);
}

static void directories(void) {
    mkdir("d", 0755);
    mkdir("e", 0755);
    fresh();
    show("watch", SYS(inotify_add_watch, fd, "d", IN_ALL_EVENTS));
    show("watch another", SYS(inotify_add_watch, fd, "e", IN_ALL_EVENTS));
    int file = open("d/file", O_CREAT | O_RDWR, 0644);
    events("create");
    write(file, "abc", 3);
    events("write");
    write(file, "abc", 3);
    write(file, "abc", 3);
    events("two writes are one event");
    char byte;
    pread(file, &byte, 1, 0);
    events("read");
    pread(file, &byte, 1, 100);
    events("read of nothing");
    ftruncate(file, 1);
    events("ftruncate");
    fchmod(file, 0600);
    events("fchmod");
    close(file);
    events("close");
    close(open("d/file", O_RDONLY));
    events("open and close");
    truncate("d/file", 0);
    events("truncate");
    chown("d/file", 0, 0);
    events("chown");
    utimensat(AT_FDCWD, "d/file", 0, 0);
    events("utimensat");
    rename("d/file", "d/longer-name-than-sixteen");
    events("rename");
    rename("d/longer-name-than-sixteen", "e/moved");
    events("to another directory");
    link("e/moved", "d/linked");
    events("link");
    symlink("x", "d/symbolic");
    events("symlink");
    mkfifo("d/fifo", 0644);
    events("mkfifo");
    mkdir("d/sub", 0755);
    events("mkdir");
    chmod("d/sub", 0700);
    events("chmod of a directory");
    put("d/sub/deep", "x");
    events("deeper is not watched");
    unlink("d/sub/deep");
    rmdir("d/sub");
    events("rmdir");
    unlink("d/linked");
    events("unlink");
    put("d/old", "1");
    put("d/new", "2");
    events("two files made");
    rename("d/old", "d/new");
    events("over another");
    put("d/other", "3");
    events("made");
    syscall(SYS_renameat2, AT_FDCWD, "d/new", AT_FDCWD, "d/other", 2);
    events("exchange");
    closedir(opendir("d"));
    events("opendir");
    chmod("d", 0711);
    events("chmod of the watched directory");
    rename("d", "f");
    events("the watched directory moves");
    put("f/still", "x");
    events("still watched");
    rmdir("e");
    unlink("e/moved");
    rmdir("e");
    events("the watched directory goes");
}

static void files(void) {
    put("a", "1");
    fresh();
    show("watch a file", SYS(inotify_add_watch, fd, "a", IN_ALL_EVENTS));
    show("watch it again, other events",
         SYS(inotify_add_watch, fd, "a", IN_MODIFY | IN_ATTRIB | IN_DELETE_SELF));
    put("a", "22");
    events("written");
    show("add events", SYS(inotify_add_watch, fd, "a", IN_OPEN | IN_MASK_ADD));
    close(open("a", O_RDONLY));
    events("opened");
    show("only when new", SYS(inotify_add_watch, fd, "a", IN_OPEN | IN_MASK_CREATE));
    link("a", "b");
    events("linked");
    unlink("a");
    events("one name goes");
    unlink("b");
    events("the last name goes");
    put("a", "1");
    show("once", SYS(inotify_add_watch, fd, "a", IN_OPEN | IN_ONESHOT));
    close(open("a", O_RDONLY));
    close(open("a", O_RDONLY));
    events("only once");
    int watch = inotify_add_watch(fd, "a", IN_OPEN);
    show("remove", SYS(inotify_rm_watch, fd, watch));
    close(open("a", O_RDONLY));
    events("removed");
    show("remove again", SYS(inotify_rm_watch, fd, watch));
    // A file that has no name any more is not its directory's business, when asked so.
    mkdir("x", 0755);
    inotify_add_watch(fd, "x", IN_MODIFY | IN_EXCL_UNLINK);
    int file = open("x/y", O_RDWR | O_CREAT, 0644);
    write(file, "1", 1);
    unlink("x/y");
    write(file, "2", 1);
    events("unlinked file");
    close(file);
}

static void errors(void) {
    struct pollfd poller = {fd, POLLIN, 0};
    char small[8], one[sizeof(struct inotify_event)];
    int queued = -1;
    fresh();
    poller.fd = fd;
    show("read of nothing", SYS(read, fd, small, 8L));
    show("readable", poll(&poller, 1, 0));
    inotify_add_watch(fd, ".", IN_CREATE);
    put("trigger", "x");
    show("readable then", poll(&poller, 1, 0));
    ioctl(fd, FIONREAD, &queued);
    show("bytes", queued);
    show("too little room", SYS(read, fd, one, sizeof one));
    show("write", SYS(write, fd, "x", 1L));
    show("no events", SYS(inotify_add_watch, fd, ".", 0));
    show("add and create", SYS(inotify_add_watch, fd, ".", IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE));
    show("watch nothing", SYS(inotify_add_watch, fd, "none", IN_OPEN));
    show("only directories", SYS(inotify_add_watch, fd, "trigger", IN_OPEN | IN_ONLYDIR));
    symlink("none", "dangling");
    show("a link", SYS(inotify_add_watch, fd, "dangling", IN_OPEN));
    show("the link itself", SYS(inotify_add_watch, fd, "dangling", IN_OPEN | IN_DONT_FOLLOW) > 0);
    show("bad address", SYS(inotify_add_watch, fd, 8L, IN_OPEN));
    show("no instance", SYS(inotify_add_watch, 0, ".", IN_OPEN) == -EINVAL ||
                            SYS(inotify_add_watch, 0, ".", IN_OPEN) == -EBADF);
    show("closed", SYS(inotify_add_watch, 99, ".", IN_OPEN));
    show("remove unknown", SYS(inotify_rm_watch, fd, 77));
    show("remove, closed", SYS(inotify_rm_watch, 99, 1));
    show("unknown flag", SYS(inotify_init1, 1));
    int plain = (int)SYS(inotify_init);
    show("plain", fcntl(plain, F_GETFL));
    show("close on exec", fcntl(inotify_init1(IN_CLOEXEC), F_GETFD));
    put("private", "x");
    chmod("private", 0);
    if (fork() == 0) {
        setuid(1000);
        show("not readable", SYS(inotify_add_watch, plain, "private", IN_OPEN));
        _exit(0);
    }
    wait(0);
    // A reader that waits.
    inotify_add_watch(plain, ".", IN_CREATE);
    pid_t child = fork();
    if (child == 0) {
        char buffer[200];
        show("waited", SYS(read, plain, buffer, sizeof buffer));
        _exit(0);
    }
    until_asleep(child);
    put("woken", "x");
    waitpid(child, 0, 0);
}

int main(void) {
    enter("watches");
    directories();
    files();
    errors();
}
