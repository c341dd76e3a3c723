// Every pointer argument of every system call, wrong in every way: null, unmapped, in the kernel's half, at
// the end of the address space, and the last byte before unmapped memory. One line per argument. The calls
// come from the kernel's own table, so a new row is swept without a word here unless its other arguments need
// more than the defaults.
#include "tests/guest/cases/case.h"

#include <grp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "guest_kernel/abi/syscall_table.hpp"

enum { kNone = 0xffff, kArguments = 6, kPage = 4096 };

struct call {
    long number;
    const char *name, *arguments, *types;
};
static const struct call calls[] = {
#define ROW(linux, astra, name, summary, arguments, ...) {linux, #name, arguments, #__VA_ARGS__},
    ASTRA_SYSCALL_TABLE(ROW)
#undef ROW
};

// Descriptors that are open for every call.
enum {
    kFile = 20,
    kOther,
    kDirectory,
    kPipeOut,
    kPipeIn,
    kPeer,
    kSocket,
    kListener,
    kUnbound,
    kEpoll,
    kEvent,
    kInotify,
    kTimer,
    kPidFd
};
// Values known only when the program runs.
enum { kSelf = 1 << 30 };

static char* const buffers = (char*)0x10000000;  // 64 KiB for each argument
static char* const last_byte = (char*)0x20000fff;

// Values of arguments: of one call, or of every call that has an argument of that name. The first that fits
// counts; an argument that nothing fits is 0, or the address of zeros when it is a pointer.
static const struct value {
    const char *call, *argument;
    long value;
} values[] = {
    {"accept", "fd", kListener},
    {"accept4", "fd", kListener},
    {"bind", "fd", kUnbound},
    {"connect", "fd", kUnbound},
    {"copy_file_range", "fd_out", kOther},
    {"epoll_ctl", "fd", kEvent},
    {"epoll_ctl", "op", EPOLL_CTL_ADD},
    {"futex", "value", 1},
    {"getcwd", "size", 64},
    {"getdents", "count", 1024},
    {"getdents", "fd", kDirectory},
    {"getdents64", "count", 1024},
    {"getdents64", "fd", kDirectory},
    {"getgroups", "size", 1},
    {"getpeername", "fd", kSocket},
    {"getsockname", "fd", kSocket},
    {"getsockopt", "fd", kSocket},
    {"getsockopt", "option", SO_TYPE},
    {"inotify_add_watch", "fd", kInotify},
    {"inotify_add_watch", "mask", IN_MODIFY},
    {"mincore", "addr", 0x10000000},
    {"mincore", "length", kPage},
    {"openat2", "size", 24},
    {"prlimit64", "new_limit", 0},
    {"recvfrom", "fd", kPeer},
    {"recvmmsg", "fd", kPeer},
    {"recvmmsg", "flags", MSG_DONTWAIT},
    {"recvmsg", "fd", kPeer},
    {"rt_sigaction", "signum", SIGUSR1},
    {"sched_getaffinity", "size", 128},
    {"sched_getattr", "size", 48},
    {"sendmmsg", "fd", kSocket},
    {"sendmsg", "fd", kSocket},
    {"sendto", "fd", kSocket},
    {"set_robust_list", "length", 24},
    {"setsockopt", "fd", kSocket},
    {"setsockopt", "length", 4},
    {"setsockopt", "option", SO_REUSEADDR},
    {"sigaltstack", "ss", 0},
    {"settimeofday", "tv", 0},  // the clock stays
    {"settimeofday", "tz", 0},
    {"signalfd", "fd", -1},
    {"signalfd4", "fd", -1},
    {"socketpair", "domain", AF_UNIX},
    {"socketpair", "type", SOCK_STREAM},
    {"splice", "off_out", 0},
    {"statx", "mask", 0x7ff},
    {"timer_create", "event", 0},
    {"timerfd_gettime", "fd", kTimer},
    {"timerfd_settime", "fd", kTimer},
    {"vmsplice", "fd", kPipeIn},
    {"wait4", "options", WNOHANG},
    {"wait4", "pid", -1},
    {"waitid", "options", WEXITED | WNOHANG},
    {"process_vm_readv", "pid", kSelf},
    {"process_vm_writev", "pid", kSelf},
    {"rt_sigqueueinfo", "pid", kSelf},
    {"rt_tgsigqueueinfo", "pid", kSelf},
    {"rt_tgsigqueueinfo", "tid", kSelf},
    {"clone3", "size", 64},
    {"process_madvise", "advice", MADV_WILLNEED},
    {"process_madvise", "count", 1},
    {0, "addrlen", 16},
    {0, "clock", CLOCK_MONOTONIC},
    {0, "count", 8},
    {0, "dirfd", AT_FDCWD},
    {0, "epfd", kEpoll},
    {0, "fd", kFile},
    {0, "fd_in", kFile},
    {0, "fd_out", kPipeIn},
    {0, "in_fd", kFile},
    {0, "iovcnt", 1},
    {0, "length", 8},
    {0, "level", SOL_SOCKET},
    {0, "local_count", 1},
    {0, "maxevents", 1},
    {0, "mount_fd", AT_FDCWD},
    {0, "newdirfd", AT_FDCWD},
    {0, "nfds", 1},
    {0, "olddirfd", AT_FDCWD},
    {0, "out_fd", kPipeIn},
    {0, "pidfd", kPidFd},
    {0, "remote_count", 1},
    {0, "sigsetsize", 8},
    {0, "size", 8},
};

