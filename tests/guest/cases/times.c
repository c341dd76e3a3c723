// File times: set in four ways, moved by reads, writes and name changes.
#include "tests/guest/cases/case.h"

#include <utime.h>

static struct stat of(const char* path) {
    struct stat st = {0};
    lstat(path, &st);
    return st;
}

static void print(const char* what, const char* path) {
    struct stat st = of(path);
    say("%s: atime %ld.%09ld mtime %ld.%09ld\n", what, (long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
        (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static int later(struct timespec a, struct timespec b) {
    return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}
static int same(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void setting(void) {
    put("f", "x");
    struct utimbuf seconds_only = {1000000000, 1100000000};
    show("utime", SYS(utime, "f", &seconds_only));
    print("utime", "f");
    struct timeval micro[2] = {{1200000000, 111111}, {1300000000, 222222}};
    show("utimes", SYS(utimes, "f", micro));
    print("utimes", "f");
    micro[0].tv_usec = 333333;
    show("futimesat", SYS(futimesat, AT_FDCWD, "f", micro));
    print("futimesat", "f");
    micro[0].tv_usec = 1000000;
    show("utimes bad microseconds", SYS(utimes, "f", micro));
    struct timespec nano[2] = {{1400000000, 123456789}, {1500000000, 987654321}};
    show("utimensat", SYS(utimensat, AT_FDCWD, "f", nano, 0));
    print("utimensat", "f");
    nano[0].tv_nsec = UTIME_OMIT;
    nano[1] = (struct timespec){-5, 1};
    show("utimensat omit", SYS(utimensat, AT_FDCWD, "f", nano, 0));
    print("omit and before 1970", "f");
    nano[1].tv_nsec = UTIME_NOW;
    show("utimensat now", SYS(utimensat, AT_FDCWD, "f", nano, 0));
    check("is now", of("f").st_mtime > 1600000000 && of("f").st_atime == 1400000000);
    nano[1].tv_nsec = 1000000000;
    show("utimensat bad nanoseconds", SYS(utimensat, AT_FDCWD, "f", nano, 0));
    symlink("f", "l");
    nano[0] = (struct timespec){1, 2};
    nano[1] = (struct timespec){3, 4};
    show("utimensat nofollow", SYS(utimensat, AT_FDCWD, "l", nano, AT_SYMLINK_NOFOLLOW));
    print("link", "l");
    int fd = open("f", O_RDONLY);
    show("utimensat of descriptor", SYS(utimensat, fd, 0L, nano, 0));
    print("descriptor", "f");
    show("utimensat missing", SYS(utimensat, AT_FDCWD, "missing", nano, 0));
    show("utimensat bad descriptor", SYS(utimensat, 77, 0L, nano, 0));
    show("utime of now", SYS(utime, "f", 0L));
    check("is now", of("f").st_mtime > 1600000000);
}

static void moving(void) {
    put("m", "content");
    mkdir("d", 0755);
    struct stat before = of("m"), directory = of("d");
    pause_ms(30);
    int fd = open("m", O_RDWR);
    write(fd, "x", 1);
    struct stat after = of("m");
    check("write moves mtime", later(after.st_mtim, before.st_mtim));
    check("write moves ctime", later(after.st_ctim, before.st_ctim));
    before = after;
    pause_ms(30);
    chmod("m", 0600);
    after = of("m");
    check("chmod moves ctime", later(after.st_ctim, before.st_ctim));
    check("chmod leaves mtime", same(after.st_mtim, before.st_mtim));
    before = after;
    pause_ms(30);
    link("m", "m2");
    check("link moves ctime", later(of("m").st_ctim, before.st_ctim));
    before = of("m");
    ftruncate(fd, 3);
    pause_ms(30);
    ftruncate(fd, 2);
    check("ftruncate moves mtime", later(of("m").st_mtim, before.st_mtim));
    put("d/new", "");
    check("a new name moves the directory's mtime", later(of("d").st_mtim, directory.st_mtim));
    directory = of("d");
    pause_ms(30);
    unlink("d/new");
    check("a removed name moves it too", later(of("d").st_mtim, directory.st_mtim));
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    put("n", "");
    check("times are the clock's", labs(of("n").st_mtime - now.tv_sec) <= 1);
    check("atime, mtime and ctime of a new file agree",
          same(of("n").st_mtim, of("n").st_ctim) || later(of("n").st_mtim, of("n").st_atim));
    before = of("n");
    pause_ms(30);
    write(open("n", O_WRONLY), "", 0);
    check("writing nothing leaves mtime", same(of("n").st_mtim, before.st_mtim));
}

int main(void) {
    enter("times");
    setting();
    moving();
}
