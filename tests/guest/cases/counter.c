// Four threads, one mutex, a million increments each: nothing may be lost, on however many CPUs they run.
#include "tests/guest/cases/case.h"

#include <pthread.h>
#include <stdatomic.h>

enum { kThreads = 4, kRounds = 1000000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long guarded;
static atomic_long atomic;

static void* count_up(void* arg) {
    for (int i = 0; i < kRounds; i++) {
        pthread_mutex_lock(&lock);
        guarded++;
        pthread_mutex_unlock(&lock);
        atomic_fetch_add_explicit(&atomic, 1, memory_order_relaxed);
    }
    return arg;
}

int main(void) {
    pthread_t threads[kThreads];
    for (int i = 0; i < kThreads; i++)
        if (pthread_create(&threads[i], 0, count_up, 0)) say("pthread_create failed\n");
    for (int i = 0; i < kThreads; i++) pthread_join(threads[i], 0);
    show("under the mutex", guarded);
    show("atomically", atomic_load(&atomic));
    return 0;
}
