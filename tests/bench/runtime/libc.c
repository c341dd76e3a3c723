// The operations of runtime.cpp with a C library's means; the same lines.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kBatches = 5, kMiB = 1 << 20 };
#define CHECK(condition)        \
    do {                        \
        if (!(condition)) {     \
            perror(#condition); \
            exit(1);            \
        }                       \
    } while (0)

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e9 + t.tv_nsec;
}
static void row(const char* name, int count, void (*batch)(int)) {
    double best = 1e18;
    for (int i = 0; i < kBatches; i++) {
        double start = now();
        batch(count);
        double took = now() - start;
        if (took < best) best = took;
    }
    printf("%s %.1f\n", name, best / count);
    fflush(stdout);
}

static const char* self;
static volatile unsigned long sum;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void lock(int count) {
    for (int i = 0; i < count; i++) {
        pthread_mutex_lock(&mutex);
        sum = sum + 1;
        pthread_mutex_unlock(&mutex);
    }
}
static void* kept[64];
static void allocate(int count) {
    for (unsigned long i = 0; i < (unsigned long)count; i++) {
        void** slot = &kept[i * 7 % 64];
        free(*slot);
        *slot = malloc(16 + i % 500);
    }
}
static void* nothing(void* unused) { return unused; }
static void start_thread(int count) {
    for (int i = 0; i < count; i++) {
        pthread_t thread;
        CHECK(!pthread_create(&thread, NULL, nothing, NULL));
        pthread_join(thread, NULL);
    }
}
static void read_file(int count) {
    for (int i = 0; i < count; i++) {
        int file = open("/tmp/bench", O_RDONLY);
        struct stat status;
        CHECK(file >= 0 && !fstat(file, &status));
        char* whole = malloc((size_t)status.st_size);
        CHECK(read(file, whole, (size_t)status.st_size) == kMiB);
        free(whole);
        close(file);
    }
}
static void open_file(int count) {
    for (int i = 0; i < count; i++) {
        int file = open("/tmp/bench", O_RDONLY);
        CHECK(file >= 0);
        close(file);
    }
}
static void read_byte(int count) {
    FILE* in = fopen("/tmp/bench", "r");
    CHECK(in);
    for (int i = 0; i < count; i++) sum += (unsigned long)getc(in);
    fclose(in);
}
static FILE* null;
static void print(int count) {
    for (int i = 0; i < count; i++) CHECK(fputs("a line of output\n", null) >= 0 && !fflush(null));
}
static void format(int count) {
    char text[128];
    for (int i = 0; i < count; i++) snprintf(text, sizeof text, "%d %8s %x %s\n", i, "text", i, "true");
}
static void ask_time(int count) {
    for (int i = 0; i < count; i++) now();
}
static void randomize(int count) {
    char bytes[32];
    for (int i = 0; i < count; i++) CHECK(getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
}
static void get_variable(int count) {
    for (int i = 0; i < count; i++) sum += getenv("PATH") != NULL;
}
static void start_process(int count) {
    for (int i = 0; i < count; i++) {
        pid_t child;
        int status;
        char* arguments[] = {(char*)self, "nothing", NULL};
        CHECK(!posix_spawn(&child, self, NULL, NULL, arguments, NULL));
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
}
static int near, far;
static void connect_loopback(void) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof name;
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    CHECK(!bind(listener, (struct sockaddr*)&name, length) && !listen(listener, 1));
    CHECK(!getsockname(listener, (struct sockaddr*)&name, &length));
    near = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(!connect(near, (struct sockaddr*)&name, length));
    far = accept(listener, NULL, NULL);
    CHECK(far >= 0 && !setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}
static void exchange(int count) {
    char bytes[1024] = {0};
    for (int i = 0; i < count; i++) {
        CHECK(send(near, bytes, sizeof bytes, MSG_NOSIGNAL) == sizeof bytes);
        CHECK(recv(far, bytes, sizeof bytes, MSG_WAITALL) == sizeof bytes);
    }
}

int main(int argc, char** argv) {
    self = argv[0];
    if (argc > 1) return 0;
    row("sync:lock_and_unlock", 1000000, lock);
    row("alloc:16_to_515_bytes", 300000, allocate);
    row("fmt:format_a_line", 50000, format);
    row("time:now", 200000, ask_time);
    row("random:32_bytes", 20000, randomize);
    row("env:variable", 500000, get_variable);
    char* data = calloc(kMiB, 1);
    FILE* file = fopen("/tmp/bench", "w");
    CHECK(file && fwrite(data, 1, kMiB, file) == kMiB && !fclose(file));
    row("fs:open_and_close", 5000, open_file);
    row("fs:read_1_MiB", 10, read_file);
    row("io:buffered_byte", kMiB, read_byte);
    CHECK((null = fopen("/dev/null", "w")));
    row("stdio:print_a_line", 10000, print);
    connect_loopback();
    row("net:1_KiB_over_loopback", 3000, exchange);
    row("process:start_and_wait", 20, start_process);
    row("thread:spawn_and_join", 100, start_thread);
    row("sync:lock_beside_threads", 1000000, lock);
    return remove("/tmp/bench");
}
