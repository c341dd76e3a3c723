// Threads: identity, locks and conditions under load, thread-local storage, signals to threads, ends of
// threads and of the process.
#include "tests/guest/cases/case.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int counter;
static __thread int local = 7;
static atomic_int arrived;

static void* count_up(void* arg) {
    for (int i = 0; i < 20000; i++) {
        pthread_mutex_lock(&lock);
        counter++;
        pthread_mutex_unlock(&lock);
    }
    local += (int)(long)arg;
    return (void*)(long)local;
}

static void* identity(void* arg) {
    long* out = arg;
    out[0] = getpid();
    out[1] = gettid();
    return 0;
}

static int turn;
static void* ping(void* arg) {
    int me = (int)(long)arg;
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&lock);
        while (turn != me) pthread_cond_wait(&changed, &lock);
        turn = 1 - me;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
    return 0;
}

static pthread_barrier_t barrier;
static void* meet(void* arg) {
    (void)arg;
    for (int i = 0; i < 50; i++)
        if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) atomic_fetch_add(&arrived, 1);
    return 0;
}

static void run(int threads, void* (*body)(void*), void** results) {
    pthread_t t[16];
    for (long i = 0; i < threads; i++)
        if (pthread_create(&t[i], 0, body, (void*)i)) say("pthread_create failed\n");
    for (int i = 0; i < threads; i++) pthread_join(t[i], results ? &results[i] : 0);
}

static void together(void) {
    void* results[8];
    run(8, count_up, results);
    show("count under a lock", counter);
    for (int i = 0; i < 8; i++) say("thread-local %d: %ld\n", i, (long)results[i]);
    show("main's is untouched", local);
    run(2, ping, 0);
    say("4000 turns: fine\n");
    pthread_barrier_init(&barrier, 0, 4);
    run(4, meet, 0);
    show("barrier rounds", arrived);
    long ids[2];
    pthread_t t;
    pthread_create(&t, 0, identity, ids);
    pthread_join(t, 0);
    check("same process", ids[0] == getpid());
    check("own thread id", ids[1] != gettid());
    check("main's thread id is the process id", gettid() == getpid());
    check("set_tid_address gives the thread id", SYS(set_tid_address, &counter) == gettid());
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    struct timespec soon;
    clock_gettime(CLOCK_REALTIME, &soon);
    show("semaphore time-out", sem_timedwait(&semaphore, &soon) < 0 ? -errno : 0);
    pthread_mutex_lock(&lock);
    show("timed lock", -pthread_mutex_timedlock(&lock, &soon));
    show("try lock", -pthread_mutex_trylock(&lock));
    show("timed wait", -pthread_cond_timedwait(&changed, &lock, &soon));
    pthread_mutex_unlock(&lock);
}

static atomic_int handled_by, ready;
static void on_signal(int signal) {
    (void)signal;
    atomic_store(&handled_by, gettid());
}
static void* sleeper(void* arg) {
    atomic_store((atomic_int*)arg, gettid());
    atomic_fetch_add(&ready, 1);
    while (!atomic_load(&handled_by)) pause_ms(2);
    return 0;
}

static void directed(void) {
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, 0);
    atomic_int tid = 0;
    pthread_t t;
    pthread_create(&t, 0, sleeper, &tid);
    while (!atomic_load(&ready)) pause_ms(1);
    show("tgkill", SYS(tgkill, getpid(), atomic_load(&tid), SIGUSR1));
    pthread_join(t, 0);
    check("the thread itself handled it", atomic_load(&handled_by) == tid);
    // A process signal goes to a thread that does not block it.
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    atomic_store(&handled_by, 0);
    atomic_store(&ready, 0);
    pthread_create(&t, 0, sleeper, &tid);
    while (!atomic_load(&ready)) pause_ms(1);
    pthread_sigmask(SIG_BLOCK, &set, 0);
    kill(getpid(), SIGUSR1);
    pthread_join(t, 0);
    check("the open one handled it", atomic_load(&handled_by) == tid);
    pthread_sigmask(SIG_UNBLOCK, &set, 0);
    long gone;  // A join returns when the thread has cleared its id, which Linux does before it forgets the
                // thread.
    for (int tries = 0; (gone = SYS(tgkill, getpid(), tid, 0)) == 0 && tries < 1000; tries++) pause_ms(1);
    show("tgkill of the gone", gone);
}

