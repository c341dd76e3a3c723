// Hard and symbolic links.
#include "tests/guest/cases/case.h"

static long links(const char* path) {
    struct stat st;
    return lstat(path, &st) < 0 ? -errno : (long)st.st_nlink;
}

static void hard(void) {
    put("f", "data");
    show("link", SYS(link, "f", "g"));
    show("links", links("f"));
    show("link over", SYS(link, "f", "g"));
    show("link missing", SYS(link, "missing", "h"));
    show("link directory", SYS(link, ".", "h"));
    show("link below missing", SYS(link, "f", "x/h"));
    show("unlink", SYS(unlink, "f"));
    show("links", links("g"));
    get("content stays", "g");
    show("unlink again", SYS(unlink, "f"));
    show("linkat", SYS(linkat, AT_FDCWD, "g", AT_FDCWD, "h", 0));
    symlink("g", "s");
    show("link of symlink", SYS(link, "s", "s2"));
    struct stat st;
    lstat("s2", &st);
    check("is a symlink", S_ISLNK(st.st_mode));
    show("linkat following", SYS(linkat, AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
    lstat("s3", &st);
    check("is a file", S_ISREG(st.st_mode));
    show("linkat bad flags", SYS(linkat, AT_FDCWD, "g", AT_FDCWD, "k", 1));
    int fd = open(".", O_TMPFILE | O_RDWR, 0600);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    show("linkat of a nameless file", SYS(linkat, AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    show("links", links("named"));
    fd = open("g", O_RDONLY);
    show("linkat empty path", SYS(linkat, fd, "", AT_FDCWD, "by-fd", AT_EMPTY_PATH));
}

static void symbolic(void) {
    char target[64];
    show("symlink", SYS(symlink, "target", "l"));
    show("symlink over", SYS(symlink, "other", "l"));
    show("symlink empty", SYS(symlink, "", "m"));
    show("symlinkat", SYS(symlinkat, "/abs/target", AT_FDCWD, "m"));
    show("readlink", SYS(readlink, "l", target, sizeof target));
    say("target: %.6s\n", target);
    show("readlink short", SYS(readlink, "l", target, 3));
    show("readlink zero", SYS(readlink, "l", target, 0));
    show("readlink of file", SYS(readlink, "g", target, sizeof target));
    show("readlink missing", SYS(readlink, "missing", target, sizeof target));
    show("readlinkat", SYS(readlinkat, AT_FDCWD, "m", target, sizeof target));
    int fd = open("l", O_PATH | O_NOFOLLOW);
    show("readlinkat empty path", SYS(readlinkat, fd, "", target, sizeof target));
    struct stat st;
    lstat("l", &st);
    say("mode: %o size: %ld\n", st.st_mode, (long)st.st_size);
    show("open dangling", SYS(open, "l", O_RDONLY, 0));
    show("create through dangling", SYS(open, "l", O_WRONLY | O_CREAT, 0644) > 0);
    show("target now exists", SYS(access, "target", F_OK));
    show("exclusive create over dangling", SYS(open, "m", O_WRONLY | O_CREAT | O_EXCL, 0644));
    symlink("loop2", "loop1");
    symlink("loop1", "loop2");
    show("loop", SYS(open, "loop1", O_RDONLY, 0));
    show("lstat of loop", SYS(lstat, "loop1", &st));
    symlink("self", "self");
    show("self", SYS(stat, "self", &st));
    mkdir("d", 0755);
    put("d/inner", "inner");
    symlink("d", "to-d");
    get("through directory link", "to-d/inner");
    show("lstat with slash follows", SYS(lstat, "to-d/", &st));
    check("is a directory", S_ISDIR(st.st_mode));
    show("rmdir of link", SYS(rmdir, "to-d"));
    show("unlink with slash", SYS(unlink, "to-d/"));
    show("unlink", SYS(unlink, "to-d"));
    // 40 links may follow each other (path_resolution(7)); the 41st is too many.
    char name[16], next[16];
    put("c0", "chain");
    for (int i = 1; i <= 41; i++) {
        snprintf(name, sizeof name, "c%d", i);
        snprintf(next, sizeof next, "c%d", i - 1);
        symlink(next, name);
    }
    get("chain of 40", "c40");
    get("chain of 41", "c41");
    symlink("..", "d/up");
    get("up through a link", "d/up/d/up/c0");
    symlink("/tmp/links/./d/../c0", "around");
    get("absolute with dots", "around");
}

int main(void) {
    enter("links");
    hard();
    symbolic();
}
