// Directories: making, removing, renaming, listing, working and root directory.
#include "tests/guest/cases/case.h"

#include <dirent.h>
#include <linux/fs.h>

struct linux_dirent64 {
    uint64_t ino;
    int64_t off;
    uint16_t reclen;
    uint8_t type;
    char name[];
};
struct linux_dirent {
    unsigned long ino;
    unsigned long off;
    uint16_t reclen;
    char name[];
};

static int by_name(const void* a, const void* b) { return strcmp(a, b); }

// Prints a directory's names, sorted, with their types; `old` uses the old record.
static void list(const char* what, const char* path, int old, size_t size) {
    char names[64][40];
    int count = 0;
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    char* records = malloc(size);
    for (;;) {
        long n = old ? SYS(getdents, fd, records, size) : SYS(getdents64, fd, records, size);
        if (n < 0) show(what, n);
        if (n <= 0) break;
        for (long at = 0; at < n && count < 64;) {
            struct linux_dirent64* d64 = (void*)(records + at);
            struct linux_dirent* d = (void*)(records + at);
            uint16_t length = old ? d->reclen : d64->reclen;
            int type = old ? records[at + length - 1] : d64->type;
            snprintf(names[count++], sizeof names[0], "%s/%d", old ? d->name : d64->name, type);
            if (length % 8) say("%s: record length is not a multiple of 8\n", what);
            at += length;
        }
    }
    qsort(names, (size_t)count, sizeof names[0], by_name);
    say("%s:", what);
    for (int i = 0; i < count; i++) say(" %s", names[i]);
    say("\n");
    free(records);
    close(fd);
}

static void making(void) {
    show("mkdir", SYS(mkdir, "a", 0755));
    show("mkdir again", SYS(mkdir, "a", 0755));
    show("mkdir below missing", SYS(mkdir, "x/y", 0755));
    show("mkdir trailing slash", SYS(mkdir, "b/", 0755));
    show("mkdirat", SYS(mkdirat, AT_FDCWD, "a/c", 0700));
    put("a/f", "f");
    show("mkdir over file", SYS(mkdir, "a/f", 0755));
    show("mkdir below file", SYS(mkdir, "a/f/g", 0755));
    show("mkdir root", SYS(mkdir, "/", 0755));
    show("mkdir empty", SYS(mkdir, "", 0755));
    struct stat st;
    stat("a", &st);
    show("links", (long)st.st_nlink);
    say("mode: %o\n", st.st_mode);
    show("rmdir not empty", SYS(rmdir, "a"));
    show("rmdir file", SYS(rmdir, "a/f"));
    show("rmdir dot", SYS(rmdir, "."));
    show("rmdir dot dot", SYS(rmdir, "a/.."));
    show("rmdir missing", SYS(rmdir, "missing"));
    show("unlink directory", SYS(unlink, "b"));
    show("unlinkat directory", SYS(unlinkat, AT_FDCWD, "b", 0));
    show("unlinkat removes directory", SYS(unlinkat, AT_FDCWD, "b", AT_REMOVEDIR));
    show("unlinkat file as directory", SYS(unlinkat, AT_FDCWD, "a/f", AT_REMOVEDIR));
    show("unlinkat bad flags", SYS(unlinkat, AT_FDCWD, "a/f", 1));
    show("rmdir", SYS(rmdir, "a/c"));
    stat("a", &st);
    show("links", (long)st.st_nlink);
}

static void listing(void) {
    mkdir("list", 0755);
    put("list/file", "");
    mkdir("list/dir", 0755);
    symlink("file", "list/link");
    mkfifo("list/fifo", 0644);
    mknod("list/null", S_IFCHR | 0666, 0x103);
    put("list/a name of some length", "");
    list("getdents64", "list", 0, 4096);
    list("getdents64 small buffer", "list", 0, 64);
    list("getdents", "list", 1, 4096);
    int fd = open("list", O_RDONLY);
    char records[4096];
    show("getdents64 too small", SYS(getdents64, fd, records, 8L));
    show("getdents64 of file", SYS(getdents64, open("list/file", O_RDONLY), records, 4096L));
    show("getdents64 bad descriptor", SYS(getdents64, 77, records, 4096L));
    check("first pass", SYS(getdents64, fd, records, 4096L) > 0);
    show("second pass", SYS(getdents64, fd, records, 4096L));
    show("rewind", SYS(lseek, fd, 0L, SEEK_SET));
    check("third pass", SYS(getdents64, fd, records, 4096L) > 0);
    put("list/new", "");
    unlink("list/file");
    lseek(fd, 0, SEEK_SET);
    list("after a change", "list", 0, 4096);
    mkdir("gone", 0755);
    int gone = open("gone", O_RDONLY);
    rmdir("gone");
    show("getdents64 of removed", SYS(getdents64, gone, records, 4096L));
    show("create in removed", SYS(openat, gone, "x", O_CREAT | O_WRONLY, 0644));
    // Enough entries for several calls; each name exactly once.
    mkdir("many", 0755);
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof name, "many/%d", i);
        close(open(name, O_CREAT | O_WRONLY, 0644));
    }
    DIR* dir = opendir("many");
    int count = 0;
    long sum = 0;
    for (struct dirent* e; (e = readdir(dir));) {
        count++;
        sum += atoi(e->d_name);
    }
    show("entries", count);
    show("their sum", sum);
    rewinddir(dir);
    for (struct dirent* e; (e = readdir(dir));)
        if (e->d_name[0] != '.') unlinkat(dirfd(dir), e->d_name, 0);
    show("all removed while listing", SYS(rmdir, "many"));
}

