// Paths that lead nowhere: every call that takes one, below what is no directory, below what is missing,
// through links in a circle, with names that are too long, through a directory one may not search, from
// nowhere in memory, from a descriptor that is not open and from one that is no directory.
#include "tests/guest/cases/case.h"

#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

typedef long Call(int at, const char* path);
struct PathCall {
    const char* name;
    Call* call;
    int by_descriptor;  // takes a directory's descriptor too
};

static char text[4096];
static struct stat facts;
static const struct timespec times[2];
#define CALL(name, ...) \
    static long do_##name(int at, const char* path) { return (void)at, (void)path, SYS(name, __VA_ARGS__); }
CALL(open, path, O_RDONLY, 0)
CALL(creat, path, 0644)
CALL(stat, path, &facts)
CALL(lstat, path, &facts)
CALL(access, path, R_OK)
CALL(truncate, path, 0L)
CALL(chdir, path)
CALL(mkdir, path, 0755)
CALL(rmdir, path)
CALL(unlink, path)
CALL(readlink, path, text, sizeof text)
CALL(chmod, path, 0644)
CALL(chown, path, -1, -1)
CALL(lchown, path, -1, -1)
CALL(utime, path, 0L)
CALL(utimes, path, 0L)
CALL(mknod, path, S_IFIFO | 0644, 0)
CALL(statfs, path, (struct statfs*)text)
CALL(chroot, path)
CALL(getxattr, path, "user.x", text, sizeof text)
CALL(lgetxattr, path, "user.x", text, sizeof text)
CALL(setxattr, path, "user.x", "1", 1L, 0)
CALL(lsetxattr, path, "user.x", "1", 1L, 0)
CALL(listxattr, path, text, sizeof text)
CALL(llistxattr, path, text, sizeof text)
CALL(removexattr, path, "user.x")
CALL(lremovexattr, path, "user.x")
CALL(execve, path, (char*[]){"x", 0}, (char*[]){0})
CALL(symlink, "target", path)
CALL(link, path, "new")
CALL(rename, path, "new")
CALL(inotify_add_watch, at, path, IN_MODIFY)
CALL(umount2, path, 0)
CALL(openat, at, path, O_RDONLY, 0)
CALL(openat2, at, path, (uint64_t[3]){O_RDONLY}, 24L)
CALL(newfstatat, at, path, &facts, 0)
CALL(statx, at, path, 0, 0, text)
CALL(faccessat, at, path, R_OK)
CALL(faccessat2, at, path, R_OK, 0)
CALL(fchmodat, at, path, 0644)
CALL(fchmodat2, at, path, 0644, 0)
CALL(fchownat, at, path, -1, -1, 0)
CALL(mkdirat, at, path, 0755)
CALL(mknodat, at, path, S_IFIFO | 0644, 0)
CALL(readlinkat, at, path, text, sizeof text)
CALL(unlinkat, at, path, 0)
CALL(symlinkat, "target", at, path)
CALL(linkat, at, path, AT_FDCWD, "new", 0)
CALL(renameat, at, path, AT_FDCWD, "new")
CALL(renameat2, at, path, AT_FDCWD, "new", 0)
CALL(utimensat, at, path, times, 0)
CALL(futimesat, at, path, 0L)
CALL(execveat, at, path, (char*[]){"x", 0}, (char*[]){0}, 0)
CALL(name_to_handle_at, at, path, text, &text[2048], 0)

#define PLAIN(name) \
    { #name, do_##name, 0 }
#define AT(name) \
    { #name, do_##name, 1 }
static const struct PathCall calls[] = {
    PLAIN(open),       PLAIN(creat),       PLAIN(stat),
    PLAIN(lstat),      PLAIN(access),      PLAIN(truncate),
    PLAIN(chdir),      PLAIN(mkdir),       PLAIN(rmdir),
    PLAIN(unlink),     PLAIN(readlink),    PLAIN(chmod),
    PLAIN(chown),      PLAIN(lchown),      PLAIN(utime),
    PLAIN(utimes),     PLAIN(mknod),       PLAIN(statfs),
    PLAIN(chroot),     PLAIN(getxattr),    PLAIN(lgetxattr),
    PLAIN(setxattr),   PLAIN(lsetxattr),   PLAIN(listxattr),
    PLAIN(llistxattr), PLAIN(removexattr), PLAIN(lremovexattr),
    PLAIN(execve),     PLAIN(symlink),     PLAIN(link),
    PLAIN(rename),     PLAIN(umount2),     PLAIN(inotify_add_watch),
    AT(openat),        AT(openat2),        AT(newfstatat),
    AT(statx),         AT(faccessat),      AT(faccessat2),
    AT(fchmodat),      AT(fchmodat2),      AT(fchownat),
    AT(mkdirat),       AT(mknodat),        AT(readlinkat),
    AT(unlinkat),      AT(symlinkat),      AT(linkat),
    AT(renameat),      AT(renameat2),      AT(utimensat),
    AT(futimesat),     AT(execveat),       AT(name_to_handle_at),
};
enum { kCalls = sizeof calls / sizeof *calls };

static void each(const char* what, int at, const char* path, int at_calls_only) {
    say("== %s\n", what);
    for (int i = 0; i < kCalls; i++) {
        if (at_calls_only && !calls[i].by_descriptor) continue;
        memset(text, 0x7f, sizeof text);  // no size of a handle
        int watch = calls[i].call == do_inotify_add_watch ? inotify_init1(0) : -1;
        show(calls[i].name, calls[i].call(watch >= 0 ? watch : at, path));
        if (watch >= 0) close(watch);
    }
}

static void as_a_user(void) {
    if (setresuid(1000, 1000, 1000) < 0) _exit(9);
    each("behind a closed door", AT_FDCWD, "private/f", 0);
    each("of the owner alone", AT_FDCWD, "mine", 0);
}

int main(void) {
    enter("paths");
    put("file", "");
    put("mine", "");
    chmod("mine", 0600);
    mkdir("private", 0700);
    put("private/f", "");
    symlink("loop", "loop");
    chmod(".", 0755);
    char name[300], path[5000];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = 0;
    memset(path, '/', sizeof path);
    path[sizeof path - 1] = 0;
    int file = open("file", O_RDONLY);
    each("below a file", AT_FDCWD, "file/x", 0);
    each("below nothing", AT_FDCWD, "missing/x", 0);
    each("nothing", AT_FDCWD, "", 0);
    each("through a circle", AT_FDCWD, "loop/x", 0);
    each("a long name", AT_FDCWD, name, 0);
    each("a long path", AT_FDCWD, path, 0);
    each("nowhere", AT_FDCWD, (char*)8, 0);
    each("from no descriptor", 77, "x", 1);
    each("from a file", file, "x", 1);
    in_child("a user", as_a_user);
}
