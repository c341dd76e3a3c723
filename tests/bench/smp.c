/* Four threads that only compute, again and again; prints the fewest nanoseconds one round took. Argument:
 * rounds. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { kThreads = 4, kSteps = 20000000 };

static void* compute(void* arg) {
    for (volatile unsigned long i = 0; i < kSteps;) i = i + 1;
    return arg;
}

static long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

int main(int argc, char** argv) {
    long long best = -1;
    for (int rounds = argc > 1 ? atoi(argv[1]) : 1; rounds > 0; rounds--) {
        pthread_t threads[kThreads];
        long long start = now_ns();
        for (int i = 0; i < kThreads; i++)
            if (pthread_create(&threads[i], 0, compute, 0)) return 1;
        for (int i = 0; i < kThreads; i++) pthread_join(threads[i], 0);
        long long took = now_ns() - start;
        if (best < 0 || took < best) best = took;
    }
    printf("%lld\n", best);
    return 0;
}
