// Signals: actions, masks, what a handler is told, restarting, stacks, waiting, default actions.
#include "tests/guest/cases/case.h"

#include <setjmp.h>
#include <ucontext.h>

static volatile sig_atomic_t count, order[16], depth, deepest;
static siginfo_t last;

static void on_signal(int signal) {
    if (count < 16) order[count] = signal;
    count++;
    depth++;
    if (depth > deepest) deepest = depth;
    if (signal == SIGUSR1 && depth == 1) raise(SIGUSR2);
    depth--;
}

static void on_info(int signal, siginfo_t* info, void* context) {
    (void)signal;
    (void)context;
    last = *info;
    count++;
}

static void install(int signal, void (*handler)(int), int flags, int masked) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    if (masked) sigaddset(&action.sa_mask, masked);
    sigaction(signal, &action, 0);
}
static void install_info(int signal, int flags) {
    struct sigaction action = {.sa_sigaction = on_info, .sa_flags = flags | SA_SIGINFO};
    sigaction(signal, &action, 0);
}
static void mask(int how, int signal) {
    sigset_t set;
    sigemptyset(&set);
    if (signal) sigaddset(&set, signal);
    sigprocmask(how, &set, 0);
}

static void actions(void) {
    struct {
        void* handler;
        unsigned long flags;
        void* restorer;
        unsigned long mask;
    } action = {0}, old = {0};
    show("rt_sigaction read", SYS(rt_sigaction, SIGUSR1, 0L, &old, 8L));
    check("default at first", old.handler == 0);
    show("rt_sigaction of KILL", SYS(rt_sigaction, SIGKILL, &action, 0L, 8L));
    show("rt_sigaction of STOP", SYS(rt_sigaction, SIGSTOP, &action, 0L, 8L));
    show("rt_sigaction read of KILL", SYS(rt_sigaction, SIGKILL, 0L, &old, 8L));
    show("rt_sigaction of 0", SYS(rt_sigaction, 0, 0L, &old, 8L));
    show("rt_sigaction of 65", SYS(rt_sigaction, 65, 0L, &old, 8L));
    show("rt_sigaction of 64", SYS(rt_sigaction, 64, 0L, &old, 8L));
    show("rt_sigaction bad size", SYS(rt_sigaction, SIGUSR1, 0L, &old, 4L));
    install(SIGUSR1, on_signal, 0, 0);
    install(SIGUSR2, on_signal, 0, 0);
    raise(SIGUSR1);
    say("nested: %d signals, depth %d, order %d %d\n", count, deepest, order[0], order[1]);
    install(SIGUSR1, on_signal, 0, SIGUSR2);
    count = deepest = 0;
    raise(SIGUSR1);
    say("masked in handler: %d signals, depth %d, order %d %d\n", count, deepest, order[0], order[1]);
    install(SIGUSR2, on_signal, SA_RESETHAND, 0);
    raise(SIGUSR2);
    struct sigaction now;
    sigaction(SIGUSR2, 0, &now);
    check("SA_RESETHAND resets", now.sa_handler == SIG_DFL);
}

static void masks(void) {
    sigset_t set, old;
    install(SIGUSR2, on_signal, 0, 0);
    mask(SIG_BLOCK, SIGUSR2);
    count = 0;
    raise(SIGUSR2);
    raise(SIGUSR2);
    show("blocked", count);
    show("rt_sigpending", SYS(rt_sigpending, &set, 8L));
    check("is pending", sigismember(&set, SIGUSR2));
    mask(SIG_UNBLOCK, SIGUSR2);
    show("standard signals do not queue", count);
    install(40, on_signal, 0, 0);
    install(41, on_signal, 0, 0);
    mask(SIG_BLOCK, 40);
    mask(SIG_BLOCK, 41);
    count = 0;
    raise(41);
    raise(40);
    raise(41);
    raise(40);
    mask(SIG_SETMASK, 0);
    say("real-time signals queue: %d: %d %d %d %d\n", count, order[0], order[1], order[2], order[3]);
    show("rt_sigprocmask bad how", SYS(rt_sigprocmask, 9, &set, 0L, 8L));
    show("rt_sigprocmask read", SYS(rt_sigprocmask, 9, 0L, &old, 8L));
    show("rt_sigprocmask bad size", SYS(rt_sigprocmask, SIG_BLOCK, &set, 0L, 9L));
    sigfillset(&set);
    sigprocmask(SIG_SETMASK, &set, 0);
    sigprocmask(SIG_SETMASK, 0, &old);
    check("KILL cannot be blocked", !sigismember(&old, SIGKILL) && !sigismember(&old, SIGSTOP));
    mask(SIG_SETMASK, 0);
    install(SIGUSR2, SIG_IGN, 0, 0);
    mask(SIG_BLOCK, SIGUSR2);
    raise(SIGUSR2);
    sigpending(&set);
    mask(SIG_SETMASK, 0);
    install(SIGCHLD, SIG_DFL, 0, 0);
    raise(SIGCHLD);
    raise(SIGURG);
    raise(SIGWINCH);
    say("ignored by default: fine\n");
}

