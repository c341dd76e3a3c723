// Clocks, sleeping, interval timers, POSIX timers, CPU time.
#include "tests/guest/cases/case.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/times.h>

static volatile sig_atomic_t ticks;
static volatile int value_seen, code_seen;
static void on_tick(int signal, siginfo_t* info, void* context) {
    (void)signal;
    (void)context;
    ticks++;
    value_seen = info->si_value.sival_int;
    code_seen = info->si_code;
}

// Whether `body` took between `least` and `most` milliseconds. The upper bound is generous: hosts are busy.
static double started;
static void begin(void) { started = seconds(CLOCK_MONOTONIC); }
static void took(const char* what, long least) {
    double ms = (seconds(CLOCK_MONOTONIC) - started) * 1000;
    say("%s: %s\n", what,
        ms < (double)least          ? "too short"
        : ms > (double)least + 3000 ? "too long"
                                    : "in time");
}

static void clocks(void) {
    struct timespec t, u;
    int ids[] = {CLOCK_REALTIME,          CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
                 CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
                 CLOCK_MONOTONIC_COARSE,  CLOCK_BOOTTIME};
    for (int i = 0; i < 8; i++) {
        say("clock %d: get %ld res %ld", ids[i], SYS(clock_gettime, ids[i], &t),
            SYS(clock_getres, ids[i], &u));
        say(" valid %d\n",
            t.tv_sec >= 0 && t.tv_nsec >= 0 && t.tv_nsec < 1000000000 && u.tv_sec == 0 && u.tv_nsec > 0);
    }
    show("clock_gettime bad clock", SYS(clock_gettime, 99, &t));
    show("clock_getres bad clock", SYS(clock_getres, 99, &t));
    show("clock_getres of nothing", SYS(clock_getres, CLOCK_MONOTONIC, 0L));
    show("clock_gettime bad pointer", SYS(clock_gettime, CLOCK_MONOTONIC, 8L));
    int backwards = 0;
    clock_gettime(CLOCK_MONOTONIC, &t);
    for (int i = 0; i < 20000; i++, t = u) {
        clock_gettime(CLOCK_MONOTONIC, &u);
        backwards += u.tv_sec < t.tv_sec || (u.tv_sec == t.tv_sec && u.tv_nsec < t.tv_nsec);
    }
    show("steps backwards", backwards);
    struct timeval now;
    show("gettimeofday", SYS(gettimeofday, &now, 0L));
    long second = SYS(time, 0L);
    check("time agrees", labs(second - now.tv_sec) <= 1);
    clock_gettime(CLOCK_REALTIME, &t);
    check("clock_gettime agrees", labs(t.tv_sec - now.tv_sec) <= 1);
    clock_gettime(CLOCK_REALTIME_COARSE, &u);
    check("coarse is close", labs(t.tv_sec - u.tv_sec) <= 1);
    check("after 2023", now.tv_sec > 1700000000);
    // The raw call and the vDSO tell one time.
    struct timespec raw;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &raw);
    clock_gettime(CLOCK_MONOTONIC, &t);
    double gap = (double)(t.tv_sec - raw.tv_sec) + (double)(t.tv_nsec - raw.tv_nsec) / 1e9;
    check("system call and vDSO agree", gap >= 0 && gap < 1);
}

static void* burn(void* unused) {
    for (volatile long i = 0;; i++) {}
    return unused;
}
static void nothing(int signal) { (void)signal; }

#define CPU_CLOCK_OF(id, kind) ((int)(~(unsigned)(id) << 3 | (kind)))

// Sleeps that end when the process, by another of its threads, has had enough CPU time.
static void cpu_time(void) {
    struct timespec bit = {0, 20000000}, until, left = {0, 0};
    pthread_t thread;
    pthread_create(&thread, 0, burn, 0);
    double before = seconds(CLOCK_PROCESS_CPUTIME_ID);
    show("process", SYS(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &bit, 0L));
    check("it had that much", seconds(CLOCK_PROCESS_CPUTIME_ID) - before >= 0.02);
    show("process by id", SYS(clock_nanosleep, CPU_CLOCK_OF(getpid(), 2), 0, &bit, 0L));
    show("own thread by id", SYS(clock_nanosleep, CPU_CLOCK_OF(gettid(), 6), 0, &bit, 0L));
    show("nobody", SYS(clock_nanosleep, CPU_CLOCK_OF(999999, 2), 0, &bit, 0L));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &until);
    show("until the past", SYS(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &until, 0L));
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    show("until", SYS(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &until, 0L));
    check("not before",
          seconds(CLOCK_PROCESS_CPUTIME_ID) >= (double)until.tv_sec + (double)until.tv_nsec / 1e9);
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, 0);
    alarms_every(20);
    bit.tv_sec = 500;
    show("interrupted", SYS(clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &bit, &left));
    check("most is left", left.tv_sec > 400 && left.tv_sec <= 500);
}

