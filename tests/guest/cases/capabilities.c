// Capabilities: the sets, how they follow user ids and programs, what they allow, and options about them.
#include "tests/guest/cases/case.h"

#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

struct sets {
    unsigned long effective, permitted, inheritable;
};

static long read_sets(struct sets* sets) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    long result = SYS(capget, &header, data);
    sets->effective = data[0].effective | (unsigned long)data[1].effective << 32;
    sets->permitted = data[0].permitted | (unsigned long)data[1].permitted << 32;
    sets->inheritable = data[0].inheritable | (unsigned long)data[1].inheritable << 32;
    return result;
}

static long write_sets(struct sets sets) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    for (int i = 0; i < 2; i++)
        data[i] = (struct __user_cap_data_struct){(unsigned)(sets.effective >> 32 * i),
                                                  (unsigned)(sets.permitted >> 32 * i),
                                                  (unsigned)(sets.inheritable >> 32 * i)};
    return SYS(capset, &header, data);
}

#define BIT(capability) (1ul << (capability))
static const unsigned long kSome = BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_KILL) | BIT(CAP_SETPCAP);

static void print(const char* what) {
    struct sets sets;
    read_sets(&sets);
    say("%s: effective %lx permitted %lx inheritable %lx\n", what, sets.effective & kSome,
        sets.permitted & kSome, sets.inheritable & kSome);
}

static void changing(void) {
    print("root");
    struct sets sets = {BIT(CAP_KILL), kSome, BIT(CAP_SETUID)};
    show("capset", write_sets(sets));
    print("fewer");
    show("setuid without CAP_SETUID", SYS(setresuid, 5, 6, 7));
    sets.effective = kSome;
    show("raise what is permitted", write_sets(sets));
    sets.permitted &= ~BIT(CAP_KILL);
    show("effective beyond permitted", write_sets(sets));
    sets.effective &= ~BIT(CAP_KILL);
    show("drop for good", write_sets(sets));
    sets.permitted |= BIT(CAP_KILL);
    show("permitted beyond permitted", write_sets(sets));
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, getppid()};
    struct __user_cap_data_struct data[2] = {{0}};
    show("another's", SYS(capset, &header, data));
    header = (struct __user_cap_header_struct){7, 0};
    show("bad version", SYS(capset, &header, data));
    say("it tells the version: %x\n", header.version);
    header.version = _LINUX_CAPABILITY_VERSION_3;
    show("bad data", SYS(capset, &header, 8L));
    show("bad header", SYS(capset, 8L, data));
}

static void users(void) {
    print("root");
    SYS(setresuid, 1000, 1000, 0);
    print("saved root");
    SYS(setresuid, -1, 0, -1);
    print("effective root again");
    SYS(setresuid, 1000, 1000, 1000);
    print("a user");
    show("and is one", SYS(setuid, 0));
}

static void keeping(void) {
    show("PR_GET_KEEPCAPS", SYS(prctl, PR_GET_KEEPCAPS, 0L, 0L, 0L, 0L));
    show("PR_SET_KEEPCAPS", SYS(prctl, PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L));
    show("PR_GET_KEEPCAPS", SYS(prctl, PR_GET_KEEPCAPS, 0L, 0L, 0L, 0L));
    show("PR_SET_KEEPCAPS bad", SYS(prctl, PR_SET_KEEPCAPS, 2L, 0L, 0L, 0L));
    SYS(setresuid, 1000, 1000, 1000);
    print("kept");
    struct sets sets;
    read_sets(&sets);
    sets.effective = sets.permitted;
    show("taken up", write_sets(sets));
    show("back to root", SYS(setresuid, 0, 0, 0));
    SYS(prctl, PR_SET_KEEPCAPS, 0L, 0L, 0L, 0L);
}

static void fixups(void) {
    show("PR_GET_SECUREBITS", SYS(prctl, PR_GET_SECUREBITS, 0L, 0L, 0L, 0L));
    show("PR_SET_SECUREBITS unknown", SYS(prctl, PR_SET_SECUREBITS, 1L << 12, 0L, 0L, 0L));
    show("PR_SET_SECUREBITS",
         SYS(prctl, PR_SET_SECUREBITS, (long)(SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED), 0L, 0L,
             0L));
    show("PR_GET_SECUREBITS", SYS(prctl, PR_GET_SECUREBITS, 0L, 0L, 0L, 0L));
    show("PR_SET_SECUREBITS of a locked one", SYS(prctl, PR_SET_SECUREBITS, 0L, 0L, 0L, 0L));
    SYS(setresuid, 1000, 1000, 1000);
    print("a user with all");
    show("CAP_KILL allows", kill(1, 0) == 0 ? 0 : -errno);
}

