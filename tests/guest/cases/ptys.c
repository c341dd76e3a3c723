// Pseudo-terminals: numbers and locks, the peer, packet mode, full buffers, hang-ups and sessions.
#include "tests/guest/cases/case.h"

#include <dirent.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>

static int master, slave;

static void open_pair(void) {
    int unlocked = 0;
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    ioctl(master, TIOCSPTLCK, &unlocked);
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
}

static void raw(int fd) {
    struct termios t;
    tcgetattr(fd, &t);
    cfmakeraw(&t);
    tcsetattr(fd, TCSANOW, &t);
}

// "what: poll bits" of the bits that matter here.
static void polled(const char* what, int fd) {
    struct pollfd poller = {fd, POLLIN | POLLOUT | POLLPRI, 0};
    poll(&poller, 1, 100);
    int r = poller.revents;
    say("%s:%s%s%s%s%s\n", what, r & POLLIN ? " in" : "", r & POLLOUT ? " out" : "",
        r & POLLPRI ? " pri" : "", r & POLLERR ? " err" : "", r & POLLHUP ? " hup" : "");
}

// Reads what there is now; prints it byte by byte.
static void now(const char* what, int fd) {
    unsigned char text[64];
    pause_ms(20);
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    long n = SYS(read, fd, text, sizeof text);
    fcntl(fd, F_SETFL, flags);
    if (n < 0) return show(what, n);
    char line[256];
    int length = 0;
    for (long i = 0; i < n; i++)
        length += snprintf(line + length, sizeof line - (size_t)length, " %02x", text[i]);
    say("%s: %ld%.*s\n", what, n, length, line);
}