static void sleeping(void) {
    struct timespec bit = {0, 20000000}, left = {9, 9}, bad = {0, 1000000000}, negative = {-1, 0},
                    none = {0, 0};
    begin();
    show("nanosleep", SYS(nanosleep, &bit, &left));
    took("slept", 20);
    show("nanosleep zero", SYS(nanosleep, &none, 0L));
    show("nanosleep bad", SYS(nanosleep, &bad, 0L));
    show("nanosleep negative", SYS(nanosleep, &negative, 0L));
    show("nanosleep bad pointer", SYS(nanosleep, 8L, 0L));
    begin();
    show("clock_nanosleep", SYS(clock_nanosleep, CLOCK_MONOTONIC, 0, &bit, &left));
    took("slept", 20);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    begin();
    show("clock_nanosleep until", SYS(clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, 0L));
    took("slept", 18);
    show("clock_nanosleep until the past", SYS(clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &until, 0L));
    show("clock_nanosleep bad clock", SYS(clock_nanosleep, 99, 0, &bit, 0L));
    show("clock_nanosleep thread clock", SYS(clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &bit, 0L));
    show("clock_nanosleep raw clock", SYS(clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &bit, 0L));
    in_child("clock_nanosleep on CPU time", cpu_time);
    struct timespec long_time = {50, 0};
    alarms_every(20);
    show("clock_nanosleep interrupted", SYS(clock_nanosleep, CLOCK_MONOTONIC, 0, &long_time, &left));
    alarms_every(0);
    check("rest of the time", left.tv_sec >= 40);
}

static void intervals(void) {
    struct itimerval timer = {{0, 20000}, {0, 20000}}, old, none = {{0, 0}, {0, 0}};
    ticks = 0;
    show("setitimer", SYS(setitimer, ITIMER_REAL, &timer, &old));
    check("none before", old.it_value.tv_sec == 0 && old.it_value.tv_usec == 0);
    while (ticks < 3) pause();
    show("getitimer", SYS(getitimer, ITIMER_REAL, &old));
    check("interval", old.it_interval.tv_usec == 20000 && old.it_value.tv_usec <= 20000);
    show("setitimer off", SYS(setitimer, ITIMER_REAL, &none, &old));
    check("was on", old.it_interval.tv_usec == 20000);
    timer.it_value.tv_usec = 1000000;
    show("setitimer bad", SYS(setitimer, ITIMER_REAL, &timer, 0L));
    show("setitimer bad which", SYS(setitimer, 9, &none, 0L));
    show("alarm", SYS(alarm, 10));
    check("alarm again", SYS(alarm, 5) >= 9);
    SYS(getitimer, ITIMER_REAL, &old);
    check("alarm is the interval timer", old.it_value.tv_sec >= 4 && old.it_value.tv_sec <= 5);
    check("alarm off", SYS(alarm, 0) >= 4);
    // CPU time drives the other two.
    ticks = 0;
    timer = (struct itimerval){{0, 0}, {0, 10000}};
    setitimer(ITIMER_VIRTUAL, &timer, 0);
    begin();
    while (!ticks && seconds(CLOCK_MONOTONIC) - started < 5) {}
    show("virtual timer", ticks);
    ticks = 0;
    setitimer(ITIMER_PROF, &timer, 0);
    while (!ticks && seconds(CLOCK_MONOTONIC) - started < 10) {}
    show("profiling timer", ticks);
    // Both go on, period after period.
    timer.it_interval.tv_usec = 10000;
    for (int which = ITIMER_VIRTUAL; which <= ITIMER_PROF; which++) {
        ticks = 0;
        begin();
        setitimer(which, &timer, 0);
        while (ticks < 4 && seconds(CLOCK_MONOTONIC) - started < 10) {}
        setitimer(which, &none, 0);
        check("periods", ticks >= 4);
    }
}

