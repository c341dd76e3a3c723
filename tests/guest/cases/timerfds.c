// Timers as descriptors: arming, reading, waiting, missed expiries, clocks, errors.
#include "tests/guest/cases/case.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>

#define MS 1000000L

static long create(int clock, int flags) { return SYS(timerfd_create, clock, flags); }

// Arms for `first` ms from now, then every `period` ms.
static long arm(int fd, long first, long period) {
    struct itimerspec value = {{period / 1000, period % 1000 * MS}, {first / 1000, first % 1000 * MS}};
    return SYS(timerfd_settime, fd, 0, &value, 0L);
}

static long expiries(int fd) {
    uint64_t count = 0;
    long result = SYS(read, fd, &count, sizeof count);
    return result == 8 ? (long)count : result;
}

static void once(void) {
    int fd = (int)create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct itimerspec value;
    struct pollfd poller = {fd, POLLIN, 0};
    show("gettime of a fresh one", SYS(timerfd_gettime, fd, &value));
    say("left %ld.%ld period %ld.%ld\n", (long)value.it_value.tv_sec, value.it_value.tv_nsec,
        (long)value.it_interval.tv_sec, value.it_interval.tv_nsec);
    show("read before", expiries(fd));
    show("poll before", poll(&poller, 1, 0));
    show("arm", arm(fd, 40, 0));
    show("read too early", expiries(fd));
    SYS(timerfd_gettime, fd, &value);
    check("time is left", value.it_value.tv_nsec > 0 && value.it_value.tv_nsec <= 40 * MS);
    show("poll waits", poll(&poller, 1, 5000));
    say("revents %x\n", poller.revents);
    SYS(timerfd_gettime, fd, &value);
    say("left %ld.%ld\n", (long)value.it_value.tv_sec, value.it_value.tv_nsec);
    show("read", expiries(fd));
    show("read again", expiries(fd));
    arm(fd, 10000, 0);
    struct itimerspec off = {{0, 0}, {0, 0}};
    show("disarm", SYS(timerfd_settime, fd, 0, &off, &value));
    check("it had time left", value.it_value.tv_sec >= 9);
    SYS(timerfd_gettime, fd, &value);
    say("left %ld.%ld\n", (long)value.it_value.tv_sec, value.it_value.tv_nsec);
    show("write", SYS(write, fd, "12345678", 8L));
    show("read too few bytes", SYS(read, fd, &value, 7L));
    show("pread", SYS(pread64, fd, &value, 8L, 0L));
    char target[64] = "", path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    readlink(path, target, sizeof target - 1);
    say("%s\n", target);
    close(fd);
}

static void periods(void) {
    int fd = (int)create(CLOCK_MONOTONIC, 0);
    show("arm", arm(fd, 10, 10));
    pause_ms(105);
    long seen = expiries(fd);
    check("missed ones are counted", seen >= 9 && seen < 200);
    long next = expiries(fd);
    check("the next one is waited for", next >= 1 && next < 200);
    arm(fd, 10, 10);
    pause_ms(55);
    struct itimerspec value;
    SYS(timerfd_gettime, fd, &value);
    check("gettime counts on", value.it_value.tv_nsec > 0 && value.it_value.tv_nsec <= 10 * MS);
    say("period %ld\n", value.it_interval.tv_nsec / MS);
    check("and loses nothing", expiries(fd) >= 5);
    // A child reads from the same timer.
    arm(fd, 20, 0);
    if (fork() == 0) {
        show("in the child", expiries(fd));
        _exit(0);
    }
    wait(0);
    // epoll.
    int epoll = epoll_create1(0);
    struct epoll_event event = {EPOLLIN, {.u32 = 7}}, got = {0, {0}};
    SYS(epoll_ctl, epoll, EPOLL_CTL_ADD, fd, &event);
    arm(fd, 20, 0);
    show("epoll_wait", SYS(epoll_wait, epoll, &got, 1, 5000));
    say("events %x data %u\n", got.events, got.data.u32);
    close(fd);
}

static void nothing(int signal) { (void)signal; }

static void interrupted(void) {
    int fd = (int)create(CLOCK_MONOTONIC, 0);
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, 0);
    arm(fd, 5000, 0);
    alarms_every(20);
    show("read interrupted", expiries(fd));
    alarms_every(0);
}

