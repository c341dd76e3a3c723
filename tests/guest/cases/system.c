// The system as a whole: names, information, random bytes, process options, log, mounts, restart.
#include "tests/guest/cases/case.h"

#include <asm/prctl.h>
#include <linux/reboot.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

static void names(void) {
    struct utsname name;
    show("uname", SYS(uname, &name));
    say("system %s machine %s\n", name.sysname, name.machine);
    check("a release of numbers", name.release[0] >= '3' && name.release[0] <= '9');
    show("uname bad pointer", SYS(uname, 8L));
    show("sethostname", SYS(sethostname, "renamed", 7L));
    SYS(uname, &name);
    say("node %s\n", name.nodename);
    show("sethostname too long", SYS(sethostname, "x", 65L));
    show("sethostname negative", SYS(sethostname, "x", -1L));
    struct sysinfo info;
    memset(&info, 0x55, sizeof info);
    show("sysinfo", SYS(sysinfo, &info));
    check("memory", info.totalram > 0 && info.freeram <= info.totalram && info.mem_unit > 0);
    check("processes", info.procs > 0);
    check("up for less than ten years", info.uptime < 315360000);
}

static void randoms(void) {
    unsigned char a[300] = {0}, b[300] = {0};
    show("getrandom", SYS(getrandom, a, 256L, 0));
    show("getrandom again", SYS(getrandom, b, 256L, GRND_NONBLOCK));
    check("they differ", memcmp(a, b, 256) != 0);
    int seen[256] = {0}, kinds = 0;
    for (int i = 0; i < 256; i++) kinds += !seen[a[i]]++;
    check("many values", kinds > 100);
    check("no more than asked", a[256] == 0);
    show("getrandom nothing", SYS(getrandom, a, 0L, 0));
    show("getrandom bad flags", SYS(getrandom, a, 1L, 0x100));
    show("getrandom bad pointer", SYS(getrandom, 8L, 16L, 0));
}

static void options(void) {
    char name[17] = "";
    show("PR_SET_NAME", SYS(prctl, PR_SET_NAME, "a name longer than fifteen", 0L, 0L, 0L));
    show("PR_GET_NAME", SYS(prctl, PR_GET_NAME, name, 0L, 0L, 0L));
    say("name: %s\n", name);
    int signal = 99;
    show("PR_SET_PDEATHSIG", SYS(prctl, PR_SET_PDEATHSIG, (long)SIGUSR1, 0L, 0L, 0L));
    show("PR_GET_PDEATHSIG", SYS(prctl, PR_GET_PDEATHSIG, &signal, 0L, 0L, 0L));
    show("signal", signal);
    show("PR_SET_PDEATHSIG bad", SYS(prctl, PR_SET_PDEATHSIG, 99L, 0L, 0L, 0L));
    show("PR_SET_PDEATHSIG off", SYS(prctl, PR_SET_PDEATHSIG, 0L, 0L, 0L, 0L));
    show("PR_GET_DUMPABLE", SYS(prctl, PR_GET_DUMPABLE, 0L, 0L, 0L, 0L));
    show("PR_SET_DUMPABLE", SYS(prctl, PR_SET_DUMPABLE, 0L, 0L, 0L, 0L));
    show("PR_GET_DUMPABLE", SYS(prctl, PR_GET_DUMPABLE, 0L, 0L, 0L, 0L));
    show("PR_SET_DUMPABLE bad", SYS(prctl, PR_SET_DUMPABLE, 9L, 0L, 0L, 0L));
    show("PR_GET_NO_NEW_PRIVS", SYS(prctl, PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L));
    show("PR_SET_NO_NEW_PRIVS", SYS(prctl, PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L));
    show("PR_GET_NO_NEW_PRIVS", SYS(prctl, PR_GET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L));
    show("PR_SET_CHILD_SUBREAPER", SYS(prctl, PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L));
    show("prctl unknown", SYS(prctl, 99999L, 0L, 0L, 0L, 0L));
    // As a subreaper this process becomes the parent of an orphan.
    int p[2];
    pipe(p);
    pid_t self = getpid(), child = fork();
    if (child == 0) {
        if (fork() == 0) {
            pid_t before = getppid();
            while (getppid() == before && before != self) pause_ms(5);
            _exit(getppid() == self ? 31 : 1);
        }
        _exit(0);
    }
    waitpid(child, 0, 0);
    int status = 0;
    wait(&status);
    say("orphan came to the subreaper: %s\n", status_text(status));
    unsigned long base = 0;
    show("ARCH_GET_FS", SYS(arch_prctl, ARCH_GET_FS, &base));
    check("the thread's block points to itself", *(unsigned long*)base == base);
    static unsigned long block[2] = {1234};
    show("ARCH_SET_GS", SYS(arch_prctl, ARCH_SET_GS, block));
    unsigned long through;
    __asm__("mov %%gs:0, %0" : "=r"(through));
    show("through gs", (long)through);
    show("ARCH_GET_GS", SYS(arch_prctl, ARCH_GET_GS, &base));
    check("is what was set", base == (unsigned long)block);
    show("ARCH_SET_GS far", SYS(arch_prctl, ARCH_SET_GS, 1L << 62));
    show("arch_prctl unknown", SYS(arch_prctl, 0x9999, 0L));
}