static void posix(void) {
    int id = -1;
    struct sigevent event = {
        .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 321};
    show("timer_create", SYS(timer_create, CLOCK_MONOTONIC, &event, &id));
    struct itimerspec spec = {{0, 0}, {0, 20000000}}, now;
    ticks = 0;
    show("timer_settime", SYS(timer_settime, id, 0, &spec, 0L));
    show("timer_gettime", SYS(timer_gettime, id, &now));
    check("time left",
          now.it_value.tv_sec == 0 && now.it_value.tv_nsec > 0 && now.it_value.tv_nsec <= 20000000);
    while (!ticks) pause_ms(5);
    say("told: value %d code %d\n", value_seen, code_seen);
    SYS(timer_gettime, id, &now);
    check("spent", now.it_value.tv_sec == 0 && now.it_value.tv_nsec == 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, 0);
    spec.it_interval.tv_nsec = 5000000;
    spec.it_value.tv_nsec = 5000000;
    SYS(timer_settime, id, 0, &spec, 0L);
    pause_ms(60);
    spec = (struct itimerspec){{0, 0}, {0, 0}};
    siginfo_t info;
    show("wait for the tick", SYS(rt_sigtimedwait, &set, &info, 0L, 8L));
    check("overruns", info.si_overrun >= 5);
    check("timer_getoverrun", SYS(timer_getoverrun, id) == info.si_overrun);
    show("timer_settime off", SYS(timer_settime, id, 0, &spec, &now));
    check("was on", now.it_interval.tv_nsec == 5000000);
    sigprocmask(SIG_UNBLOCK, &set, 0);
    clock_gettime(CLOCK_REALTIME, &spec.it_value);
    ticks = 0;
    int real = -1;
    SYS(timer_create, CLOCK_REALTIME, &event, &real);
    show("absolute, past", SYS(timer_settime, real, TIMER_ABSTIME, &spec, 0L));
    while (!ticks) pause_ms(2);
    show("fired", ticks);
    show("timer_delete", SYS(timer_delete, id));
    show("timer_delete again", SYS(timer_delete, id));
    show("timer_gettime of deleted", SYS(timer_gettime, id, &now));
    show("timer_getoverrun of nobody", SYS(timer_getoverrun, 99999));
    show("timer_create bad clock", SYS(timer_create, 99, &event, &id));
    event.sigev_signo = 99;
    show("timer_create bad signal", SYS(timer_create, CLOCK_MONOTONIC, &event, &id));
    event = (struct sigevent){.sigev_notify = SIGEV_NONE};
    show("timer_create silent", SYS(timer_create, CLOCK_MONOTONIC, &event, &id));
    spec = (struct itimerspec){{0, 0}, {0, 1000000000}};
    show("timer_settime bad", SYS(timer_settime, id, 0, &spec, 0L));
}

static void work(void) {
    for (volatile long i = 0; i < 30000000; i++) {}
}

static void usage(void) {
    struct rusage before, after;
    struct timespec cpu0, cpu1;
    show("getrusage", SYS(getrusage, RUSAGE_SELF, &before));
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu0);
    work();
    SYS(getrusage, RUSAGE_SELF, &after);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu1);
    check("user time grows", after.ru_utime.tv_sec * 1000000 + after.ru_utime.tv_usec >
                                 before.ru_utime.tv_sec * 1000000 + before.ru_utime.tv_usec);
    check("CPU clock grows",
          cpu1.tv_sec * 1000000000 + cpu1.tv_nsec > cpu0.tv_sec * 1000000000 + cpu0.tv_nsec);
    check("resident set is counted", after.ru_maxrss > 0);
    check("faults are counted", after.ru_minflt > 0);
    in_child("child works", work);
    SYS(getrusage, RUSAGE_CHILDREN, &after);
    check("children's time", after.ru_utime.tv_sec > 0 || after.ru_utime.tv_usec > 0);
    show("getrusage of thread", SYS(getrusage, RUSAGE_THREAD, &after));
    show("getrusage bad who", SYS(getrusage, 99, &after));
    struct tms tms;
    check("times", SYS(times, &tms) != 0);
    check("its parts", tms.tms_utime >= 0 && tms.tms_cutime >= 0);
    struct timespec sleep0, sleep1;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &sleep0);
    pause_ms(100);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &sleep1);
    check("sleeping is no CPU time",
          (sleep1.tv_sec - sleep0.tv_sec) * 1000 + (sleep1.tv_nsec - sleep0.tv_nsec) / 1000000 < 50);
}

int main(void) {
    enter("timers");
    struct sigaction action = {.sa_sigaction = on_tick, .sa_flags = SA_SIGINFO};
    int signals[] = {SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1};
    for (int i = 0; i < 4; i++) sigaction(signals[i], &action, 0);
    clocks();
    sleeping();
    intervals();
    posix();
    usage();
}
