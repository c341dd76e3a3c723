// System V IPC: shared memory, semaphores, message queues.
#include "tests/guest/cases/case.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { kPage = 4096 };
static int id;

static void nobody_tries(void) {
    if (setresuid(1000, 1000, 1000) < 0) _exit(9);
    show("another's segment", SYS(shmat, id, 0L, 0));
    show("another's segment by key", SYS(shmget, 77, 0, 0600));
    show("another's segment without rights asked for", SYS(shmget, 77, 0, 0) == id);
    show("another's segment removed", SYS(shmctl, id, IPC_RMID, 0L));
    struct shmid_ds facts;
    show("another's segment looked at", SYS(shmctl, id, IPC_STAT, &facts));
}

// An owner has the owner's rights, also when they are fewer than those of others.
static void somebody_owns(void) {
    if (setresuid(1000, 1000, 1000) < 0) _exit(9);
    int mine = (int)SYS(shmget, IPC_PRIVATE, kPage, 0600),
        others = (int)SYS(shmget, IPC_PRIVATE, kPage, 0066);
    show_ok("one's own segment", SYS(shmat, mine, 0L, 0));
    show("one's own segment for others", SYS(shmat, others, 0L, 0));
    show("one's own segment removed", SYS(shmctl, mine, IPC_RMID, 0L));
    show("one's own segment for others removed", SYS(shmctl, others, IPC_RMID, 0L));
}

static void memory(void) {
    show("no segment", SYS(shmget, 77, kPage, 0600));
    show("no size", SYS(shmget, 77, 0, IPC_CREAT | 0600));
    show("too large", SYS(shmget, 77, -1L, IPC_CREAT | 0600));
    id = (int)SYS(shmget, 77, kPage + 1, IPC_CREAT | IPC_EXCL | 0600);
    show_ok("shmget", id);
    show("again exclusively", SYS(shmget, 77, kPage, IPC_CREAT | IPC_EXCL | 0600));
    check("again", SYS(shmget, 77, kPage, IPC_CREAT | 0600) == id);
    show("larger than it is", SYS(shmget, 77, 3 * kPage, 0600));
    check("private ones differ",
          SYS(shmget, IPC_PRIVATE, kPage, 0600) != SYS(shmget, IPC_PRIVATE, kPage, 0600));
    char* one = (char*)SYS(shmat, id, 0L, 0);
    char* two = (char*)SYS(shmat, id, 0L, SHM_RDONLY);
    show_ok("shmat", (long)one);
    show_ok("shmat to read", (long)two);
    strcpy(one, "shared");
    say("seen twice: %s\n", two);
    show("second page is there", one[kPage]);
    show("writing to the read-only one", SYS(mprotect, two, kPage, PROT_READ | PROT_WRITE));
    show("no such identifier", SYS(shmat, id + 1000, 0L, 0));
    show("negative identifier", SYS(shmat, -1, 0L, 0));
    show("unaligned", SYS(shmat, id, one + 8 * kPage + 1, 0));
    show("where something is", SYS(shmat, id, one, 0));
    check("replacing what is there", SYS(shmat, id, two, SHM_REMAP) == (long)two);
    show("replacing nowhere", SYS(shmat, id, 0L, SHM_REMAP));
    check("rounded down", SYS(shmat, id, one + 1, SHM_REMAP | SHM_RND) == (long)one);
    pid_t child = fork();
    if (child == 0) {
        strcat(one, " by two");
        _exit((int)SYS(shmdt, one));
    }
    int status;
    waitpid(child, &status, 0);
    say("child detached: %s, wrote \"%s\"\n", status_text(status), two);
    struct shmid_ds facts;
    show("IPC_STAT", SYS(shmctl, id, IPC_STAT, &facts));
    say("size %zu, attached %lu, mode %o, key %x\n", facts.shm_segsz, (long)facts.shm_nattch,
        facts.shm_perm.mode, facts.shm_perm.__key);
    check("creator", facts.shm_cpid == getpid() && facts.shm_lpid == child);
    check("times", facts.shm_atime && facts.shm_dtime && facts.shm_ctime);
    in_child("nobody", nobody_tries);
    in_child("somebody", somebody_owns);
    facts.shm_perm.mode = 0666;
    show("IPC_SET", SYS(shmctl, id, IPC_SET, &facts));
    show("IPC_STAT into nowhere", SYS(shmctl, id, IPC_STAT, 8L));
    show("unknown command", SYS(shmctl, id, 99, 0L));
    show("SHM_LOCK", SYS(shmctl, id, SHM_LOCK, 0L));
    show("shmdt of what is none", SYS(shmdt, one + kPage));
    show("shmdt", SYS(shmdt, one));
    show("shmdt again", SYS(shmdt, one));
    show("IPC_RMID", SYS(shmctl, id, IPC_RMID, 0L));
    say("still attached: %s\n", two);
    show("its key is free", SYS(shmget, 77, kPage, 0600));
    show("its identifier answers", SYS(shmctl, id, IPC_STAT, &facts));
    say("attached %lu, mode %o\n", (long)facts.shm_nattch, facts.shm_perm.mode);
    check("attached once more", (one = (char*)SYS(shmat, id, 0L, 0)) && strcmp(one, two) == 0);
    show("shmdt", SYS(shmdt, one));
    show("the last shmdt", SYS(shmdt, two));
    show("gone", SYS(shmctl, id, IPC_STAT, &facts));
}