static void renaming(void) {
    mkdir("r", 0755);
    chdir("r");
    put("f", "1");
    put("g", "2");
    mkdir("d", 0755);
    mkdir("e", 0755);
    put("e/x", "x");
    show("rename", SYS(rename, "f", "h"));
    show("rename missing", SYS(rename, "f", "h"));
    show("rename over file", SYS(rename, "h", "g"));
    get("content", "g");
    show("rename to itself", SYS(rename, "g", "g"));
    show("rename file over directory", SYS(rename, "g", "d"));
    show("rename directory over file", SYS(rename, "d", "g"));
    show("rename directory over full directory", SYS(rename, "d", "e"));
    show("rename directory over empty directory", SYS(rename, "e", "d"));
    show("rename into itself", SYS(rename, "d", "d/sub"));
    show("rename over parent", SYS(rename, "d/x", "d"));
    show("rename dot", SYS(rename, ".", "x"));
    show("rename file with slash", SYS(rename, "g", "new/"));
    show("rename directory with slash", SYS(rename, "d", "dd/"));
    link("g", "g2");
    show("rename onto own link", SYS(rename, "g", "g2"));
    check("both names stay", access("g", F_OK) == 0 && access("g2", F_OK) == 0);
    show("renameat", SYS(renameat, AT_FDCWD, "g2", open("dd", O_PATH), "moved"));
    get("moved", "dd/moved");
    show("renameat2 no replace", SYS(renameat2, AT_FDCWD, "g", AT_FDCWD, "dd/moved", RENAME_NOREPLACE));
    put("p", "P");
    show("renameat2 exchange", SYS(renameat2, AT_FDCWD, "g", AT_FDCWD, "p", RENAME_EXCHANGE));
    get("exchanged", "g");
    show("renameat2 bad flags", SYS(renameat2, AT_FDCWD, "g", AT_FDCWD, "p", 1u << 10));
    show("renameat2 both", SYS(renameat2, AT_FDCWD, "g", AT_FDCWD, "p", RENAME_NOREPLACE | RENAME_EXCHANGE));
    symlink("nowhere", "s");
    show("rename of dangling link", SYS(rename, "s", "t"));
    int fd = open("p", O_RDONLY);
    rename("g", "p");
    char c = 0;
    read(fd, &c, 1);
    say("descriptor follows the replaced file: %c\n", c);
    chdir("..");
}

static void jailed(void) {
    mkdir("jail", 0755);
    put("jail/inside", "x");
    show("chroot", SYS(chroot, "jail"));
    show("chdir", SYS(chdir, "/"));
    show("inside", SYS(access, "/inside", F_OK));
    show("outside", SYS(access, "/tmp", F_OK));
    show("dot dot stays", SYS(access, "/../inside", F_OK));
    char path[64];
    show("getcwd", SYS(getcwd, path, sizeof path));
    say("cwd: %s\n", path);
}

static void working(void) {
    char path[4096];
    show("getcwd", SYS(getcwd, path, sizeof path));
    say("cwd: %s\n", path);
    show("getcwd small", SYS(getcwd, path, 4L));
    show("chdir", SYS(chdir, "list/dir"));
    getcwd(path, sizeof path);
    say("cwd: %s\n", path);
    show("chdir up", SYS(chdir, "../../.."));
    show("chdir missing", SYS(chdir, "missing"));
    show("chdir file", SYS(chdir, "dirs/a/f"));
    int fd = open("dirs/list", O_RDONLY);
    show("fchdir", SYS(fchdir, fd));
    getcwd(path, sizeof path);
    say("cwd: %s\n", path);
    show("fchdir file", SYS(fchdir, open("/tmp/dirs/a/f", O_RDONLY)));
    show("fchdir bad", SYS(fchdir, 77));
    show("above the root", SYS(chdir, "/../../tmp/dirs"));
    mkdir("lost", 0755);
    chdir("lost");
    rmdir("../lost");
    show("getcwd of removed", SYS(getcwd, path, sizeof path));
    show("open in removed", SYS(open, "x", O_CREAT | O_WRONLY, 0644));
    chdir("/tmp/dirs");
    mkdir("before", 0755);
    chdir("before");
    rename("../before", "../after");
    getcwd(path, sizeof path);
    say("cwd follows rename: %s\n", path);
    chdir("..");
    show("chroot missing", SYS(chroot, "missing"));
    show("chroot file", SYS(chroot, "a/f"));
    in_child("jail", jailed);
}

int main(void) {
    enter("dirs");
    making();
    listing();
    renaming();
    working();
}