static void information(void) {
    count = 0;
    install_info(SIGUSR1, 0);
    SYS(kill, getpid(), SIGUSR1);
    say("kill: code %d own pid %d uid %d\n", last.si_code, last.si_pid == getpid(), last.si_uid);
    SYS(tgkill, getpid(), gettid(), SIGUSR1);
    say("tgkill: code %d\n", last.si_code);
    SYS(tkill, gettid(), SIGUSR1);
    say("tkill: code %d\n", last.si_code);
    siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
    info.si_pid = getpid();
    info.si_value.sival_int = 1234;
    show("rt_sigqueueinfo", SYS(rt_sigqueueinfo, getpid(), SIGUSR1, &info));
    say("queue: code %d value %d\n", last.si_code, last.si_value.sival_int);
    pid_t child = fork();
    if (child == 0) {
        info.si_code = SI_USER;
        show("forged code to another process", SYS(rt_sigqueueinfo, getppid(), SIGUSR1, &info));
        _exit(0);
    }
    wait(0);
    install_info(SIGCHLD, SA_NOCLDSTOP);
    count = 0;
    child = fork();
    if (child == 0) _exit(3);
    while (count == 0) pause_ms(2);
    say("SIGCHLD: code %d status %d its pid %d\n", last.si_code, last.si_status, last.si_pid == child);
    wait(0);
    install(SIGCHLD, SIG_DFL, 0, 0);
    show("kill nobody", SYS(kill, 999999, SIGUSR1));
    show("kill signal 0", SYS(kill, getpid(), 0));
    show("kill bad signal", SYS(kill, getpid(), 65));
    child = fork();
    if (child == 0) pause();
    show("tgkill wrong group", SYS(tgkill, child, gettid(), 0));
    kill(child, SIGKILL);
    waitpid(child, 0, 0);
    show("tgkill bad", SYS(tgkill, -1, gettid(), 0));
    show("tkill nobody", SYS(tkill, 999999, 0));
}

static void restarting(void) {
    int p[2];
    char c;
    pipe(p);
    for (int restart = 0; restart < 2; restart++) {
        install(SIGALRM, on_signal, restart ? SA_RESTART : 0, 0);
        pid_t child = fork();
        if (child == 0) {
            pause_ms(200);
            write(p[1], "x", 1);
            _exit(0);
        }
        count = 0;
        alarms_every(20);
        show(restart ? "read with SA_RESTART" : "read without", SYS(read, p[0], &c, 1L));
        alarms_every(0);
        check("signals came", count > 0);
        if (!restart) read(p[0], &c, 1);
        wait(0);
    }
    alarms_every(20);
    struct timespec time = {50, 0}, left;
    show("nanosleep with SA_RESTART", SYS(nanosleep, &time, &left));
    check("time left", left.tv_sec >= 40);
    show("pause", SYS(pause));
    pid_t child = fork();
    if (child == 0) {
        pause_ms(50);
        _exit(1);
    }
    check("wait4 restarts", SYS(wait4, child, 0L, 0, 0L) == child);
    alarms_every(0);
}

static void waiting(void) {
    sigset_t set;
    siginfo_t info;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    mask(SIG_BLOCK, SIGUSR1);
    mask(SIG_BLOCK, SIGUSR2);
    struct timespec none = {0, 0}, bit = {0, 20000000}, bad = {0, -1};
    show("rt_sigtimedwait nothing", SYS(rt_sigtimedwait, &set, &info, &none, 8L));
    show("rt_sigtimedwait times out", SYS(rt_sigtimedwait, &set, &info, &bit, 8L));
    show("rt_sigtimedwait bad time", SYS(rt_sigtimedwait, &set, &info, &bad, 8L));
    raise(SIGUSR2);
    show("rt_sigtimedwait", SYS(rt_sigtimedwait, &set, &info, &none, 8L));
    say("info: signal %d code %d\n", info.si_signo, info.si_code);
    pid_t parent = getpid();
    if (fork() == 0) {
        pause_ms(20);
        sigqueue(parent, SIGUSR1, (union sigval){.sival_int = 77});
        _exit(0);
    }
    show("rt_sigtimedwait for another process", SYS(rt_sigtimedwait, &set, &info, 0L, 8L));
    say("info: value %d\n", info.si_value.sival_int);
    wait(0);
    install(SIGUSR1, on_signal, 0, 0);
    install(SIGUSR2, on_signal, 0, 0);
    raise(SIGUSR1);
    count = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    show("rt_sigsuspend", SYS(rt_sigsuspend, &set, 8L));
    show("handled before it returned", count);
    sigset_t now;
    sigprocmask(SIG_SETMASK, 0, &now);
    check("mask is back", sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2));
    sigpending(&now);
    check("what the handler raised waits", sigismember(&now, SIGUSR2));
    mask(SIG_SETMASK, 0);
    show("and comes after", count);
    show("rt_sigsuspend bad size", SYS(rt_sigsuspend, &set, 7L));
}