static void* leave(void* arg) {
    (void)arg;
    pause_ms(10);
    syscall(SYS_exit_group, 21);
    return 0;
}
static void exits_by_thread(void) {
    pthread_t t;
    pthread_create(&t, 0, leave, 0);
    pause();
}
static void* finish(void* arg) {
    (void)arg;
    pause_ms(30);
    say("thread outlives main\n");
    _exit(22);
}
static void main_leaves_first(void) {
    pthread_t t;
    pthread_create(&t, 0, finish, 0);
    syscall(SYS_exit, 0);
}
static void* crash(void* arg) {
    (void)arg;
    *(volatile int*)16 = 1;
    return 0;
}
static void killed_by_thread(void) {
    pthread_t t;
    pthread_create(&t, 0, crash, 0);
    pause();
}
static void* execute(void* arg) {
    (void)arg;
    char* argv[] = {"threads", "single", 0};
    execve("/bin/threads", argv, (char*[]){0});
    return 0;
}
static void exec_by_thread(void) {
    pthread_t t;
    for (int i = 0; i < 3; i++) pthread_create(&t, 0, sleeper, &ready);
    pthread_create(&t, 0, execute, 0);
    pause();
}
static void fork_by_thread(void) {
    pthread_t t;
    atomic_store(&handled_by, 0);
    pthread_create(&t, 0, sleeper, &ready);
    pid_t child = fork();
    if (child == 0) _exit(gettid() == getpid() ? 23 : 1);
    int status;
    waitpid(child, &status, 0);
    say("only the caller is copied: %s\n", status_text(status));
}

static int raw_stack[16384] __attribute__((aligned(16)));
static volatile int raw_ran;
static uint32_t raw_tid;
static int raw_body(void* arg) {
    raw_ran = (int)(long)arg;
    return 0;
}

static void* one_of_many(void* arg) {
    atomic_fetch_add((atomic_int*)arg, 1);
    return 0;
}

int main(int argc, char** argv) {
    if (argc > 1 && strcmp(argv[1], "single") == 0) {
        check("exec leaves one thread, the leader", gettid() == getpid());
        return 24;
    }
    enter("threads");
    together();
    directed();
    in_child("exit_group by a thread", exits_by_thread);
    in_child("main's thread exits first", main_leaves_first);
    in_child("fault in a thread", killed_by_thread);
    in_child("exec by a thread", exec_by_thread);
    in_child("fork by a thread", fork_by_thread);
    // A thread by clone itself: the kernel clears and wakes its tid word at the end.
    int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |
                CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
    int tid = clone(raw_body, raw_stack + 16384, flags, (void*)99L, &raw_tid, 0, &raw_tid);
    check("clone", tid > 0);
    for (uint32_t seen; (seen = __atomic_load_n(&raw_tid, __ATOMIC_ACQUIRE)) != 0;)
        SYS(futex, &raw_tid, FUTEX_WAIT, seen, 0L);
    show("it ran", raw_ran);
    atomic_int total = 0;
    for (int round = 0; round < 50; round++) {
        pthread_t t[16];
        pthread_attr_t small;
        pthread_attr_init(&small);
        pthread_attr_setstacksize(&small, 65536);
        for (int i = 0; i < 16; i++) pthread_create(&t[i], &small, one_of_many, &total);
        for (int i = 0; i < 16; i++) pthread_join(t[i], 0);
    }
    show("threads made and joined", total);
}
