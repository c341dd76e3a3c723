// The operations of runtime.cpp with a C library's means.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}
static void row(const char* name, double start, double count) {
    printf("%s %.1f ns\n", name, (now() - start) / count);
}
static void* nothing(void* unused) { return unused; }

int main(int argc, char** argv) {
    (void)argv;
    if (argc > 1) {
        puts("hello, world");
        return 0;
    }
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    volatile unsigned long counter = 0;
    double start = now();
    for (int i = 0; i < 1000000; i++) {
        pthread_mutex_lock(&mutex);
        counter = counter + 1;
        pthread_mutex_unlock(&mutex);
    }
    row("mutex", start, 1e6);

    void* kept[64] = {0};
    start = now();
    for (unsigned long i = 0; i < 1000000; i++) {
        void** slot = &kept[i * 7 % 64];
        free(*slot);
        *slot = malloc(16 + i % 500);
    }
    row("alloc+free", start, 1e6);

    start = now();
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL)) return 1;
        pthread_join(thread, NULL);
    }
    row("spawn+join", start, 200);

    char* data = calloc(1 << 20, 1);
    FILE* file = fopen("/tmp/bench", "w");
    if (!file || fwrite(data, 1, 1 << 20, file) != 1 << 20 || fclose(file)) return 1;
    start = now();
    for (int i = 0; i < 10; i++) {
        file = fopen("/tmp/bench", "r");
        char* whole = malloc(1 << 20);
        if (fread(whole, 1, 1 << 20, file) != 1 << 20) return 1;
        free(whole);
        fclose(file);
    }
    row("read-1MiB-file", start, 10);
    file = fopen("/tmp/bench", "r");
    start = now();
    unsigned long sum = 0;
    for (int i = 0; i < 1 << 20; i++) sum += (unsigned long)getc(file);
    row("buffered-byte", start, 1 << 20);
    fclose(file);
    if (sum) return 1;

    char text[128];
    start = now();
    for (int i = 0; i < 100000; i++) snprintf(text, sizeof text, "%d %8s %x %s\n", i, "text", i, "true");
    row("format", start, 1e5);
    return remove("/tmp/bench");
}
