// Setting and tuning clocks: who may, what is refused, and that those who wait for a time of day notice.
#include "tests/guest/cases/case.h"

#include <sys/timex.h>
#include <sys/utsname.h>

static void refused(void) {
    struct timespec bad = {0, 1000000000}, negative = {-1, 0}, early = {0, 0};
    show("monotonic", SYS(clock_settime, CLOCK_MONOTONIC, &bad));
    show("boot time", SYS(clock_settime, CLOCK_BOOTTIME, &bad));
    show("CPU time", SYS(clock_settime, CLOCK_PROCESS_CPUTIME_ID, &early));
    show("no clock", SYS(clock_settime, 99, &early));
    show("not normalised", SYS(clock_settime, CLOCK_REALTIME, &bad));
    show("negative", SYS(clock_settime, CLOCK_REALTIME, &negative));
    show("before the start", SYS(clock_settime, CLOCK_REALTIME, &early));
    show("bad pointer", SYS(clock_settime, CLOCK_REALTIME, 8L));
    struct timeval micro = {0, 1000000};
    show("settimeofday not normalised", SYS(settimeofday, &micro, 0L));
    show("settimeofday bad pointer", SYS(settimeofday, 8L, 0L));
    show("settimeofday bad zone pointer", SYS(settimeofday, 0L, 8L));
    struct timezone zone = {1000, 0};
    show("settimeofday bad zone", SYS(settimeofday, 0L, &zone));
    struct timex timex = {.modes = ADJ_SETOFFSET, .time = {0, -1}};
    show("adjtimex bad step", SYS(adjtimex, &timex));
    show("adjtimex bad pointer", SYS(adjtimex, 8L));
    timex.modes = 0;
    show("clock_adjtime of the monotonic clock", SYS(clock_adjtime, CLOCK_MONOTONIC, &timex));
    show("clock_adjtime of no clock", SYS(clock_adjtime, 99, &timex));
    show("clock_adjtime bad pointer", SYS(clock_adjtime, CLOCK_REALTIME, 8L));
}

static void reading(void) {
    struct timex timex = {.modes = 0};
    long state = SYS(adjtimex, &timex);
    check("adjtimex", state >= 0 && state <= 5);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    check("its time is now", labs(timex.time.tv_sec - now.tv_sec) <= 1);
    check("its tick", timex.tick >= 9000 && timex.tick <= 11000);
    check("its precision", timex.precision > 0);
    timex = (struct timex){.modes = 0};
    check("clock_adjtime", SYS(clock_adjtime, CLOCK_REALTIME, &timex) == state);
}

static void users(void) {
    SYS(setresuid, 1000, 1000, 1000);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    show("a user sets the clock", SYS(clock_settime, CLOCK_REALTIME, &now));
    struct timeval micro = {now.tv_sec, 0};
    show("a user sets the time of day", SYS(settimeofday, &micro, 0L));
    struct timex timex = {.modes = ADJ_STATUS};
    show("a user tunes", SYS(adjtimex, &timex));
    timex.modes = 0;
    check("a user reads", SYS(adjtimex, &timex) >= 0);
}

// Linux's clock is other people's and is left alone; these are the results it would give.
static int mine;

static void steps(void) {
    struct timespec before, after;
    clock_gettime(CLOCK_REALTIME, &before);
    before.tv_sec += 1000;
    show("clock_settime", mine ? SYS(clock_settime, CLOCK_REALTIME, &before) : 0);
    clock_gettime(CLOCK_REALTIME, &after);
    check("moved on", !mine || after.tv_sec - before.tv_sec <= 5);
    check("the vDSO and the kernel agree", labs(after.tv_sec - time(0)) <= 1);
    struct timeval micro = {after.tv_sec - 500, 250000};
    show("settimeofday", mine ? SYS(settimeofday, &micro, 0L) : 0);
    clock_gettime(CLOCK_REALTIME, &after);
    check("moved back", !mine || labs(after.tv_sec - micro.tv_sec) <= 5);
    struct timex timex = {.modes = ADJ_SETOFFSET | ADJ_NANO, .time = {-500, 0}};
    check("adjtimex steps", !mine || SYS(adjtimex, &timex) >= 0);
    clock_gettime(CLOCK_REALTIME, &after);
    check("moved back", !mine || labs(after.tv_sec - (micro.tv_sec - 500)) <= 5);
}

static int rang;
static void ring(int signal) {
    (void)signal;
    rang = 1;
}

static void waiting(void) {
    struct timespec now, wanted;
    clock_gettime(CLOCK_REALTIME, &now);
    wanted = (struct timespec){now.tv_sec + 3600, 0};
    pid_t sleeper = fork();
    if (sleeper == 0) {
        if (!mine) _exit(0);
        _exit(SYS(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &wanted, 0L) == 0 ? 0 : 1);
    }
    if (mine) until_asleep(sleeper);
    signal(SIGUSR1, ring);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    timer_create(CLOCK_REALTIME, &event, &timer);
    struct itimerspec hour = {{0, 0}, wanted}, left;
    timer_settime(timer, TIMER_ABSTIME, &hour, 0);
    if (mine) {
        now.tv_sec += 1800;
        clock_settime(CLOCK_REALTIME, &now);
        timer_gettime(timer, &left);
    }
    check("half is left", !mine || (left.it_value.tv_sec > 1700 && left.it_value.tv_sec <= 1800));
    check("it has not rung", !rang);
    if (mine) {
        now.tv_sec += 1900;
        clock_settime(CLOCK_REALTIME, &now);
    }
    int status;
    waitpid(sleeper, &status, 0);
    say("the sleeper: %s\n", status_text(status));
    for (int i = 0; mine && i < 100 && !rang; i++) pause_ms(10);
    check("it rang", !mine || rang);
}

int main(void) {
    struct utsname name;
    uname(&name);
    mine = strstr(name.release, "astra") != 0;
    enter("clocksets");
    in_child("refused", refused);
    in_child("reading", reading);
    in_child("users", users);
    in_child("steps", steps);
    in_child("waiting", waiting);
}