static void numbers(void) {
    int one = open("/dev/ptmx", O_RDWR | O_NOCTTY), two = open("/dev/pts/ptmx", O_RDWR | O_NOCTTY);
    unsigned n1 = 99, n2 = 99;
    show("TIOCGPTN", SYS(ioctl, one, TIOCGPTN, &n1));
    show("TIOCGPTN of the other", SYS(ioctl, two, TIOCGPTN, &n2));
    check("different numbers", n1 != n2);
    show("TIOCGPTN, bad address", SYS(ioctl, one, TIOCGPTN, 8L));
    int locked = -1, off = 0, on = 1, packets = -1;
    ioctl(one, TIOCGPTLCK, &locked);
    show("locked at first", locked);
    show("peer while locked", SYS(ioctl, one, TIOCGPTPEER, O_RDWR | O_NOCTTY));
    show("unlock", SYS(ioctl, one, TIOCSPTLCK, &off));
    ioctl(one, TIOCGPTLCK, &locked);
    show("locked now", locked);
    ioctl(one, TIOCGPKT, &packets);
    show("packets at first", packets);
    ioctl(one, TIOCPKT, &on);
    ioctl(one, TIOCGPKT, &packets);
    show("packets now", packets);
    char path[32], name[64] = "", through[64] = "";
    snprintf(path, sizeof path, "/dev/pts/%u", n1);
    int peer = ioctl(one, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    check("peer", peer > 0);
    show("peer closes on exec", fcntl(peer, F_GETFD));
    check("its name", ttyname_r(peer, name, sizeof name) == 0 && !strcmp(name, path));
    check("ptsname", !strcmp(ptsname(one), path));
    snprintf(path, sizeof path, "/proc/self/fd/%d", peer);
    check("link of the descriptor", readlink(path, through, 63) > 0 && !strcmp(through, name));
    struct stat st;
    stat(name, &st);
    say("mode %o owner %u group %u\n", st.st_mode, st.st_uid, st.st_gid);
    check("device", major(st.st_rdev) == 136 && minor(st.st_rdev) == n1);
    unsigned device = 0;
    show("TIOCGDEV", SYS(ioctl, peer, TIOCGDEV, &device));
    check("the same device", device == st.st_rdev);
    show("TIOCGPTN of a slave", SYS(ioctl, peer, TIOCGPTN, &n1));
    show("chmod", SYS(chmod, name, 0600));
    stat(name, &st);
    say("mode %o\n", st.st_mode);
    struct statfs fs;
    statfs("/dev/pts", &fs);
    check("devpts", fs.f_type == 0x1cd1);
    int seen = 0;
    DIR* dir = opendir("/dev/pts");
    for (struct dirent* e; (e = readdir(dir));)
        if (!strcmp(e->d_name, "ptmx") || !strcmp(e->d_name, strrchr(name, '/') + 1)) seen++;
    closedir(dir);
    show("names seen", seen);
    show("open none", SYS(open, "/dev/pts/4000", O_RDWR, 0));
    show("open leading zero", SYS(open, "/dev/pts/00", O_RDWR, 0));
    close(one);
    show("name after the master closed", SYS(stat, name, &st));
    fstat(peer, &st);
    check("still a device", S_ISCHR(st.st_mode));
    close(peer);
    close(two);
}

static void packets(void) {
    int on = 1;
    open_pair();
    raw(slave);
    show("TIOCPKT", SYS(ioctl, master, TIOCPKT, &on));
    write(slave, "data", 4);
    now("data packet", master);
    tcflush(slave, TCIFLUSH);
    polled("after a flush", master);
    now("flushed input", master);
    tcflush(slave, TCOFLUSH);
    now("flushed output", master);
    tcflow(slave, TCOOFF);
    now("stopped", master);
    tcflow(slave, TCOON);
    now("started", master);
    struct termios t;
    tcgetattr(slave, &t);
    t.c_iflag |= IXON;
    tcsetattr(slave, TCSANOW, &t);
    now("keys stop", master);
    t.c_iflag &= ~(tcflag_t)IXON;
    tcsetattr(slave, TCSANOW, &t);
    write(slave, "x", 1);
    now("keys do not stop", master);
    now("then data", master);
    now("nothing", master);
    close(slave);
    close(master);
}

static void buffers(void) {
    char block[4096];
    memset(block, 'b', sizeof block);
    open_pair();
    raw(slave);
    fcntl(slave, F_SETFL, O_NONBLOCK);
    long total = 0, n;
    for (int i = 0; i < 1000 && (n = SYS(write, slave, block, sizeof block)) > 0; i++) total += n;
    show("full", n);
    check("something fitted", total > 0);
    struct pollfd poller = {slave, POLLOUT, 0};
    long back = 0;
    fcntl(master, F_SETFL, O_NONBLOCK);
    for (int i = 0; i < 1000 && back < total; i++) {
        n = read(master, block, sizeof block);
        if (n > 0)
            back += n;
        else
            pause_ms(5);
    }
    check("all came", back == total);
    show("writable again", poll(&poller, 1, 1000));
    // A long way through both directions: nothing is lost.
    fcntl(master, F_SETFL, 0);
    fcntl(slave, F_SETFL, 0);
    pid_t child = fork();
    if (child == 0) {
        long sum = 0;
        for (long left = 200000; left > 0;) {
            long got = read(slave, block, sizeof block);
            if (got <= 0) _exit(1);
            for (long i = 0; i < got; i++) sum += block[i];
            left -= got;
        }
        _exit(sum == 200000L * 'b' ? 0 : 2);
    }
    memset(block, 'b', sizeof block);
    for (long left = 200000; left > 0;) {
        n = write(master, block, (size_t)(left < 4096 ? left : 4096));
        if (n <= 0) break;
        left -= n;
    }
    int status;
    waitpid(child, &status, 0);
    say("200000 bytes to the slave: %s\n", status_text(status));
    close(slave);
    close(master);
}

static void ends(void) {
    char text[16];
    int unlocked = 0;
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    polled("master before any slave", master);
    ioctl(master, TIOCSPTLCK, &unlocked);
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    polled("fresh master", master);
    polled("fresh slave", slave);
    raw(slave);
    write(slave, "last", 4);
    close(slave);
    pause_ms(20);
    polled("master without slaves", master);
    show("the rest", SYS(read, master, text, 16L));
    show("then", SYS(read, master, text, 16L));
    slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
    now("a new slave", master);
    write(master, "in", 2);
    pause_ms(20);
    close(master);
    polled("slave without master", slave);
    show("read", SYS(read, slave, text, 16L));
    show("write", SYS(write, slave, text, 1L));
    struct termios t;
    show("TCGETS", SYS(ioctl, slave, TCGETS, &t));
    int group = getpgrp();
    show("TIOCSPGRP", SYS(ioctl, slave, TIOCSPGRP, &group));
    close(slave);
}

static volatile sig_atomic_t hangups, continued, quits;
static void on_hangup(int signal) {
    if (signal == SIGQUIT) quits++;
    if (signal == SIGHUP) hangups++;
    if (signal == SIGCONT) continued++;
}

// In a child that leads a session.
static void session(void) {
    setsid();
    signal(SIGHUP, on_hangup);
    signal(SIGCONT, on_hangup);
    int id = 0;
    show("TIOCGSID before", SYS(ioctl, slave, TIOCGSID, &id));
    show("TIOCGPGRP before", SYS(ioctl, slave, TIOCGPGRP, &id));
    show("TIOCSCTTY", SYS(ioctl, slave, TIOCSCTTY, 0L));
    show("TIOCSCTTY again", SYS(ioctl, slave, TIOCSCTTY, 0L));
    ioctl(slave, TIOCGSID, &id);
    check("session", id == getpid());
    ioctl(master, TIOCGSID, &id);
    check("session, of the master", id == getpid());
    ioctl(master, TIOCGPGRP, &id);
    check("group, of the master", id == getpgrp());
    int none = 999999, init = 1, negative = -1;
    show("TIOCSPGRP, no such group", SYS(ioctl, slave, TIOCSPGRP, &none));
    show("TIOCSPGRP, negative", SYS(ioctl, slave, TIOCSPGRP, &negative));
    show("TIOCSPGRP, a group of another session",
         SYS(ioctl, slave, TIOCSPGRP, &init) == -EPERM || SYS(ioctl, slave, TIOCSPGRP, &init) == -ESRCH);
    pid_t child = fork();
    if (child == 0) {
        setsid();
        show("TIOCSCTTY of another session", SYS(ioctl, slave, TIOCSCTTY, 0L));
        show("TIOCNOTTY without", SYS(ioctl, slave, TIOCNOTTY, 0L));
        check("no terminal", open("/dev/tty", O_RDWR) < 0);
        _exit(0);
    }
    waitpid(child, 0, 0);
    show("open /dev/tty", SYS(open, "/dev/tty", O_RDWR, 0) > 0);
    show("TIOCSIG of SIGCONT", SYS(ioctl, master, TIOCSIG, SIGCONT));
    signal(SIGQUIT, on_hangup);
    show("TIOCSIG of SIGQUIT", SYS(ioctl, master, TIOCSIG, SIGQUIT));
    for (int i = 0; i < 100 && !quits; i++) pause_ms(5);
    say("quits %d\n", quits);
    show("TIOCNOTTY", SYS(ioctl, slave, TIOCNOTTY, 0L));
    say("hang-ups %d, continued %d\n", hangups, continued);
    show("open /dev/tty then", SYS(open, "/dev/tty", O_RDWR, 0));
    show("TIOCSCTTY anew", SYS(ioctl, slave, TIOCSCTTY, 0L));
    close(master);
    for (int i = 0; i < 100 && hangups < 2; i++) pause_ms(5);
    say("hang-ups %d, continued %d\n", hangups, continued);
    show("open /dev/tty at last", SYS(open, "/dev/tty", O_RDWR, 0));
}

// The leader ends; a process in the background has the terminal open still.
static void leader_ends(void) {
    int ready[2];
    char byte;
    pipe(ready);
    pid_t leader = fork();
    if (leader == 0) {
        close(master);
        setsid();
        ioctl(slave, TIOCSCTTY, 0L);
        if (fork() == 0) {
            signal(SIGHUP, on_hangup);
            write(ready[1], "r", 1);
            for (int i = 0; i < 400 && !hangups; i++) pause_ms(5);
            say("the foreground hears of it: %d\n", hangups);
            check("it has no terminal", open("/dev/tty", O_RDWR) < 0);
            write(slave, "x", 1);
            pause_ms(50);
            _exit(0);
        }
        read(ready[0], &byte, 1);
        _exit(0);
    }
    close(slave);
    waitpid(leader, 0, 0);
    show("the master reads", SYS(read, master, &byte, 1L));
    show("the master reads the end", SYS(read, master, &byte, 1L));
    close(master);
}

// As script(1) has it: a program on a terminal of its own, what it writes collected until its end.
static void script(void) {
    struct winsize size = {30, 90, 0, 0};
    int fd;
    pid_t child = forkpty(&fd, 0, 0, &size);
    if (child == 0) {
        struct winsize mine;
        ioctl(0, TIOCGWINSZ, &mine);
        printf("%d %d %s\n", mine.ws_row, mine.ws_col, isatty(1) ? "terminal" : "none");
        char line[32];
        if (fgets(line, sizeof line, stdin)) printf("got %s", line);
        exit(5);
    }
    write(fd, "typed\n", 6);
    char text[256];
    long n = 0, got;
    while ((got = SYS(read, fd, text + n, sizeof text - (size_t)n)) > 0) n += got;
    show("end of output", got);
    // The echo may come before or after the first line.
    text[n] = 0;
    check("size and terminal", strstr(text, "30 90 terminal\r\n") != 0);
    check("echo", strstr(text, "typed\r\n") != 0);
    check("answer", strstr(text, "got typed\r\n") != 0);
    show("length", n);
    int status;
    waitpid(child, &status, 0);
    say("program: %s\n", status_text(status));
}

int main(void) {
    enter("ptys");
    numbers();
    packets();
    buffers();
    ends();
    open_pair();
    pid_t child = fork();
    if (child == 0) {
        session();
        _exit(0);
    }
    close(master);
    close(slave);
    int status;
    waitpid(child, &status, 0);
    say("session: %s\n", status_text(status));
    open_pair();
    leader_ends();
    script();
}