static void absolute(void) {
    const int clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME};
    for (int i = 0; i < 3; i++) {
        int fd = (int)create(clocks[i], 0);
        struct itimerspec value = {{0, 0}, {0, 0}};
        clock_gettime(clocks[i], &value.it_value);
        value.it_value.tv_nsec += 30 * MS;
        if (value.it_value.tv_nsec >= 1000 * MS) {
            value.it_value.tv_nsec -= 1000 * MS;
            value.it_value.tv_sec++;
        }
        show("absolute", SYS(timerfd_settime, fd, TFD_TIMER_ABSTIME, &value, 0L));
        show("read", expiries(fd));
        double late =
            seconds(clocks[i]) - ((double)value.it_value.tv_sec + (double)value.it_value.tv_nsec / 1e9);
        check("not early", late > -0.001);
        pause_ms(50);
        value.it_interval.tv_nsec = 10 * MS;
        SYS(timerfd_settime, fd, TFD_TIMER_ABSTIME, &value, 0L);
        long passed = expiries(fd);
        check("50 ms ago, every 10 ms", passed >= 5 && passed < 200);
        close(fd);
    }
    int fd = (int)create(CLOCK_REALTIME, TFD_NONBLOCK);
    struct itimerspec value = {{0, 0}, {0, 0}};
    clock_gettime(CLOCK_REALTIME, &value.it_value);
    value.it_value.tv_sec += 100;
    show("cancel on set", SYS(timerfd_settime, fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &value, 0L));
    // Linux's clock is other people's; ours is this guest's.
    struct utsname name;
    uname(&name);
    int mine = strstr(name.release, "astra") != 0;
    struct timespec now;
    if (mine) {
        clock_gettime(CLOCK_REALTIME, &now);
        now.tv_sec += 1;
        clock_settime(CLOCK_REALTIME, &now);
    }
    show("the clock was set", mine ? expiries(fd) : -ECANCELED);
    show("then it goes on", expiries(fd));
    if (mine) {
        now.tv_sec += 100;
        clock_settime(CLOCK_REALTIME, &now);
    }
    show("the clock passed it", mine ? expiries(fd) : -ECANCELED);
}

static void errors(void) {
    struct itimerspec value = {{0, 0}, {0, 0}}, bad = {{0, 0}, {0, 1000 * MS}}, negative = {{-1, 0}, {1, 0}};
    show("bad clock", create(99, 0));
    show("CPU clock", create(CLOCK_PROCESS_CPUTIME_ID, 0));
    show("raw clock", create(CLOCK_MONOTONIC_RAW, 0));
    show("atomic clock", create(CLOCK_TAI, 0));
    show("bad flags", create(CLOCK_MONOTONIC, 1));
    int fd = (int)create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    show("close-on-exec", fcntl(fd, F_GETFD));
    show("settime bad flags", SYS(timerfd_settime, fd, 4, &value, 0L));
    show("settime not normalised", SYS(timerfd_settime, fd, 0, &bad, 0L));
    show("settime negative", SYS(timerfd_settime, fd, 0, &negative, 0L));
    show("settime bad pointer", SYS(timerfd_settime, fd, 0, 8L, 0L));
    show("settime bad old pointer", SYS(timerfd_settime, fd, 0, &value, 8L));
    show("settime bad descriptor", SYS(timerfd_settime, 77, 0, &value, 0L));
    show("settime of a file", SYS(timerfd_settime, 1, 0, &value, 0L));
    show("gettime bad pointer", SYS(timerfd_gettime, fd, 8L));
    show("gettime bad descriptor", SYS(timerfd_gettime, 77, &value));
    show("gettime of a file", SYS(timerfd_gettime, 1, &value));
    arm(fd, 1, 0);
    pause_ms(30);
    show("read to a bad address", SYS(read, fd, 8L, 8L));
    SYS(setresuid, 1000, 1000, 1000);
    show("a user's alarm clock", create(CLOCK_REALTIME_ALARM, 0));
}

int main(void) {
    enter("timerfds");
    in_child("once", once);
    in_child("periods", periods);
    in_child("interrupted", interrupted);
    in_child("absolute", absolute);
    in_child("errors", errors);
}