// Calls that are not swept, and why.
static const struct {
    const char *call, *argument, *why;
} left_out[] = {
    {"clone", "parent_tid", "with no flags it forks and does not look at its pointers"},
    {"clone", "child_tid", "as parent_tid"},
    {"getxattr", "value", "whether files have attributes is the file system's affair"},
    {"lgetxattr", "value", "as getxattr"},
    {"fgetxattr", "value", "as getxattr"},
    {"listxattr", "list", "as getxattr"},
    {"llistxattr", "list", "as getxattr"},
    {"flistxattr", "list", "as getxattr"},
    {"name_to_handle_at", "handle", "whether files have handles is the file system's affair"},
    {"name_to_handle_at", "mount_id", "as handle"},
    {"recvfrom", "buf", "Linux drops the byte that fits before the end of memory"},
    {"syslog", "buf", "the log may be empty, and then nothing is copied"},
};

static int same(const char* a, const char* b) { return strcmp(a, b) == 0; }

// The `index`th of "a, b, c", copied.
static int part(const char* list, int index, char* out, size_t room) {
    while (index-- > 0 && list) list = strchr(list, ',') ? strchr(list, ',') + 2 : 0;
    if (!list || !*list) return 0;
    size_t length = strcspn(list, ",");
    snprintf(out, room, "%.*s", (int)length, list);
    return 1;
}

// What lies at a pointer that is right.
static void fill(char* at, const char* call, const char* argument, const char* type) {
    memset(at, 0, 256);
    if (same(type, "UserString")) {
        const char* text = same(argument, "name") && !same(call, "memfd_create") ? "trusted.name"
                           : same(argument, "new_path")                          ? "new"
                           : strstr(call, "execve")                              ? "program"
                           : strstr(call, "readlink")                            ? "link"
                                                                                 : "file";
        strcpy(at, text);
    } else if (strstr(type, "<IoVec>")) {
        void* io[2] = {buffers + 0x60000, (void*)8};
        memcpy(at, io, sizeof io);
    } else if (strstr(type, "<CapHeader>")) {
        memcpy(at, &(int){0x20080522}, sizeof(int));
    } else if (same(type, "InOut<int>")) {
        memcpy(at, &(int){16}, sizeof(int));
    }
}

static void open_as(int fd, int from) {
    if (from < 0 || dup2(from, fd) < 0) {
        say("cannot set up descriptor %d: %s\n", fd, strerror(errno));
        _exit(97);
    }
    close(from);
}

static void on_alarm(int signal) { (void)signal; }

