// Permissions: modes, owners, access checks of root and of a plain user, special files, umask.
#include "tests/guest/cases/case.h"

#include <sys/sysmacros.h>

static void mode_of(const char* what, const char* path) {
    struct stat st;
    if (lstat(path, &st) < 0)
        show(what, -errno);
    else
        say("%s: %o %u:%u\n", what, st.st_mode, st.st_uid, st.st_gid);
}

static void changing(void) {
    put("f", "x");
    show("chmod", SYS(chmod, "f", 04751));
    mode_of("f", "f");
    show("chmod extra bits", SYS(chmod, "f", 0170644));
    mode_of("f", "f");
    int fd = open("f", O_RDONLY);
    show("fchmod", SYS(fchmod, fd, 0600));
    show("fchmodat", SYS(fchmodat, AT_FDCWD, "f", 0640));
    mode_of("f", "f");
    show("chmod missing", SYS(chmod, "missing", 0600));
    symlink("f", "l");
    show("chmod follows", SYS(chmod, "l", 0604));
    mode_of("f", "f");
    show("chown", SYS(chown, "f", 1, 2));
    mode_of("f", "f");
    show("chown keeps uid", SYS(chown, "f", -1, 3));
    mode_of("f", "f");
    show("fchown", SYS(fchown, fd, 4, -1));
    show("lchown", SYS(lchown, "l", 5, 6));
    mode_of("l", "l");
    mode_of("f", "f");
    show("fchownat nofollow", SYS(fchownat, AT_FDCWD, "l", 7, 8, AT_SYMLINK_NOFOLLOW));
    mode_of("l", "l");
    show("fchownat empty path", SYS(fchownat, fd, "", 9, 9, AT_EMPTY_PATH));
    mode_of("f", "f");
    show("fchownat bad flags", SYS(fchownat, AT_FDCWD, "f", 0, 0, 1));
    chmod("f", 06755);
    chown("f", 0, 0);
    mode_of("chown clears setuid", "f");
    chmod("f", 04755);
    int w = open("f", O_WRONLY);
    write(w, "y", 1);
    mode_of("write by root keeps setuid", "f");
}

static void masks(void) {
    show("umask", SYS(umask, 0027));
    show("umask", SYS(umask, 07777));
    show("umask keeps nine bits", SYS(umask, 0027));
    close(SYS(open, "masked", O_CREAT | O_WRONLY, 0666));
    mode_of("masked", "masked");
    mkdir("masked-dir", 0777);
    mode_of("masked-dir", "masked-dir");
    mknod("masked-fifo", S_IFIFO | 0666, 0);
    mode_of("masked-fifo", "masked-fifo");
    umask(022);
}

static void nodes(void) {
    struct stat st;
    show("mknod fifo", SYS(mknod, "fifo", S_IFIFO | 0644, 0L));
    show("mknod char", SYS(mknod, "char", S_IFCHR | 0666, makedev(1, 3)));
    show("mknodat block", SYS(mknodat, AT_FDCWD, "block", S_IFBLK | 0600, makedev(7, 300)));
    show("mknod regular", SYS(mknod, "regular", S_IFREG | 0644, 0L));
    show("mknod no type", SYS(mknod, "plain", 0644, 0L));
    show("mknod directory", SYS(mknod, "dir", S_IFDIR | 0755, 0L));
    show("mknod socket", SYS(mknod, "socket", S_IFSOCK | 0644, 0L));
    show("mknod over", SYS(mknod, "fifo", S_IFIFO | 0644, 0L));
    mode_of("fifo", "fifo");
    mode_of("plain", "plain");
    stat("block", &st);
    say("block: %u,%u\n", major(st.st_rdev), minor(st.st_rdev));
    int fd = open("char", O_RDWR);
    show("a node of null is null", write(fd, "x", 1));
    mknod("nobody", S_IFCHR | 0666, makedev(300, 1));
    show("open of a device that is not there", SYS(open, "nobody", O_RDONLY, 0));
    show("open socket", SYS(open, "socket", O_RDONLY, 0));
}

static void prepare_user(void) {
    mkdir("closed", 0700);
    put("closed/f", "x");
    mkdir("open", 0777);
    chmod("open", 0777);
    mkdir("sticky", 0777);
    chmod("sticky", 01777);
    put("sticky/roots", "x");
    put("secret", "x");
    chmod("secret", 0600);
    put("group", "x");
    chown("group", 0, 1000);
    chmod("group", 0640);
    put("owned", "x");
    chown("owned", 1000, 1000);
    chmod("owned", 0000);
    put("readonly", "x");
    mkdir("setgid", 0777);
    chown("setgid", 0, 50);
    chmod("setgid", 02777);
}

