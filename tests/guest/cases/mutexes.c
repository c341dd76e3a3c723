// Futexes with an owner (FUTEX_LOCK_PI and relatives), their requeueing, and waiting on several words.
#include "tests/guest/cases/case.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

static uint32_t *word, *mutex;  // in shared memory

static long futex(uint32_t* at, int op, uint32_t value, const void* time, uint32_t* second, uint32_t value3) {
    return SYS(futex, at, op, value, time, second, value3);
}

static struct timespec in_ms(int clock, long ms) {
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += ms * 1000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

static void print_word(const char* what, pid_t owner) {
    uint32_t value = *mutex;
    say("%s: %s%s%s\n", what,
        (value & FUTEX_TID_MASK) == 0                 ? "free"
        : (value & FUTEX_TID_MASK) == (uint32_t)owner ? "owned"
                                                      : "another's",
        value & FUTEX_WAITERS ? " waiters" : "", value & FUTEX_OWNER_DIED ? " died" : "");
}

// A child that locks the mutex, asleep, and ends having it.
static pid_t locker(int unlock, int status) {
    pid_t child = fork();
    if (child == 0) {
        long result = futex(mutex, FUTEX_LOCK_PI, 0, 0, 0, 0);
        int mine = (*mutex & FUTEX_TID_MASK) == (uint32_t)getpid();
        if (unlock) futex(mutex, FUTEX_UNLOCK_PI, 0, 0, 0, 0);
        _exit(result == 0 && mine ? status : 99);
    }
    until_asleep(child);
    return child;
}

static void print_end(const char* what, pid_t child) {
    int status;
    waitpid(child, &status, 0);
    say("%s: %s\n", what, status_text(status));
}

static void locking(void) {
    pid_t self = getpid();
    show("lock", futex(mutex, FUTEX_LOCK_PI, 0, 0, 0, 0));
    print_word("locked", self);
    show("lock again", futex(mutex, FUTEX_LOCK_PI, 0, 0, 0, 0));
    show("trylock again", futex(mutex, FUTEX_TRYLOCK_PI, 0, 0, 0, 0));
    show("unlock", futex(mutex, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
    print_word("unlocked", self);
    show("unlock again", futex(mutex, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
    show("trylock", futex(mutex, FUTEX_TRYLOCK_PI, 0, 0, 0, 0));
    pid_t first = locker(1, 7);
    print_word("somebody waits", self);
    pid_t second = locker(1, 8);
    show("wake does not apply", futex(mutex, FUTEX_WAKE, 1, 0, 0, 0));
    show("unlock", futex(mutex, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
    print_end("first", first);
    print_end("second", second);
    *mutex = 0;
    pid_t holder = fork();
    if (holder == 0) {
        futex(mutex, FUTEX_LOCK_PI, 0, 0, 0, 0);
        pause();
    }
    until_asleep(holder);
    struct timespec soon = in_ms(CLOCK_REALTIME, 30), past = {0, 0}, bad = {0, 1000000000};
    show("time-out", futex(mutex, FUTEX_LOCK_PI, 0, &soon, 0, 0));
    show("time-out in the past", futex(mutex, FUTEX_LOCK_PI, 0, &past, 0, 0));
    show("bad time", futex(mutex, FUTEX_LOCK_PI, 0, &bad, 0, 0));
    soon = in_ms(CLOCK_MONOTONIC, 30);
    show("time-out, monotonic", futex(mutex, FUTEX_LOCK_PI2, 0, &soon, 0, 0));
    soon = in_ms(CLOCK_REALTIME, 30);
    show("time-out, real time", futex(mutex, FUTEX_LOCK_PI2 | FUTEX_CLOCK_REALTIME, 0, &soon, 0, 0));
    show("trylock of another's", futex(mutex, FUTEX_TRYLOCK_PI, 0, 0, 0, 0));
    show("unlock of another's", futex(mutex, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
    print_word("all the while", holder);
    kill(holder, SIGKILL);
    waitpid(holder, 0, 0);
    show("lock of one who is gone", futex(mutex, FUTEX_LOCK_PI, 0, 0, 0, 0));
    *mutex = 0;
}

static void errors(void) {
    show("unaligned", SYS(futex, (char*)mutex + 1, FUTEX_LOCK_PI, 0, 0L, 0L, 0));
    show("bad address", SYS(futex, 8L, FUTEX_LOCK_PI, 0, 0L, 0L, 0));
    show("unlock at a bad address", SYS(futex, 8L, FUTEX_UNLOCK_PI, 0, 0L, 0L, 0));
    show("real time on wait", futex(word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 1, 0, 0, 0));
    show("real time on lock", futex(mutex, FUTEX_LOCK_PI | FUTEX_CLOCK_REALTIME, 0, 0, 0, 0));
    show("move two awake", futex(word, FUTEX_CMP_REQUEUE_PI, 2, (void*)1L, mutex, 0));
    show("move to itself", futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void*)1L, word, 0));
    show("move, value differs", futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void*)1L, mutex, 9));
    show("move nobody", futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void*)1L, mutex, 0));
    show("wait to move, value differs", futex(word, FUTEX_WAIT_REQUEUE_PI, 9, 0, mutex, ~0u));
    show("wait to move to itself", futex(word, FUTEX_WAIT_REQUEUE_PI, 0, 0, word, ~0u));
    struct timespec soon = in_ms(CLOCK_MONOTONIC, 30);
    show("wait to move, time-out", futex(word, FUTEX_WAIT_REQUEUE_PI, 0, &soon, mutex, ~0u));
}

static pid_t mover(int status) {
    pid_t child = fork();
    if (child == 0) {
        long result = futex(word, FUTEX_WAIT_REQUEUE_PI, 0, 0, mutex, ~0u);
        int mine = (*mutex & FUTEX_TID_MASK) == (uint32_t)getpid();
        futex(mutex, FUTEX_UNLOCK_PI, 0, 0, 0, 0);
        _exit(result == 0 && mine ? status : 99);
    }
    until_asleep(child);
    return child;
}

static void moving(void) {
    pid_t a = mover(1), b = mover(2), c = mover(3);
    show("plain wake does not apply", futex(word, FUTEX_WAKE, 1, 0, 0, 0));
    show("lock", futex(mutex, FUTEX_LOCK_PI, 0, 0, 0, 0));
    show("move two", futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void*)1L, mutex, 0));
    print_word("locked still", getpid());
    show("unlock", futex(mutex, FUTEX_UNLOCK_PI, 0, 0, 0, 0));
    // Two are through; the third has the free mutex at once.
    int status, ended = 0;
    ended += wait(&status) > 0;
    ended += wait(&status) > 0;
    show("through", ended);
    *mutex = 0;
    show("move the last one", futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void*)1L, mutex, 0));
    ended += wait(&status) > 0;
    show("through", ended);
    say("the last: %d\n", WIFEXITED(status) && WEXITSTATUS(status) < 4);
    (void)a, (void)b, (void)c;
    pid_t plain = fork();
    if (plain == 0) _exit(futex(word, FUTEX_WAIT, 0, 0, 0, 0) == 0 ? 0 : 1);
    until_asleep(plain);
    *mutex = 0;
    show("a plain waiter cannot be moved", futex(word, FUTEX_CMP_REQUEUE_PI, 1, (void*)1L, mutex, 0));
    futex(word, FUTEX_WAKE, 9, 0, 0, 0);
    print_end("plain", plain);
    *mutex = 0;
}