static void on_alarm(int signal) { (void)signal; }

// A child that does one operation on `id` and says how it ended; returns when it sleeps.
static pid_t sleeper(const char* what, int number, int change, int flags) {
    pid_t child = fork();
    if (child == 0) {
        struct sembuf op = {(unsigned short)number, (short)change, (short)flags};
        show(what, SYS(semop, id, &op, 1));
        _exit(0);
    }
    until_asleep(child);
    return child;
}

static void values(const char* what) {
    unsigned short all[3];
    if (SYS(semctl, id, 0, GETALL, all) < 0) return show(what, -errno);
    say("%s: %d %d %d\n", what, all[0], all[1], all[2]);
}

static void semaphores(void) {
    show("no set", SYS(semget, 77, 3, 0600));
    show("no semaphores", SYS(semget, 77, 0, IPC_CREAT | 0600));
    show("too many", SYS(semget, 77, 100000, IPC_CREAT | 0600));
    id = (int)SYS(semget, 77, 3, IPC_CREAT | 0600);
    show_ok("semget", id);
    show("more than it has", SYS(semget, 77, 4, 0600));
    values("at first");
    show("SETVAL", SYS(semctl, id, 1, SETVAL, 5L));
    show("SETVAL too large", SYS(semctl, id, 1, SETVAL, 40000L));
    show("SETVAL of none", SYS(semctl, id, 3, SETVAL, 1L));
    show("GETVAL", SYS(semctl, id, 1, GETVAL, 0L));
    check("GETPID", SYS(semctl, id, 1, GETPID, 0L) == getpid());
    struct sembuf both[] = {{1, -2, 0}, {2, 3, 0}};
    show("two at once", SYS(semop, id, both, 2));
    values("after it");
    struct sembuf hard[] = {{1, -3, 0}, {2, -4, IPC_NOWAIT}};
    show("one of two cannot be done", SYS(semop, id, hard, 2));
    values("nothing was done");
    struct sembuf odd[] = {{7, 1, 0}};
    show("no such semaphore", SYS(semop, id, odd, 1));
    show("no operations", SYS(semop, id, both, 0));
    show("too many operations", SYS(semop, id, both, 501));
    struct sembuf up = {0, 32767, 0}, more = {0, 1, 0}, zero = {0, 0, IPC_NOWAIT}, down = {0, -1, 0};
    show("up to the most", SYS(semop, id, &up, 1));
    show("beyond", SYS(semop, id, &more, 1));
    show("not zero", SYS(semop, id, &zero, 1));
    show("SETVAL", SYS(semctl, id, 0, SETVAL, 0L));
    show("zero", SYS(semop, id, &zero, 1));
    struct timespec soon = {0, 20000000}, never = {0, -1};
    show("timeout", SYS(semtimedop, id, &down, 1, &soon));
    show("no time", SYS(semtimedop, id, &down, 1, &never));
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm, .sa_flags = SA_RESTART}, 0);
    alarms_every(20);
    show("interrupted", SYS(semop, id, &down, 1));
    alarms_every(0);
    pid_t child = sleeper("woken", 0, -2, 0);
    show("GETNCNT", SYS(semctl, id, 0, GETNCNT, 0L));
    show("one is not enough", SYS(semop, id, &more, 1));
    long done = SYS(semop, id, &more, 1);
    waitpid(child, 0, 0);
    show("two are", done);
    values("after the sleeper");
    child = sleeper("zero awaited", 1, 0, 0);
    show("GETZCNT", SYS(semctl, id, 1, GETZCNT, 0L));
    done = SYS(semctl, id, 1, SETVAL, 0L);
    waitpid(child, 0, 0);
    show("SETVAL", done);
    child = fork();
    if (child == 0) {
        struct sembuf undone[] = {{0, 4, SEM_UNDO}, {2, -2, SEM_UNDO}};
        show("with undo", SYS(semop, id, undone, 2));
        values("before the end");
        _exit(0);
    }
    waitpid(child, 0, 0);
    values("undone");
    unsigned short all[] = {1, 2, 3}, wrong[] = {1, 65535, 3};
    show("SETALL", SYS(semctl, id, 0, SETALL, all));
    show("SETALL too large", SYS(semctl, id, 0, SETALL, wrong));
    show("SETALL from nowhere", SYS(semctl, id, 0, SETALL, 8L));
    values("as set");
    struct semid_ds facts;
    show("IPC_STAT", SYS(semctl, id, 0, IPC_STAT, &facts));
    say("semaphores %lu, mode %o\n", facts.sem_nsems, facts.sem_perm.mode);
    check("times", facts.sem_otime && facts.sem_ctime);
    child = sleeper("removed while it sleeps", 0, -9, 0);
    done = SYS(semctl, id, 0, IPC_RMID, 0L);
    waitpid(child, 0, 0);
    show("IPC_RMID", done);
    show("gone", SYS(semctl, id, 0, GETVAL, 0L));
}