static void as_user(void) {
    show("setresgid", SYS(setresgid, 1000, 1000, 1000));
    show("setgroups", SYS(setgroups, 0L, 0L));
    show("setresuid", SYS(setresuid, 1000, 1000, 1000));
    show("setuid back", SYS(setuid, 0));
    show("read secret", SYS(open, "secret", O_RDONLY, 0));
    show("read by group", SYS(open, "group", O_RDONLY, 0) > 0);
    show("write by group", SYS(open, "group", O_WRONLY, 0));
    show("read own without permission", SYS(open, "owned", O_RDONLY, 0));
    show("read for all", SYS(open, "readonly", O_RDONLY, 0) > 0);
    show("write readonly", SYS(open, "readonly", O_WRONLY, 0));
    show("truncate readonly", SYS(truncate, "readonly", 0L));
    show("through closed directory", SYS(open, "closed/f", O_RDONLY, 0));
    show("list closed directory", SYS(open, "closed", O_RDONLY, 0));
    show("chdir closed", SYS(chdir, "closed"));
    show("create here", SYS(open, "new", O_CREAT | O_WRONLY, 0644));
    show("create in open", SYS(open, "open/new", O_CREAT | O_WRONLY, 0644) > 0);
    mode_of("owner", "open/new");
    show("create in setgid directory", SYS(open, "setgid/new", O_CREAT | O_WRONLY, 0644) > 0);
    mode_of("group", "setgid/new");
    mkdir("setgid/sub", 0755);
    mode_of("setgid is inherited", "setgid/sub");
    show("unlink other's in sticky", SYS(unlink, "sticky/roots"));
    show("rename other's in sticky", SYS(rename, "sticky/roots", "sticky/mine"));
    show("unlink here", SYS(unlink, "readonly"));
    show("chmod other's", SYS(chmod, "readonly", 0777));
    show("chmod own", SYS(chmod, "owned", 0640));
    show("chown own to other", SYS(chown, "owned", 0, -1));
    show("chgrp own to own group", SYS(chown, "owned", -1, 1000));
    show("chgrp own to other group", SYS(chown, "owned", -1, 50));
    show("access secret", SYS(access, "secret", R_OK));
    show("access exists", SYS(access, "secret", F_OK));
    show("access write", SYS(access, "readonly", W_OK));
    show("access execute", SYS(access, "readonly", X_OK));
    show("access own", SYS(access, "owned", R_OK | W_OK));
    show("mknod device", SYS(mknod, "open/null", S_IFCHR | 0666, makedev(1, 3)));
    show("mknod fifo", SYS(mknod, "open/fifo", S_IFIFO | 0666, 0L));
    show("chroot", SYS(chroot, "open"));
    show("sethostname", SYS(sethostname, "x", 1L));
    show("kill root's process", SYS(kill, getppid(), 0));
    show("utimes now on writable", SYS(utimensat, AT_FDCWD, "owned", 0L, 0));
    show("utimes on other's", SYS(utimensat, AT_FDCWD, "readonly", 0L, 0));
    show("mount", SYS(mount, "none", "/tmp", "tmpfs", 0L, 0L));
}

static void effective(void) {
    show("setresuid effective only", SYS(setresuid, 0, 1000, 0));
    show("access asks the real user", SYS(access, "secret", R_OK));
    show("faccessat2 asks the effective user", SYS(faccessat2, AT_FDCWD, "secret", R_OK, AT_EACCESS));
    show("open asks the effective user", SYS(open, "secret", O_RDONLY, 0));
    show("setresuid back", SYS(setresuid, 0, 0, 0));
    show("open again", SYS(open, "secret", O_RDONLY, 0) > 0);
}

int main(void) {
    enter("perms");
    changing();
    masks();
    nodes();
    prepare_user();
    show("root reads all", SYS(open, "owned", O_RDWR, 0) > 0);
    show("root may not execute", SYS(access, "owned", X_OK));
    show("access bad mode", SYS(access, "owned", 8));
    show("faccessat", SYS(faccessat, AT_FDCWD, "missing", F_OK));
    show("faccessat2 bad flags", SYS(faccessat2, AT_FDCWD, "f", F_OK, 1));
    show("faccessat2 nofollow", SYS(faccessat2, AT_FDCWD, "l", F_OK, AT_SYMLINK_NOFOLLOW));
    in_child("user", as_user);
    in_child("effective", effective);
}