static pthread_mutex_t* robust;

static void dying(void) {
    // The owner ends while somebody waits in the kernel.
    pid_t owner = fork();
    if (owner == 0) {
        futex(mutex, FUTEX_LOCK_PI, 0, 0, 0, 0);
        pause();
    }
    until_asleep(owner);
    pid_t waiter = locker(0, 5);
    kill(owner, SIGKILL);
    waitpid(owner, 0, 0);
    int status;
    waitpid(waiter, &status, 0);
    say("who waited has it: %s\n", status_text(status));
    print_word("marked", waiter);
    *mutex = 0;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    show("init", -pthread_mutex_init(robust, &attributes));
    pid_t child = fork();
    if (child == 0) {
        pthread_mutex_lock(robust);
        _exit(0);
    }
    waitpid(child, 0, 0);
    show("lock of the dead", -pthread_mutex_lock(robust));
    show("consistent", -pthread_mutex_consistent(robust));
    show("unlock", -pthread_mutex_unlock(robust));
    child = fork();
    if (child == 0) {
        pthread_mutex_lock(robust);
        pause();
    }
    until_asleep(child);
    pid_t killer = fork();
    if (killer == 0) {
        until_asleep(getppid());
        kill(child, SIGKILL);
        _exit(0);
    }
    show("lock of one who is killed", -pthread_mutex_lock(robust));
    while (wait(0) > 0) {}
    pthread_mutex_consistent(robust);
    show("unlock", -pthread_mutex_unlock(robust));
}

