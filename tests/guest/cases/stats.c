// File status: stat and its kin, statx, statfs.
#include "tests/guest/cases/case.h"

#include <sys/statfs.h>

static void print(const char* what, const struct stat* st) {
    say("%s: mode %o links %ld uid %u gid %u size %ld\n", what, st->st_mode, (long)st->st_nlink, st->st_uid,
        st->st_gid, (long)st->st_size);
}

static void one(const char* what, const char* path) {
    struct stat st;
    memset(&st, 0x55, sizeof st);
    long result = SYS(lstat, path, &st);
    if (result < 0) return show(what, result);
    if (S_ISDIR(st.st_mode)) st.st_size = 0;  // a file system's own affair
    print(what, &st);
}

int main(void) {
    enter("stats");
    struct stat a, b, c;
    put("f", "twelve bytes");
    chmod("f", 0604);
    mkdir("d", 0755);
    symlink("f", "l");
    link("f", "g");
    one("file", "f");
    one("directory", "d");
    one("link", "l");
    one("null", "/dev/null");
    one("missing", "missing");
    one("below file", "f/x");
    show("stat follows", SYS(stat, "l", &a));
    print("followed", &a);
    int fd = open("g", O_RDONLY);
    show("fstat", SYS(fstat, fd, &b));
    check("same inode by path and descriptor", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
    show("newfstatat", SYS(newfstatat, AT_FDCWD, "d", &c, 0));
    check("another inode, same device", c.st_ino != a.st_ino && c.st_dev == a.st_dev);
    show("newfstatat nofollow", SYS(newfstatat, AT_FDCWD, "l", &c, AT_SYMLINK_NOFOLLOW));
    check("is a link", S_ISLNK(c.st_mode));
    show("newfstatat empty path", SYS(newfstatat, fd, "", &c, AT_EMPTY_PATH));
    check("same inode", c.st_ino == a.st_ino);
    show("newfstatat empty path without flag", SYS(newfstatat, fd, "", &c, 0));
    show("newfstatat bad flags", SYS(newfstatat, AT_FDCWD, "f", &c, 1));
    show("fstat bad descriptor", SYS(fstat, 77, &c));
    show("block size is a power of two", a.st_blksize >= 512 && (a.st_blksize & (a.st_blksize - 1)) == 0);
    int big = open("big", O_RDWR | O_CREAT, 0644);
    ftruncate(big, 1 << 20);
    fstat(big, &a);
    check("a hole takes no blocks", a.st_blocks < 64);
    char page[4096] = "x";
    pwrite(big, page, sizeof page, 0);
    fstat(big, &b);
    check("a page takes eight sectors", b.st_blocks - a.st_blocks == 8);
    int p[2];
    pipe(p);
    fstat(p[0], &a);
    check("a pipe is a fifo", S_ISFIFO(a.st_mode));
    fstat(p[1], &b);
    check("both ends are one", a.st_ino == b.st_ino);

    struct statx x;
    memset(&x, 0x55, sizeof x);
    show("statx", SYS(statx, AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
    say("statx: mode %o links %u size %llu\n", x.stx_mode, x.stx_nlink, (unsigned long long)x.stx_size);
    check("statx fills the basics", (x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
    check("statx agrees", x.stx_ino == c.st_ino && x.stx_mtime.tv_sec == c.st_mtime);
    show("statx empty path", SYS(statx, fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
    show("statx bad flags", SYS(statx, AT_FDCWD, "f", 1, STATX_SIZE, &x));
    show("statx reserved mask", SYS(statx, AT_FDCWD, "f", 0, 0x80000000u, &x));
    show("statx missing", SYS(statx, AT_FDCWD, "missing", 0, STATX_SIZE, &x));

    struct statfs fs;
    show("statfs", SYS(statfs, "/tmp", &fs));
    check("has a block size", fs.f_bsize >= 512);
    show("longest name", fs.f_namelen);
    check("free is not above all", fs.f_bfree <= fs.f_blocks && fs.f_bavail <= fs.f_bfree);
    show("statfs of proc", SYS(statfs, "/proc", &fs));
    say("type of proc: %lx\n", (long)fs.f_type);
    show("statfs missing", SYS(statfs, "missing", &fs));
    show("fstatfs", SYS(fstatfs, fd, &fs));
    show("fstatfs bad", SYS(fstatfs, 77, &fs));
}