static void dies_with_parent(void) {
    int p[2];
    pipe(p);
    pid_t child = fork();
    if (child == 0) {
        pid_t inner = fork();
        if (inner == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            write(p[1], "x", 1);
            close(p[1]);
            pause();
        }
        char c;
        read(p[0], &c, 1);
        _exit(0);
    }
    close(p[1]);
    waitpid(child, 0, 0);
    char c;
    show("the grandchild's end of the pipe closes", read(p[0], &c, 1));
}

static void mounts(void) {
    mkdir("m", 0755);
    put("m/below", "below");
    show("mount tmpfs", SYS(mount, "none", "m", "tmpfs", 0L, "size=1m,mode=750"));
    struct stat st, parent;
    stat("m", &st);
    stat(".", &parent);
    say("mode %o\n", st.st_mode);
    check("a device of its own", st.st_dev != parent.st_dev);
    show("what was there is covered", SYS(access, "m/below", F_OK));
    put("m/f", "in tmpfs");
    get("file", "m/f");
    show("rename across", SYS(rename, "m/f", "f"));
    show("link across", SYS(link, "m/f", "f"));
    show("rmdir of a mount point", SYS(rmdir, "m"));
    show("dot dot leaves it", SYS(access, "m/../m/f", F_OK));
    int fd = open("m/f", O_RDONLY);
    show("umount busy", SYS(umount2, "m", 0));
    close(fd);
    char block[4096];
    memset(block, 'x', sizeof block);
    fd = open("m/big", O_WRONLY | O_CREAT, 0644);
    long n, total = 0;
    while ((n = SYS(write, fd, block, 4096L)) > 0 && total < 8 << 20) total += n;
    show("full", n);
    check("at about its size", total > (900 << 10) && total <= (1 << 20));
    close(fd);
    show("remount read-only", SYS(mount, "none", "m", 0L, MS_REMOUNT | MS_RDONLY, 0L));
    show("create", SYS(open, "m/new", O_CREAT | O_WRONLY, 0644));
    show("umount", SYS(umount2, "m", 0));
    get("what was there is back", "m/below");
    show("umount again", SYS(umount2, "m", 0));
    show("umount bad flags", SYS(umount2, "m", 0x100));
    show("mount unknown type", SYS(mount, "none", "m", "nosuchfs", 0L, 0L));
    show("mount on nothing", SYS(mount, "none", "missing", "tmpfs", 0L, 0L));
    show("mount on a file", SYS(mount, "none", "m/below", "tmpfs", 0L, 0L));
    show("bind", SYS(mount, "/bin", "m", 0L, MS_BIND, 0L));
    show("bound", SYS(access, "m/system", X_OK));
    show("umount lazily", SYS(umount2, "m", MNT_DETACH));
    show("mount proc", SYS(mount, "p", "m", "proc", 0L, 0L));
    show("its version", SYS(access, "m/version", R_OK));
    show("umount", SYS(umount2, "m", 0));
}

int main(void) {
    enter("system");
    names();
    randoms();
    mounts();
    in_child("parent's death", dies_with_parent);
    in_child("options", options);
    show("reboot bad magic", SYS(reboot, 1, 2, 3, 0L));
    show("reboot bad command", SYS(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, 0x99, 0L));
    check("syslog size", SYS(syslog, 10, 0L, 0) > 0);
    show("syslog bad type", SYS(syslog, 99, 0L, 0));
    show("syslog bad length", SYS(syslog, 3, 8L, -1));
}