static pthread_mutex_t inherit;
static long counter;
static void* add(void* unused) {
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&inherit);
        long seen = counter;
        if (i % 64 == 0) sched_yield();
        counter = seen + 1;
        pthread_mutex_unlock(&inherit);
    }
    return unused;
}

static void threads(void) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&inherit, &attributes);
    pthread_t thread[4];
    for (int i = 0; i < 4; i++) pthread_create(&thread[i], 0, add, 0);
    for (int i = 0; i < 4; i++) pthread_join(thread[i], 0);
    show("four threads of 2000", counter);
}

struct waitv {
    uint64_t value, address;
    uint32_t flags, reserved;
};
#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

static void several(void) {
    static uint32_t words[4];
    struct waitv waiters[129];
    for (int i = 0; i < 129; i++) waiters[i] = (struct waitv){0, (uintptr_t)&words[i % 4], 2, 0};
    struct timespec soon = in_ms(CLOCK_MONOTONIC, 30), bad = {0, 1000000000};
    show("time-out", SYS(futex_waitv, waiters, 3, 0, &soon, CLOCK_MONOTONIC));
    soon = in_ms(CLOCK_REALTIME, 30);
    show("time-out, real time", SYS(futex_waitv, waiters, 128, 0, &soon, CLOCK_REALTIME));
    show("none", SYS(futex_waitv, waiters, 0, 0, 0L, 0));
    show("too many", SYS(futex_waitv, waiters, 129, 0, 0L, 0));
    show("flags", SYS(futex_waitv, waiters, 1, 1, 0L, 0));
    show("no array", SYS(futex_waitv, 0L, 1, 0, 0L, 0));
    show("bad array", SYS(futex_waitv, 8L, 1, 0, 0L, 0));
    show("bad time", SYS(futex_waitv, waiters, 1, 0, &bad, CLOCK_MONOTONIC));
    show("bad clock", SYS(futex_waitv, waiters, 1, 0, &soon, CLOCK_BOOTTIME));
    words[2] = 1;
    show("a value differs", SYS(futex_waitv, waiters, 3, 0, 0L, 0));
    words[2] = 0;
    waiters[1].flags = 0;
    show("no size", SYS(futex_waitv, waiters, 3, 0, 0L, 0));
    waiters[1] = (struct waitv){0, (uintptr_t)&words[1] + 1, 2, 0};
    show("unaligned", SYS(futex_waitv, waiters, 3, 0, 0L, 0));
    waiters[1] = (struct waitv){0, 8, 2, 0};
    show("a bad address", SYS(futex_waitv, waiters, 3, 0, 0L, 0));
    waiters[1] = (struct waitv){0, (uintptr_t)&words[1], 2, 1};
    show("reserved", SYS(futex_waitv, waiters, 3, 0, 0L, 0));
    waiters[0] = (struct waitv){0, (uintptr_t)word, 2, 0};
    waiters[1] = (struct waitv){0, (uintptr_t)mutex, 2, 0};
    pid_t self = getpid();
    if (fork() == 0) {
        until_asleep(self);
        _exit(futex(mutex, FUTEX_WAKE, 1, 0, 0, 0) == 1 ? 0 : 1);
    }
    show("woken by the second", SYS(futex_waitv, waiters, 3, 0, 0L, 0));
    int status;
    wait(&status);
    say("waker: %s\n", status_text(status));
}

int main(void) {
    enter("mutexes");
    char* shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    word = (uint32_t*)shared;
    mutex = (uint32_t*)(shared + 64);
    robust = (pthread_mutex_t*)(shared + 128);
    in_child("locking", locking);
    in_child("errors", errors);
    in_child("moving", moving);
    in_child("dying", dying);
    in_child("threads", threads);
    in_child("several", several);
}
