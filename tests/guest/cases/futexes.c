// Futexes: wait, wake, requeue, bit sets, operations on two words, time-outs, robust lists.
#include "tests/guest/cases/case.h"

#include <linux/futex.h>
#include <pthread.h>

static uint32_t *word, *other;  // in shared memory

static long futex(uint32_t* at, int op, uint32_t value, const struct timespec* time, uint32_t* second,
                  uint32_t value3) {
    return SYS(futex, at, op, value, time, second, value3);
}

// A child that waits on `at`, asleep.
static pid_t waiter(uint32_t* at, int op, uint32_t bits) {
    pid_t child = fork();
    if (child == 0) _exit(futex(at, op, *at, 0, 0, bits) == 0 ? 0 : 1);
    until_asleep(child);
    return child;
}

static void basics(void) {
    struct timespec bit = {0, 20000000}, bad = {0, 1000000000};
    show("wait, value differs", futex(word, FUTEX_WAIT, 1, 0, 0, 0));
    show("wait, time-out", futex(word, FUTEX_WAIT, 0, &bit, 0, 0));
    show("wait, bad time", futex(word, FUTEX_WAIT, 0, &bad, 0, 0));
    show("private wait, time-out", futex(word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, &bit, 0, 0));
    show("wake nobody", futex(word, FUTEX_WAKE, 1, 0, 0, 0));
    show("unaligned", SYS(futex, (char*)word + 1, FUTEX_WAIT, 0, 0L, 0L, 0));
    show("bad address", SYS(futex, 8L, FUTEX_WAIT, 0, 0L, 0L, 0));
    show("bad operation", futex(word, 99, 0, 0, 0, 0));
    pid_t child = waiter(word, FUTEX_WAIT, 0);
    show("wake", futex(word, FUTEX_WAKE, 1, 0, 0, 0));
    int status;
    waitpid(child, &status, 0);
    say("woken: %s\n", status_text(status));
    for (int i = 0; i < 3; i++) waiter(word, FUTEX_WAIT, 0);
    show("wake two of three", futex(word, FUTEX_WAKE, 2, 0, 0, 0));
    show("wake the rest", futex(word, FUTEX_WAKE, 100, 0, 0, 0));
    while (wait(0) > 0) {}
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_nsec += 20000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_nsec -= 1000000000;
        deadline.tv_sec++;
    }
    show("absolute time-out", futex(word, FUTEX_WAIT_BITSET, 0, &deadline, 0, FUTEX_BITSET_MATCH_ANY));
    clock_gettime(CLOCK_REALTIME, &deadline);
    show("real-time time-out, past",
         futex(word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &deadline, 0, 1));
}

static void sets(void) {
    show("no bits", futex(word, FUTEX_WAIT_BITSET, 0, 0, 0, 0));
    waiter(word, FUTEX_WAIT_BITSET, 1);
    waiter(word, FUTEX_WAIT_BITSET, 2);
    waiter(word, FUTEX_WAIT_BITSET, 6);
    show("wake bit 8", futex(word, FUTEX_WAKE_BITSET, 10, 0, 0, 8));
    show("wake bit 2", futex(word, FUTEX_WAKE_BITSET, 10, 0, 0, 2));
    show("wake any", futex(word, FUTEX_WAKE, 10, 0, 0, 0));
    while (wait(0) > 0) {}
}

static void moves(void) {
    for (int i = 0; i < 4; i++) waiter(word, FUTEX_WAIT, 0);
    show("requeue: wake one, move two", futex(word, FUTEX_REQUEUE, 1, (void*)2L, other, 0));
    show("wake on the new word", futex(other, FUTEX_WAKE, 10, 0, 0, 0));
    show("wake on the old word", futex(word, FUTEX_WAKE, 10, 0, 0, 0));
    while (wait(0) > 0) {}
    waiter(word, FUTEX_WAIT, 0);
    show("cmp_requeue, value differs", futex(word, FUTEX_CMP_REQUEUE, 0, (void*)1L, other, 5));
    show("cmp_requeue", futex(word, FUTEX_CMP_REQUEUE, 0, (void*)1L, other, 0));
    show("wake", futex(other, FUTEX_WAKE, 1, 0, 0, 0));
    wait(0);
    // FUTEX_WAKE_OP: *other = 5 + ...; wakes on word, and on other if its old value was 5.
    *other = 5;
    waiter(word, FUTEX_WAIT, 0);
    waiter(other, FUTEX_WAIT, 0);
    show("wake_op", futex(word, FUTEX_WAKE_OP, 1, (void*)1L, other,
                          (uint32_t)FUTEX_OP(FUTEX_OP_ADD, 3, FUTEX_OP_CMP_EQ, 5)));
    show("operated", *other);
    while (wait(0) > 0) {}
    show("wake_op, comparison fails", futex(word, FUTEX_WAKE_OP, 1, (void*)1L, other,
                                            (uint32_t)FUTEX_OP(FUTEX_OP_ANDN, 8, FUTEX_OP_CMP_GT, 100)));
    show("operated", *other);
    show("wake_op or", futex(word, FUTEX_WAKE_OP, 1, (void*)1L, other,
                             (uint32_t)FUTEX_OP(FUTEX_OP_OR, 6, FUTEX_OP_CMP_LT, 100)));
    show("operated", *other);
    show("wake_op xor", futex(word, FUTEX_WAKE_OP, 1, (void*)1L, other,
                              (uint32_t)FUTEX_OP(FUTEX_OP_XOR, 3, FUTEX_OP_CMP_NE, 0)));
    show("operated", *other);
    show("wake_op negative", futex(word, FUTEX_WAKE_OP, 1, (void*)1L, other,
                                   (uint32_t)FUTEX_OP(FUTEX_OP_ADD, -3, FUTEX_OP_CMP_GT, -2)));
    show("operated", *other);
    *other = 0;
}

static pthread_mutex_t* mutex;

static void robust(void) {
    struct robust_list_head *head = 0, *again = 0;
    size_t size = 0;
    show("get_robust_list", SYS(get_robust_list, 0, &head, &size));
    show("its size", (long)size);
    show("set_robust_list", SYS(set_robust_list, head, sizeof *head));
    SYS(get_robust_list, gettid(), &again, &size);
    check("is what was set", head == again);
    show("set_robust_list bad size", SYS(set_robust_list, head, 8L));
    show("get_robust_list of nobody", SYS(get_robust_list, 999999, &head, &size));
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(mutex, &attributes);
    if (fork() == 0) {
        pthread_mutex_lock(mutex);
        _exit(0);
    }
    wait(0);
    show("lock of the dead", -pthread_mutex_lock(mutex));
    show("consistent", -pthread_mutex_consistent(mutex));
    show("unlock", -pthread_mutex_unlock(mutex));
    // A waiter is woken by the holder's death.
    int p[2];
    char c;
    pipe(p);
    pid_t holder = fork();
    if (holder == 0) {
        pthread_mutex_lock(mutex);
        write(p[1], "x", 1);
        pause();
    }
    read(p[0], &c, 1);
    pid_t killer = fork();
    if (killer == 0) {
        pause_ms(30);
        kill(holder, SIGKILL);
        _exit(0);
    }
    show("lock of one who is killed", -pthread_mutex_lock(mutex));
    while (wait(0) > 0) {}
}

int main(void) {
    enter("futexes");
    char* shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    word = (uint32_t*)shared;
    other = (uint32_t*)(shared + 64);
    mutex = (pthread_mutex_t*)(shared + 128);
    basics();
    sets();
    moves();
    robust();
}
