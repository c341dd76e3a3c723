// soak SECONDS: mixed loads side by side, again and again for so long, and whether all that the kernel had in
// use is free again. The loads are /tests/load-*; one that ends with a status other than 0 fails the soak.
#include "tests/guest/storms/storm.h"

#include <glob.h>

enum { kWarmUpSeconds = 30 };

static time_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

// Starts a load with its output on ours.
static pid_t start(const char* load, int generation) {
    pid_t child = fork();
    if (child) return child;
    char number[16];
    snprintf(number, sizeof number, "%d", generation);
    execl(load, load, number, NULL);
    _exit(127);
}

// Keeps every load running until the time is over; a load that ends is started again.
static int soak(time_t until) {
    glob_t loads;
    if (glob("/tests/load-*", 0, NULL, &loads) != 0 || loads.gl_pathc > 16) return 1;
    pid_t running[16];
    int bad = 0, generation = 0;
    for (size_t i = 0; i < loads.gl_pathc; i++) running[i] = start(loads.gl_pathv[i], generation++);
    for (size_t left = loads.gl_pathc; left > 0;) {
        int status;
        pid_t ended = wait(&status);
        for (size_t i = 0; i < loads.gl_pathc; i++) {
            if (running[i] != ended) continue;
            if (status != 0) {
                printf("%s: status %#x\n", loads.gl_pathv[i], (unsigned)status);
                bad = 1;
            }
            running[i] = -1;
            if (!bad && now() < until)
                running[i] = start(loads.gl_pathv[i], generation++);
            else
                left--;
        }
    }
    printf("loads run: %d\n", generation);
    fflush(stdout);
    globfree(&loads);
    return bad;
}

static int seconds_of_round = kWarmUpSeconds, seconds_of_next;

static int round_of_loads(void) {
    int bad = soak(now() + seconds_of_round);
    seconds_of_round = seconds_of_next;
    return bad;
}

int main(int argc, char** argv) {
    seconds_of_next = argc > 1 ? atoi(argv[1]) : 60;
    if (seconds_of_next <= 0) return 2;
    chdir("/tmp");
    storm("soak", 1, round_of_loads);
    return storms_failed != 0;
}