static void bounding(void) {
    show("PR_CAPBSET_READ", SYS(prctl, PR_CAPBSET_READ, (long)CAP_KILL, 0L, 0L, 0L));
    show("PR_CAPBSET_DROP", SYS(prctl, PR_CAPBSET_DROP, (long)CAP_KILL, 0L, 0L, 0L));
    show("PR_CAPBSET_READ", SYS(prctl, PR_CAPBSET_READ, (long)CAP_KILL, 0L, 0L, 0L));
    show("PR_CAPBSET_READ beyond", SYS(prctl, PR_CAPBSET_READ, 64L, 0L, 0L, 0L));
    show("PR_CAPBSET_DROP beyond", SYS(prctl, PR_CAPBSET_DROP, 64L, 0L, 0L, 0L));
    struct sets sets;
    read_sets(&sets);
    sets.inheritable = BIT(CAP_KILL);
    show("inherit what is out of bounds", write_sets(sets));
    print("still permitted");
    sets.inheritable = 0;
    sets.effective &= ~BIT(CAP_SETPCAP);
    write_sets(sets);
    show("PR_CAPBSET_DROP without CAP_SETPCAP", SYS(prctl, PR_CAPBSET_DROP, (long)CAP_CHOWN, 0L, 0L, 0L));
    char* argv[] = {"capabilities", "print", 0};
    execve("/proc/self/exe", argv, argv + 2);
    show("execve", -errno);
}

static void ambient(void) {
    show("raise what is not inheritable",
         SYS(prctl, PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_RAISE, (long)CAP_KILL, 0L, 0L));
    struct sets sets;
    read_sets(&sets);
    sets.inheritable = BIT(CAP_KILL);
    write_sets(sets);
    show("raise", SYS(prctl, PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_RAISE, (long)CAP_KILL, 0L, 0L));
    show("is set", SYS(prctl, PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_IS_SET, (long)CAP_KILL, 0L, 0L));
    show("is set another", SYS(prctl, PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_IS_SET, (long)CAP_CHOWN, 0L, 0L));
    show("lower", SYS(prctl, PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_LOWER, (long)CAP_KILL, 0L, 0L));
    show("is set", SYS(prctl, PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_IS_SET, (long)CAP_KILL, 0L, 0L));
    SYS(prctl, PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_RAISE, (long)CAP_KILL, 0L, 0L);
    show("clear", SYS(prctl, PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L));
    show("bad operation", SYS(prctl, PR_CAP_AMBIENT, 9L, (long)CAP_KILL, 0L, 0L));
    show("bad capability", SYS(prctl, PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_RAISE, 64L, 0L, 0L));
    show("arguments left over", SYS(prctl, PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_CLEAR_ALL, 1L, 0L, 0L));
    // An ambient capability outlives exec by a user.
    SYS(prctl, PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L);
    SYS(setresuid, 1000, 1000, 1000);
    show("raise as a user", SYS(prctl, PR_CAP_AMBIENT, (long)PR_CAP_AMBIENT_RAISE, (long)CAP_KILL, 0L, 0L));
    char* argv[] = {"capabilities", "print", 0};
    execve("/proc/self/exe", argv, argv + 2);
    show("execve", -errno);
}

static void plain_user(void) {
    SYS(setresuid, 1000, 1000, 1000);
    char* argv[] = {"capabilities", "print", 0};
    execve("/proc/self/exe", argv, argv + 2);
    show("execve", -errno);
}

static void file_ids(void) {
    put("secret", "x");
    chmod("secret", 0600);
    show("setfsuid", SYS(setfsuid, 1000));
    show("it was set", SYS(setfsuid, -1));
    show("a file of root's", SYS(open, "secret", O_RDONLY));
    show("setfsuid back", SYS(setfsuid, 0));
    show_ok("a file of root's", SYS(open, "secret", O_RDONLY));
    show("setfsgid", SYS(setfsgid, 1000));
    show("it was set", SYS(setfsgid, -1));
    SYS(setfsgid, 0);
    SYS(setresuid, 1000, 1001, 1002);
    show("setfsuid as a user", SYS(setfsuid, 1002));
    show("to a stranger's", SYS(setfsuid, 7));
    show("has no effect", SYS(setfsuid, -1));
}

int main(int argc, char** argv) {
    if (argc > 1) {
        print("in the next program");
        return 0;
    }
    (void)argv;
    enter("capabilities");
    chmod("/tmp/capabilities", 0777);
    in_child("changing", changing);
    in_child("users", users);
    in_child("keeping", keeping);
    in_child("fixups", fixups);
    in_child("bounding", bounding);
    in_child("ambient", ambient);
    in_child("a user's program", plain_user);
    in_child("file ids", file_ids);
}