struct text {
    long type;
    char bytes[64];
};

static void receive(const char* what, size_t room, long type, int flags) {
    struct text text = {0, ""};
    long n = SYS(msgrcv, id, &text, room, type, flags);
    if (n < 0) return show(what, n);
    say("%s: %ld bytes of type %ld \"%.*s\"\n", what, n, text.type, (int)n, text.bytes);
}

static void messages(void) {
    show("no queue", SYS(msgget, 77, 0600));
    id = (int)SYS(msgget, 77, IPC_CREAT | 0600);
    show_ok("msgget", id);
    show("exclusively", SYS(msgget, 77, IPC_CREAT | IPC_EXCL | 0600));
    receive("empty", 64, 0, IPC_NOWAIT);
    for (long type = 1; type <= 4; type++) {
        struct text text = {5 - type, ""};
        sprintf(text.bytes, "message %ld", type);
        show("msgsnd", SYS(msgsnd, id, &text, strlen(text.bytes), 0));
    }
    struct msqid_ds facts;
    show("IPC_STAT", SYS(msgctl, id, IPC_STAT, &facts));
    say("messages %lu, bytes %lu of %lu\n", facts.msg_qnum, facts.__msg_cbytes, facts.msg_qbytes);
    check("who and when", facts.msg_lspid == getpid() && facts.msg_stime && !facts.msg_rtime);
    receive("too long", 4, 0, 0);
    receive("cut", 4, 0, MSG_NOERROR);
    receive("of a type", 64, 2, 0);
    receive("of another type", 64, 3, MSG_EXCEPT);
    receive("lowest up to", 64, -3, 0);
    receive("none of the type", 64, 9, IPC_NOWAIT);
    struct text text = {0, ""};
    for (text.type = 6; text.type <= 8; text.type++)
        SYS(msgsnd, id, &(struct text){text.type % 3 + 5, "x"}, 1, 0);
    receive("lowest of three", 64, -7, 0);
    receive("lowest of two", 64, -7, 0);
    receive("the last", 64, 0, 0);
    text.type = 0;
    show("no type", SYS(msgsnd, id, &text, 1, 0));
    text.type = 1;
    show("too long to send", SYS(msgsnd, id, &text, 9000, 0));
    show("from nowhere", SYS(msgsnd, id, 8L, 1, 0));
    show("no such queue", SYS(msgsnd, id + 1000, &text, 1, 0));
    show("negative room", SYS(msgrcv, id, &text, -1L, 0, 0));
    facts.msg_qbytes = 16;
    show("IPC_SET", SYS(msgctl, id, IPC_SET, &facts));
    show("fills it", SYS(msgsnd, id, &text, 16, IPC_NOWAIT));
    show("full", SYS(msgsnd, id, &text, 1, IPC_NOWAIT));
    pid_t child = fork();
    if (child == 0) {
        text.type = 6;
        show("sent once there is room", SYS(msgsnd, id, &text, 8, 0));
        _exit(0);
    }
    until_asleep(child);
    SYS(msgrcv, id, &text, 64, 0, 0);
    waitpid(child, 0, 0);
    child = fork();
    if (child == 0) {
        receive("awaited", 64, 7, 0);
        receive("removed while it sleeps", 64, 8, 0);
        _exit(0);
    }
    until_asleep(child);
    text.type = 7;
    strcpy(text.bytes, "at last");
    long sent = SYS(msgsnd, id, &text, 7, 0);
    pause_ms(20);
    until_asleep(child);
    show("msgsnd", sent);
    long removed = SYS(msgctl, id, IPC_RMID, 0L);
    waitpid(child, 0, 0);
    show("IPC_RMID", removed);
    show("gone", SYS(msgctl, id, IPC_STAT, &facts));
}

int main(void) {
    memory();
    semaphores();
    messages();
}
