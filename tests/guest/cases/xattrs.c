// Extended attributes: values, lists, flags, rights, and the errors of attributes of a class that nobody
// knows.
#include "tests/guest/cases/case.h"

#include <sys/xattr.h>

static int by_name(const void* a, const void* b) { return strcmp(*(char* const*)a, *(char* const*)b); }

// Prints the names that the calls so far gave `path`, sorted.
static void names(const char* path) {
    char list[1000], *sorted[20];
    int count = 0;
    long size = SYS(llistxattr, path, list, sizeof list);
    for (char* at = list; at < list + size && count < 20; at += strlen(at) + 1) sorted[count++] = at;
    qsort(sorted, (size_t)count, sizeof sorted[0], by_name);
    say("names of %s (%ld):", path, size);
    for (int i = 0; i < count; i++) say(" %s", sorted[i]);
    say("\n");
}

static void values(void) {
    static char big[65536], back[65536];
    put("valued", "x");
    show("set", SYS(setxattr, "valued", "user.one", "1", 1L, 0));
    show("set again", SYS(setxattr, "valued", "user.one", "first", 5L, 0));
    show("create what is there", SYS(setxattr, "valued", "user.one", "2", 1L, XATTR_CREATE));
    show("replace what is not", SYS(setxattr, "valued", "user.two", "2", 1L, XATTR_REPLACE));
    show("create", SYS(setxattr, "valued", "user.two", "", 0L, XATTR_CREATE));
    show("replace", SYS(setxattr, "valued", "user.two", "second", 6L, XATTR_REPLACE));
    show("trusted", SYS(setxattr, "valued", "trusted.three", "3", 1L, 0));
    show("security", SYS(setxattr, "valued", "security.four", "4", 1L, 0));
    names("valued");
    show("size", SYS(getxattr, "valued", "user.one", 0L, 0L));
    memset(back, 0, sizeof back);
    show("get", SYS(getxattr, "valued", "user.one", back, 100L));
    say("value: %s\n", back);
    show("get, too small", SYS(getxattr, "valued", "user.one", back, 4L));
    show("get, bad pointer", SYS(getxattr, "valued", "user.one", 8L, 100L));
    show("get what is not", SYS(getxattr, "valued", "user.none", back, 100L));
    show("list, too small", SYS(listxattr, "valued", back, 4L));
    show("no name", SYS(setxattr, "valued", "user.", "1", 1L, 0));
    memset(big, 'b', sizeof big);
    show("the longest", SYS(setxattr, "valued", "trusted.big", big, 65536L, 0));
    show("its size", SYS(getxattr, "valued", "trusted.big", back, 65536L));
    show("its end", memcmp(big, back, sizeof big));
    show("remove", SYS(removexattr, "valued", "trusted.big"));
    show("remove again", SYS(removexattr, "valued", "trusted.big"));
    // They belong to the object, not to its name.
    link("valued", "other");
    rename("valued", "renamed");
    names("other");
    int fd = open("renamed", O_RDONLY);
    show("fset", SYS(fsetxattr, fd, "user.five", "5", 1L, 0));
    show("fremove", SYS(fremovexattr, fd, "user.one"));
    names("renamed");
    // Objects of other kinds have no attributes for users.
    symlink("renamed", "link");
    mkfifo("fifo", 0600);
    mkdir("directory", 0755);
    show("set on a link", SYS(lsetxattr, "link", "user.a", "1", 1L, 0));
    show("get of a link", SYS(lgetxattr, "link", "user.a", back, 1L));
    show("trusted on a link", SYS(lsetxattr, "link", "trusted.a", "1", 1L, 0));
    show("set on a fifo", SYS(setxattr, "fifo", "user.a", "1", 1L, 0));
    show("set on a directory", SYS(setxattr, "directory", "user.a", "1", 1L, 0));
    names("directory");
    // What capset(8) stores has a form.
    unsigned capability[6] = {0x02000001, 1u << 13};
    show("capability", SYS(setxattr, "renamed", "security.capability", capability, 20L, 0));
    show("its size", SYS(getxattr, "renamed", "security.capability", back, 100L));
    show("no capability", SYS(setxattr, "renamed", "security.capability", "none", 4L, 0));
}

// What other users may do.
static void rights(void) {
    char back[8];
    put("mine", "x");
    chmod("mine", 0644);
    SYS(setxattr, "mine", "user.a", "1", 1L, 0);
    SYS(setxattr, "mine", "trusted.a", "1", 1L, 0);
    chmod(".", 0755);
    setresgid(1000, 1000, 1000);
    setresuid(1000, 1000, 1000);
    show("get", SYS(getxattr, "mine", "user.a", back, 8L));
    show("set", SYS(setxattr, "mine", "user.a", "1", 1L, 0));
    show("remove", SYS(removexattr, "mine", "user.a"));
    show("get trusted", SYS(getxattr, "mine", "trusted.a", back, 8L));
    show("set trusted", SYS(setxattr, "mine", "trusted.a", "1", 1L, 0));
    show("set security", SYS(setxattr, "mine", "security.a", "1", 1L, 0));
    names("mine");
}

int main(void) {
    enter("xattrs");
    put("file", "x");
    symlink("nowhere", "dangling");
    int fd = open("file", O_RDWR), path = open("file", O_PATH);
    char list[64];
    show("list", SYS(listxattr, "file", list, 64L));
    show("list size", SYS(listxattr, "file", 0L, 0L));
    show("llist of a link", SYS(llistxattr, "dangling", list, 64L));
    show("flist", SYS(flistxattr, fd, list, 64L));
    show("list of nothing", SYS(listxattr, "none", list, 64L));
    show("list through a dangling link", SYS(listxattr, "dangling", list, 64L));
    show("list of a closed descriptor", SYS(flistxattr, 99, list, 64L));
    show("list of a path descriptor", SYS(flistxattr, path, list, 64L));
    show("get", SYS(getxattr, "file", "none.a", list, 64L));
    show("lget", SYS(lgetxattr, "file", "none.a", list, 64L));
    show("fget", SYS(fgetxattr, fd, "none.a", list, 64L));
    show("get of nothing", SYS(getxattr, "none", "none.a", list, 64L));
    show("get, empty name", SYS(getxattr, "file", "", list, 64L));
    show("get, bad name", SYS(getxattr, "file", 8L, list, 64L));
    show("fget of a closed descriptor", SYS(fgetxattr, 99, "none.a", list, 64L));
    show("set", SYS(setxattr, "file", "none.a", "1", 1L, 0));
    show("fset", SYS(fsetxattr, fd, "none.a", "1", 1L, 0));
    show("set, unknown flag", SYS(setxattr, "file", "none.a", "1", 1L, 8));
    show("set, too big", SYS(setxattr, "file", "none.a", "1", 65537L, 0));
    show("set on nothing", SYS(setxattr, "none", "none.a", "1", 1L, 0));
    show("fset on a closed descriptor", SYS(fsetxattr, 99, "none.a", "1", 1L, 0));
    show("remove", SYS(removexattr, "file", "none.a"));
    show("lremove on nothing", SYS(lremovexattr, "none", "none.a"));
    show("fremove", SYS(fremovexattr, fd, "none.a"));
    values();
    in_child("rights", rights);
}
