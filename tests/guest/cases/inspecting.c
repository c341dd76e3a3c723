// Looking into another process: its memory, its descriptors, what it shares.
#include "tests/guest/cases/case.h"

#include <linux/kcmp.h>
#include <sched.h>
#include <sys/uio.h>

static pid_t child;
static char* page;  // at the same address in the child, with another content

static long readv_from(char* to, size_t size, const void* from, size_t length) {
    struct iovec local = {to, size}, remote = {(void*)from, length};
    return SYS(process_vm_readv, child, &local, 1L, &remote, 1L, 0L);
}
static long writev_to(void* to, const char* from, size_t size) {
    struct iovec local = {(void*)from, size}, remote = {to, size};
    return SYS(process_vm_writev, child, &local, 1L, &remote, 1L, 0L);
}

static void memory(void) {
    char buffer[64] = "";
    show("read", readv_from(buffer, 6, page, 6));
    say("\"%s\", not \"%s\"\n", buffer, page);
    struct iovec local[2] = {{buffer, 3}, {buffer + 10, 50}},
                 remote[3] = {{page, 2}, {page + 2, 1}, {page + 3, 3}};
    memset(buffer, 0, sizeof buffer);
    show("several ranges", SYS(process_vm_readv, child, local, 2L, remote, 3L, 0L));
    say("\"%s\" \"%s\"\n", buffer, buffer + 10);
    show("write", writev_to(page + 8, "written", 8));
    memset(buffer, 0, sizeof buffer);
    readv_from(buffer, 8, page + 8, 8);
    say("\"%s\"\n", buffer);
    show("nothing", readv_from(buffer, 0, page, 0));
    show("no ranges", SYS(process_vm_readv, child, local, 0L, remote, 0L, 0L));
    show("read where nothing is", readv_from(buffer, 8, (void*)8, 8));
    show("read into nothing", readv_from((char*)8, 8, page, 8));
    show("write what is read-only", writev_to((void*)(uintptr_t) "constant", "x", 1));
    // The page behind is not there: what comes before it is read.
    remote[0] = (struct iovec){page + 4096 - 16, 16};
    remote[1] = (struct iovec){page + 4096, 16};
    local[0] = (struct iovec){buffer, 32};
    show("read up to the end", SYS(process_vm_readv, child, local, 1L, remote, 2L, 0L));
    show("flags", SYS(process_vm_readv, child, local, 1L, remote, 1L, 1L));
    show("too many local", SYS(process_vm_readv, child, local, 1025L, remote, 1L, 0L));
    show("too many remote", SYS(process_vm_readv, child, local, 1L, remote, 1025L, 0L));
    show("bad local array", SYS(process_vm_readv, child, 8L, 1L, remote, 1L, 0L));
    show("bad remote array", SYS(process_vm_readv, child, local, 1L, 8L, 1L, 0L));
    remote[0].iov_len = (size_t)-1;
    show("a negative length", SYS(process_vm_readv, child, local, 1L, remote, 1L, 0L));
    remote[0].iov_len = 4;
    show("of nobody", SYS(process_vm_readv, 999999, local, 1L, remote, 1L, 0L));
    show("of oneself", SYS(process_vm_readv, getpid(), local, 1L, remote, 1L, 0L));
}

static void descriptors(void) {
    int pidfd = (int)SYS(pidfd_open, child, 0);
    int fd = (int)SYS(pidfd_getfd, pidfd, 77, 0);
    check("pidfd_getfd", fd > 2);
    show("close-on-exec", fcntl(fd, F_GETFD));
    char text[8] = "";
    show("it is the child's file", read(fd, text, 7));
    say("\"%s\"\n", text);
    lseek(fd, 0, SEEK_SET);
    show("kcmp FILE the same", SYS(kcmp, getpid(), child, KCMP_FILE, fd, 77));
    check("kcmp FILE different", SYS(kcmp, getpid(), child, KCMP_FILE, 1, 77) > 0);
    show("kcmp FILE not open", SYS(kcmp, getpid(), child, KCMP_FILE, 99, 77));
    show("not open", SYS(pidfd_getfd, pidfd, 99, 0));
    show("flags", SYS(pidfd_getfd, pidfd, 77, 1));
    show("not a pidfd", SYS(pidfd_getfd, 1, 77, 0));
    show("bad pidfd", SYS(pidfd_getfd, 99, 77, 0));
}

static int quit(void* unused) {
    (void)unused;
    pause();
    return 0;
}

static void comparing(void) {
    const struct {
        const char* name;
        int type;
    } kinds[] = {{"VM", KCMP_VM}, {"FILES", KCMP_FILES}, {"FS", KCMP_FS}, {"SIGHAND", KCMP_SIGHAND}};
    for (int i = 0; i < 4; i++) {
        say("%s: with oneself %ld, with the child %d\n", kinds[i].name,
            SYS(kcmp, getpid(), getpid(), kinds[i].type, 0L, 0L),
            SYS(kcmp, getpid(), child, kinds[i].type, 0L, 0L) > 0);
    }
    long there = SYS(kcmp, getpid(), child, KCMP_VM, 0L, 0L),
         back = SYS(kcmp, child, getpid(), KCMP_VM, 0L, 0L);
    show("there and back", there + back);
    static char stack[65536] __attribute__((aligned(16)));
    pid_t sharer = clone(quit, stack + sizeof stack, CLONE_VM | CLONE_FILES | CLONE_FS | SIGCHLD, 0);
    show("VM of one who shares it", SYS(kcmp, getpid(), sharer, KCMP_VM, 0L, 0L));
    show("FILES", SYS(kcmp, getpid(), sharer, KCMP_FILES, 0L, 0L));
    show("FS", SYS(kcmp, getpid(), sharer, KCMP_FS, 0L, 0L));
    kill(sharer, SIGKILL);
    waitpid(sharer, 0, 0);
    show("bad type", SYS(kcmp, getpid(), getpid(), 99, 0L, 0L));
    show("nobody", SYS(kcmp, getpid(), 999999, KCMP_VM, 0L, 0L));
}

static void strangers(void) {
    SYS(setresgid, 1000, 1000, 1000);
    SYS(setresuid, 1000, 1000, 1000);
    char buffer[8];
    show("a user reads root's memory", readv_from(buffer, 8, page, 8));
    show("and compares", SYS(kcmp, getpid(), child, KCMP_VM, 0L, 0L));
    int pidfd = (int)SYS(pidfd_open, child, 0);
    show("and takes a descriptor", SYS(pidfd_getfd, pidfd, 77, 0));
}

int main(void) {
    enter("inspecting");
    page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(page + 4096, 4096);
    strcpy(page, "parent");
    put("f", "child's");
    child = fork();
    if (child == 0) {
        strcpy(page, "child!");
        dup2(open("f", O_RDONLY), 77);
        pause();
        _exit(0);
    }
    until_asleep(child);
    in_child("memory", memory);
    in_child("descriptors", descriptors);
    in_child("comparing", comparing);
    in_child("strangers", strangers);
    int pidfd = (int)SYS(pidfd_open, child, 0);
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
    show("memory of the gone", readv_from(page, 1, page, 1));
    show("a descriptor of the gone", SYS(pidfd_getfd, pidfd, 77, 0));
}
