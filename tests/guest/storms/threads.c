// Storms of threads: made and ended in every way, on futexes of every kind, under signals.
#include "tests/guest/storms/storm.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

static void* nothing(void* unused) { return unused; }
static void* for_ever(void* unused) {
    for (;;) pause();
    return unused;
}

static int made_and_ended(void) {
    pthread_t thread[8];
    for (int i = 0; i < 12; i++) {
        for (int t = 0; t < 8; t++)
            if (pthread_create(&thread[t], 0, nothing, 0)) return 1;
        for (int t = 0; t < 8; t++) pthread_join(thread[t], 0);
    }
    // Threads that their process ends: by exit, by a kill, by another program.
    for (int way = 0; way < 6; way++) {
        pid_t child = fork();
        if (child == 0) {
            for (int t = 0; t < 6; t++) pthread_create(&thread[t], 0, for_ever, 0);
            if (way % 3 == 0) _exit(0);
            if (way % 3 == 1) for_ever(0);
            execl("/proc/self/exe", "threads", "nothing", (char*)0);
            _exit(99);
        }
        usleep(2000);
        if (way % 3 == 1) kill(child, SIGKILL);
        int status;
        if (waitpid(child, &status, 0) != child) return 2;
        if (way % 3 == 1 ? !WIFSIGNALED(status) : status != 0) return 3;
    }
    return 0;
}

enum { kThreads = 6, kTurns = 300 };
static pthread_mutex_t plain = PTHREAD_MUTEX_INITIALIZER, inheriting;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static long under_plain, under_inheriting, turn;

static void* hammer(void* self) {
    long me = (long)self;
    for (int i = 0; i < kTurns; i++) {
        pthread_mutex_lock(&plain);
        under_plain++;
        pthread_mutex_unlock(&plain);
        pthread_mutex_lock(&inheriting);
        under_inheriting++;
        if (i % 32 == 0) sched_yield();
        pthread_mutex_unlock(&inheriting);
        if (i % 16 == 0) pthread_barrier_wait(&barrier);
    }
    for (int i = 0; i < 20; i++) {
        pthread_mutex_lock(&plain);
        while (turn % kThreads != me) pthread_cond_wait(&turned, &plain);
        turn++;
        pthread_cond_broadcast(&turned);
        pthread_mutex_unlock(&plain);
    }
    return 0;
}

static int locks(void) {
    pthread_t thread[kThreads];
    under_plain = under_inheriting = turn = 0;
    for (long t = 0; t < kThreads; t++) pthread_create(&thread[t], 0, hammer, (void*)t);
    for (int t = 0; t < kThreads; t++) pthread_join(thread[t], 0);
    return under_plain != kThreads * kTurns || under_inheriting != kThreads * kTurns || turn != kThreads * 20;
}

static uint32_t words[4];
static _Atomic int stop;

static long futex(uint32_t* at, int op, uint32_t value, const void* time, uint32_t* to, uint32_t value3) {
    return syscall(SYS_futex, at, op, value, time, to, value3);
}

// Waiters that time out, are woken, moved and interrupted all at once.
static void* wait_for_words(void* self) {
    long me = (long)self;
    struct timespec soon = {0, 500000};
    for (int i = 0; i < kTurns; i++) futex(&words[(me + i) % 4], FUTEX_WAIT, 0, &soon, 0, 0);
    return 0;
}
static void* move_words(void* self) {
    long me = (long)self;
    for (int i = 0; !stop; i++) {
        futex(&words[i % 4], FUTEX_CMP_REQUEUE, 1, (void*)2L, &words[(i + me) % 4], 0);
        futex(&words[(i + 1) % 4], FUTEX_WAKE, 1, 0, 0, 0);
        if (i % 8 == 0) usleep(200);
    }
    return 0;
}

static int moves(void) {
    pthread_t waiter[4], mover[2];
    stop = 0;
    for (long t = 0; t < 2; t++) pthread_create(&mover[t], 0, move_words, (void*)(t + 1));
    for (long t = 0; t < 4; t++) pthread_create(&waiter[t], 0, wait_for_words, (void*)t);
    for (int t = 0; t < 4; t++) pthread_join(waiter[t], 0);
    stop = 1;
    for (int t = 0; t < 2; t++) pthread_join(mover[t], 0);
    return 0;
}

static _Atomic long handled;
static void count(int signal) {
    (void)signal;
    handled++;
}

// Every thread sends signals to every other one.
static pthread_t bombers[4];
static void* bomb(void* self) {
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 100; i++)
        pthread_kill(bombers[(i + (long)self) % 4], SIGUSR1 + i % 2 * (SIGUSR2 - SIGUSR1));
    pthread_barrier_wait(&barrier);
    return 0;
}

static int bombs(void) {
    struct sigaction action = {.sa_handler = count};
    sigaction(SIGUSR1, &action, 0);
    sigaction(SIGUSR2, &action, 0);
    pthread_barrier_t whole = barrier;
    pthread_barrier_init(&barrier, 0, 4);
    handled = 0;
    for (long t = 0; t < 4; t++) pthread_create(&bombers[t], 0, bomb, (void*)t);
    for (int t = 0; t < 4; t++) pthread_join(bombers[t], 0);
    pthread_barrier_destroy(&barrier);
    barrier = whole;
    return handled == 0;
}

int main(int argc, char** argv) {
    (void)argv;
    if (argc > 1) return 0;
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&inheriting, &attributes);
    pthread_barrier_init(&barrier, 0, kThreads);
    storm("made and ended", 6, made_and_ended);
    storm("locks", 6, locks);
    storm("moves", 6, moves);
    storm("bombs", 6, bombs);
    printf("threads: %s\n", storms_failed ? "FAILED" : "passed");
    return storms_failed != 0;
}