// Before every call: files as they were, something to read, accept and wait for.
static void prepare(const char* call) {
    put("file", "data");
    put("program", "data");
    chmod("program", 0755);
    unlink("link");
    if (symlink("file", "link") < 0) _exit(96);
    int pair[2];
    open_as(kFile, open("file", O_RDWR));
    open_as(kOther, open("other", O_RDWR | O_CREAT | O_TRUNC, 0644));
    open_as(kDirectory, open(".", O_RDONLY));
    if (pipe(pair) < 0) _exit(95);
    open_as(kPipeOut, pair[0]), open_as(kPipeIn, pair[1]);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0) _exit(94);
    open_as(kPeer, pair[0]), open_as(kSocket, pair[1]);
    if (write(kPipeIn, "12345678", 8) != 8 || write(kSocket, "12345678", 8) != 8) _exit(93);
    open_as(kListener, socket(AF_UNIX, SOCK_STREAM, 0));
    open_as(kUnbound, socket(AF_UNIX, SOCK_STREAM, 0));
    if (strstr(call, "accept")) {
        struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0pointers"};
        if (bind(kListener, (void*)&name, sizeof name) < 0 || listen(kListener, 4) < 0) _exit(92);
        open_as(kOther, socket(AF_UNIX, SOCK_STREAM, 0));
        if (connect(kOther, (void*)&name, sizeof name) < 0) _exit(91);
    }
    open_as(kEpoll, epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(kEpoll, EPOLL_CTL_ADD, kPipeOut, &event);
    open_as(kEvent, eventfd(0, 0));
    open_as(kInotify, inotify_init());
    open_as(kTimer, timerfd_create(CLOCK_MONOTONIC, 0));
    open_as(kPidFd, (int)SYS(pidfd_open, getpid(), 0));
    lseek(dup2(kFile, 0), 0, SEEK_SET);
    if (strstr(call, "wait") == call && fork() == 0) _exit(0);
    if (strstr(call, "wait") == call) waitid(P_ALL, 0, &(siginfo_t){0}, WEXITED | WNOWAIT);
}

static long argument_of(const struct call* call, int index, int* is_pointer) {
    char argument[32], type[32];
    *is_pointer = 0;
    if (!part(call->arguments, index, argument, sizeof argument)) return 0;
    if (!part(call->types, index, type, sizeof type)) return 0;
    *is_pointer = strchr(type, '<') || same(type, "UserString");
    char* buffer = buffers + index * 0x10000;
    if (*is_pointer) fill(buffer, call->name, argument, type);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        if (!same(values[i].argument, argument)) continue;
        if (values[i].call ? same(values[i].call, call->name) : !*is_pointer)
            return values[i].value == kSelf ? getpid() : values[i].value;
    }
    return *is_pointer ? (long)buffer : 0;
}

// In a child of its own: the call may have done something.
static void sweep(const struct call* call, int swept) {
    static const unsigned long wrong[] = {0, 0x30000000, 0xffffffff80000000, -4UL, 0x20000fff};
    enum { kWrong = sizeof wrong / sizeof *wrong };
    char line[256];
    int length = 0;
    for (int kind = 0; kind < kWrong; kind++) {
        prepare(call->name);
        memset(last_byte - 15, 'x', 16);
        long a[kArguments];
        int is_pointer;
        for (int i = 0; i < kArguments; i++) a[i] = argument_of(call, i, &is_pointer);
        a[swept] = (long)wrong[kind];
        long result = outcome(syscall(call->number, a[0], a[1], a[2], a[3], a[4], a[5]));
        length += result < 0 && result > -4096 ? sprintf(line + length, " %s", strerrorname_np((int)-result))
                  : result <= 16               ? sprintf(line + length, " %ld", result)
                                               : sprintf(line + length, " ok");
    }
    char argument[32];
    part(call->arguments, swept, argument, sizeof argument);
    say("%s %s:%s\n", call->name, argument, line);
}

static int is_swept(const struct call* call, int index) {
    char argument[32];
    if (!part(call->arguments, index, argument, sizeof argument)) return 0;
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
        if (same(left_out[i].call, call->name) && same(left_out[i].argument, argument)) return 0;
    int is_pointer;
    argument_of(call, index, &is_pointer);
    return is_pointer;
}

int main(void) {
    enter("pointers");
    mmap(buffers, 7 * 0x10000, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    mmap((void*)0x20000000, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    buffers[0] = *last_byte = 0;
    if (setgroups(1, (gid_t[]){5}) < 0) return 90;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        const struct call* call = &calls[i];
        for (int index = 0; index < kArguments && call->number != kNone; index++) {
            if (!is_swept(call, index)) continue;
            pid_t child = fork();
            if (child == 0) {
                struct sigaction action = {.sa_handler = on_alarm};
                sigaction(SIGALRM, &action, 0);
                alarms_every(500);  // whoever sleeps: EINTR
                timer_t timer;
                timer_create(CLOCK_MONOTONIC, 0, &timer);
                sweep(call, index);
                _exit(0);
            }
            int status = 0;
            waitpid(child, &status, 0);
            if (status) say("%s %d: %s\n", call->name, index, status_text(status));
        }
    }
    say("alive\n");
}
