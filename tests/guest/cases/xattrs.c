// Extended attributes: files have none, and attributes of a class that no file system knows have their
// errors.
#include "tests/guest/cases/case.h"

#include <sys/xattr.h>

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
}
