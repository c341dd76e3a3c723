// The devices every program expects, and pseudo-terminals.
#include "tests/guest/cases/case.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

static char text[256];

static void simple(void) {
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
    show("null read", SYS(read, null, text, 10L));
    show("null write", SYS(write, null, text, 10L));
    memset(text, 'x', sizeof text);
    show("zero read", SYS(read, zero, text, 10L));
    check("zeros", memcmp(text, "\0\0\0\0\0\0\0\0\0\0x", 11) == 0);
    show("zero write", SYS(write, zero, text, 10L));
    show("full read", SYS(read, full, text, 10L));
    show("full write", SYS(write, full, text, 10L));
    show("null seek", SYS(lseek, null, 100L, SEEK_SET));
    show("urandom read", SYS(read, open("/dev/urandom", O_RDONLY), text, 100L));
    show("random read", SYS(read, open("/dev/random", O_RDONLY), text, 16L));
    char* m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    check("map of zero", m != MAP_FAILED && m[100] == 0);
    show("map of null", SYS(mmap, 0L, 4096L, PROT_READ, MAP_PRIVATE, null, 0L));
    show("TCGETS of null", SYS(ioctl, null, TCGETS, text));
    show("tty without a terminal", ({
             setsid();
             SYS(open, "/dev/tty", O_RDWR, 0);
         }));
    struct stat st;
    const char* names[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"};
    for (int i = 0; i < 6; i++) {
        stat(names[i], &st);
        say("%s: %o %lx\n", names[i], st.st_mode, (long)st.st_rdev);
    }
    memset(text, 0, sizeof text);
    readlink("/dev/fd", text, sizeof text - 1);
    say("/dev/fd -> %s\n", text);
    show("/dev/stdout", SYS(open, "/dev/stdout", O_WRONLY, 0) > 0);
    show("create in /dev/shm", SYS(open, "/dev/shm/x", O_CREAT | O_RDWR, 0600) > 0);
}

// What the slave's program would read after the master typed.
static void typed(const char* what, int master, int slave, const char* keys) {
    write(master, keys, strlen(keys));
    struct pollfd poller = {slave, POLLIN, 0};
    memset(text, 0, sizeof text);
    if (poll(&poller, 1, 200) == 1) {
        long n = read(slave, text, sizeof text - 1);
        for (long i = 0; i < n; i++)
            if (text[i] == '\n') text[i] = '$';
        say("%s: %ld \"%s\"\n", what, n, text);
    } else {
        say("%s: nothing yet\n", what);
    }
}

static void echoed(int master) {
    pause_ms(20);
    fcntl(master, F_SETFL, O_NONBLOCK);
    memset(text, 0, sizeof text);
    long n = read(master, text, sizeof text - 1);
    fcntl(master, F_SETFL, 0);
    say("master reads:");
    for (long i = 0; i < n; i++) say(" %02x", (unsigned char)text[i]);
    say("\n");
}

static volatile sig_atomic_t got;
static void on_signal(int signal) { got = signal; }

static void terminals(void) {
    int master = (int)SYS(open, "/dev/ptmx", O_RDWR | O_NOCTTY, 0);
    check("open ptmx", master > 2);
    int number = -1, locked = 0;
    show("TIOCGPTN", SYS(ioctl, master, TIOCGPTN, &number));
    char path[32];
    snprintf(path, sizeof path, "/dev/pts/%d", number);
    show("open locked slave", SYS(open, path, O_RDWR | O_NOCTTY, 0));
    show("TIOCSPTLCK", SYS(ioctl, master, TIOCSPTLCK, &locked));
    int slave = (int)SYS(open, path, O_RDWR | O_NOCTTY, 0);
    check("open slave", slave > 2);
    check("isatty", isatty(slave));
    struct stat st;
    fstat(slave, &st);
    check("a character device of major 136", S_ISCHR(st.st_mode) && st.st_rdev >> 8 == 136);
    struct termios t;
    tcgetattr(slave, &t);
    say("flags: %x %x %x %x\n", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
    say("keys: intr %d erase %d eof %d min %d\n", t.c_cc[VINTR], t.c_cc[VERASE], t.c_cc[VEOF], t.c_cc[VMIN]);
    struct winsize size = {24, 80, 0, 0}, now;
    show("TIOCSWINSZ", SYS(ioctl, master, TIOCSWINSZ, &size));
    show("TIOCGWINSZ", SYS(ioctl, slave, TIOCGWINSZ, &now));
    say("window %d %d\n", now.ws_row, now.ws_col);
    typed("line", master, slave, "hello\n");
    echoed(master);
    typed("no newline", master, slave, "abc");
    typed("erase and end", master, slave, "\177X\n");
    typed("kill line", master, slave, "gone\025kept\n");
    typed("end of file after text", master, slave, "eof\004");
    typed("end of file", master, slave, "\004");
    typed("carriage return", master, slave, "cr\r");
    echoed(master);
    write(slave, "out\n", 4);
    echoed(master);
    t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    t.c_cc[VMIN] = 1;
    tcsetattr(slave, TCSANOW, &t);
    typed("raw", master, slave, "k");
    t.c_cc[VMIN] = 0;
    t.c_cc[VTIME] = 1;
    tcsetattr(slave, TCSANOW, &t);
    show("raw with time-out", read(slave, text, 10));
    int queued = -1;
    write(master, "12345", 5);
    pause_ms(20);
    ioctl(slave, FIONREAD, &queued);
    show("queued", queued);
    tcflush(slave, TCIFLUSH);
    ioctl(slave, FIONREAD, &queued);
    show("flushed", queued);
    // Job control: the slave becomes this session's terminal.
    show("TIOCSCTTY", SYS(ioctl, slave, TIOCSCTTY, 0L));
    check("foreground group", tcgetpgrp(slave) == getpgrp());
    show("open tty", SYS(open, "/dev/tty", O_RDWR, 0) > 0);
    tcgetattr(slave, &t);
    t.c_lflag |= ICANON | ISIG;
    t.c_cc[VMIN] = 1;
    t.c_cc[VTIME] = 0;
    tcsetattr(slave, TCSANOW, &t);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, 0);
    sigaction(SIGWINCH, &action, 0);
    sigaction(SIGHUP, &action, 0);
    write(master, "\003", 1);
    for (int i = 0; i < 100 && !got; i++) pause_ms(5);
    say("interrupt key: %d\n", got);
    got = 0;
    size.ws_col = 100;
    ioctl(master, TIOCSWINSZ, &size);
    for (int i = 0; i < 100 && !got; i++) pause_ms(5);
    say("new window size: %d\n", got);
    // A background group that reads is stopped.
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        read(slave, text, 1);
        _exit(0);
    }
    int status;
    waitpid(child, &status, WUNTRACED);
    say("background read: %s\n", status_text(status));
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
    got = 0;
    close(master);
    for (int i = 0; i < 100 && !got; i++) pause_ms(5);
    say("hang-up: %d\n", got);
    show("read after hang-up", SYS(read, slave, text, 1L));
    show("write after hang-up", SYS(write, slave, text, 1L));
}

int main(void) {
    enter("devices");
    if (fork() == 0) {
        simple();
        terminals();
        _exit(0);
    }
    int status;
    wait(&status);
    say("session: %s\n", status_text(status));
}