static char stack[32768];
static volatile sig_atomic_t on_stack, stack_flags;
static void on_alternate(int signal) {
    (void)signal;
    char here;
    on_stack = &here >= stack && &here < stack + sizeof stack;
    stack_t now;
    sigaltstack(0, &now);
    stack_flags = now.ss_flags;
}

static sigjmp_buf out;
static void on_overflow(int signal) {
    (void)signal;
    siglongjmp(out, 1);
}
static int overflow(int n) {
    volatile char frame[4096];
    frame[0] = (char)n;
    return n < 0 ? 0 : overflow(n + 1) + frame[0];
}

static void stacks(void) {
    stack_t new = {.ss_sp = stack, .ss_size = sizeof stack}, old;
    show("sigaltstack", SYS(sigaltstack, &new, &old));
    check("none before", old.ss_flags == SS_DISABLE);
    install(SIGUSR1, on_alternate, SA_ONSTACK, 0);
    raise(SIGUSR1);
    say("on the alternate stack: %d, flags %d\n", on_stack, stack_flags);
    install(SIGUSR1, on_alternate, 0, 0);
    raise(SIGUSR1);
    say("without SA_ONSTACK: %d\n", on_stack);
    new.ss_size = 100;
    show("sigaltstack too small", SYS(sigaltstack, &new, 0L));
    new.ss_flags = 0x40;
    show("sigaltstack bad flags", SYS(sigaltstack, &new, 0L));
    install(SIGSEGV, on_overflow, SA_ONSTACK, 0);
    if (sigsetjmp(out, 1) == 0)
        overflow(0);
    else
        say("stack overflow was handled\n");
}

static void on_context(int signal, siginfo_t* info, void* context) {
    (void)signal;
    (void)info;
    ucontext_t* c = context;
    c->uc_mcontext.gregs[REG_RIP] += 2;  // past ud2
    c->uc_mcontext.gregs[REG_RAX] = 4242;
    sigaddset(&c->uc_sigmask, SIGUSR2);
}

static void contexts(void) {
    struct sigaction action = {.sa_sigaction = on_context, .sa_flags = SA_SIGINFO};
    sigaction(SIGILL, &action, 0);
    long value = 1;
    double floating = 1.5;
    __asm__ volatile("ud2" : "+a"(value) : : "memory");
    show("the handler changed rax", value);
    check("floating point survived", floating * 2 == 3.0);
    sigset_t now;
    sigprocmask(SIG_SETMASK, 0, &now);
    check("and the mask", sigismember(&now, SIGUSR2));
    mask(SIG_SETMASK, 0);
    install_info(SIGFPE, 0);
    struct sigaction skip = {.sa_sigaction = on_context, .sa_flags = SA_SIGINFO};
    sigaction(SIGFPE, &skip, 0);
    volatile int zero = 0;
    value = 7;
    __asm__ volatile("idivl %2" : "+a"(value) : "d"(0), "c"(zero) : "memory");  // two bytes long
    show("division by zero was stepped over", value);
    mask(SIG_SETMASK, 0);
}

static void die(int signal) {
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);  // a group that is not orphaned: TSTP, TTIN and TTOU stop
        install(signal, SIG_DFL, 0, 0);
        raise(signal);
        _exit(0);
    }
    int status;
    waitpid(child, &status, WUNTRACED);
    say("default of %s: %s\n", sigabbrev_np(signal), status_text(status));
    if (WIFSTOPPED(status)) {
        kill(child, SIGKILL);
        waitpid(child, 0, 0);
    }
}

int main(void) {
    enter("signals");
    actions();
    masks();
    information();
    restarting();
    waiting();
    contexts();
    stacks();
    for (int signal = 1; signal < 32; signal++) die(signal);
    install(SIGUSR1, SIG_DFL, 0, 0);
    pid_t child = fork();
    if (child == 0) raise(50);
    int status;
    waitpid(child, &status, 0);
    say("default of a real-time signal: %d\n", WTERMSIG(status));
}
