// The one list of system calls. From it come the dispatcher, the handlers' prototypes, the runtime's stubs, the names
// in traces and metrics, and docs/SYSCALLS.md. Nothing about a call is listed twice.
//
//   X(linux, astra, name, summary, argument names, argument types...)
//
// `linux` and `astra` are the call's numbers in the two ABIs (kNone: not in that ABI). The astra numbers follow Linux
// except where the specification fixes others: clock_gettime 96, clock_getres 228, its own stat and fstat.
// A number that has no row answers -ENOSYS and is counted. Rows are in order of number.
// clang-format off
#pragma once

#define ASTRA_SYSCALL_TABLE(X) \
    X(0, 0, read, "read from a file descriptor", "fd, buf, count", int, Out<u8>, usize) \
    X(1, 1, write, "write to a file descriptor", "fd, buf, count", int, In<u8>, usize) \
    X(2, 2, open, "open or create a file", "path, flags, mode", UserString, int, u32) \
    X(3, 3, close, "close a file descriptor", "fd", int) \
    X(4, kNone, stat, "file status by path", "path, statbuf", UserString, Out<Stat>) \
    X(kNone, 4, astra_stat, "size, mode and modification time by path", "path, statbuf", UserString, Out<AstraStat>) \
    X(5, kNone, fstat, "file status by descriptor", "fd, statbuf", int, Out<Stat>) \
    X(kNone, 5, astra_fstat, "size, mode and modification time by descriptor", "fd, statbuf", int, Out<AstraStat>) \
    X(6, 6, lstat, "file status, not following a final symbolic link", "path, statbuf", UserString, Out<Stat>) \
    X(7, 7, poll, "wait for events on descriptors", "fds, nfds, timeout_ms", InOut<PollFd>, u32, int) \
    X(8, 8, lseek, "reposition a file offset", "fd, offset, whence", int, i64, int) \
    X(9, 9, mmap, "map memory or a file", "addr, length, prot, flags, fd, offset", u64, usize, int, int, int, i64) \
    X(10, 10, mprotect, "change the protection of a mapping", "addr, length, prot", u64, usize, int) \
    X(11, 11, munmap, "remove a mapping", "addr, length", u64, usize) \
    X(12, 12, brk, "move the program break", "addr", u64) \
    X(13, 13, rt_sigaction, "examine or change a signal action", "signum, act, oldact, sigsetsize", int, In<SigAction>, Out<SigAction>, usize) \
    X(14, 14, rt_sigprocmask, "examine or change blocked signals", "how, set, oldset, sigsetsize", int, In<SigSet>, Out<SigSet>, usize) \
    X(15, 15, rt_sigreturn, "return from a signal handler", "") \
    X(16, 16, ioctl, "control a device", "fd, request, argument", int, u32, u64) \
    X(17, 17, pread64, "read at an offset", "fd, buf, count, offset", int, Out<u8>, usize, i64) \
    X(18, 18, pwrite64, "write at an offset", "fd, buf, count, offset", int, In<u8>, usize, i64) \
    X(19, 19, readv, "read into several buffers", "fd, iov, iovcnt", int, In<IoVec>, int) \
    X(20, 20, writev, "write from several buffers", "fd, iov, iovcnt", int, In<IoVec>, int) \
    X(21, 21, access, "check permissions for a file", "path, mode", UserString, int) \
    X(22, 22, pipe, "create a pipe", "fds", Out<int>) \
    X(23, 23, select, "wait for events on descriptor sets", "nfds, readfds, writefds, exceptfds, timeout", int, InOut<u64>, InOut<u64>, InOut<u64>, InOut<TimeVal>) \
    X(24, 24, sched_yield, "yield the processor", "") \
    X(25, 25, mremap, "remap a mapping", "addr, old_length, new_length, flags, new_addr", u64, usize, usize, int, u64) \
    X(26, 26, msync, "synchronise a file with its mapping", "addr, length, flags", u64, usize, int) \
    X(27, 27, mincore, "which pages are resident", "addr, length, vec", u64, usize, Out<u8>) \
    X(28, 28, madvise, "advice about memory use", "addr, length, advice", u64, usize, int) \
    X(29, 29, shmget, "a System V shared memory segment", "key, size, flags", int, usize, int) \
    X(30, 30, shmat, "attach a shared memory segment", "id, addr, flags", int, u64, int) \
    X(31, 31, shmctl, "control a shared memory segment", "id, command, buf", int, int, InOut<u8>) \
    X(32, 32, dup, "duplicate a descriptor", "fd", int) \
    X(33, 33, dup2, "duplicate a descriptor to a given number", "oldfd, newfd", int, int) \
    X(34, 34, pause, "wait for a signal", "") \
    X(35, 35, nanosleep, "high-resolution sleep", "request, remain", In<TimeSpec>, Out<TimeSpec>) \
    X(36, 36, getitimer, "value of an interval timer", "which, value", int, Out<ITimerVal>) \
    X(37, 37, alarm, "arm the alarm clock", "seconds", u32) \
    X(38, 38, setitimer, "set an interval timer", "which, value, old", int, In<ITimerVal>, Out<ITimerVal>) \
    X(39, 39, getpid, "process identifier", "") \
    X(40, 40, sendfile, "copy between descriptors", "out_fd, in_fd, offset, count", int, int, InOut<i64>, usize) \
    X(41, 41, socket, "create a socket", "domain, type, protocol", int, int, int) \
    X(42, 42, connect, "connect a socket", "fd, addr, addrlen", int, In<u8>, int) \
    X(43, 43, accept, "accept a connection", "fd, addr, addrlen", int, Out<u8>, InOut<int>) \
    X(44, 44, sendto, "send a message", "fd, buf, length, flags, addr, addrlen", int, In<u8>, usize, u32, In<u8>, int) \
    X(45, 45, recvfrom, "receive a message", "fd, buf, length, flags, addr, addrlen", int, Out<u8>, usize, u32, Out<u8>, InOut<int>) \
    X(46, 46, sendmsg, "send a message from several buffers, with control data", "fd, msg, flags", int, In<MsgHdr>, u32) \
    X(47, 47, recvmsg, "receive a message into several buffers, with control data", "fd, msg, flags", int, InOut<MsgHdr>, u32) \
    X(48, 48, shutdown, "shut down part of a connection", "fd, how", int, int) \
    X(49, 49, bind, "give a socket a name", "fd, addr, addrlen", int, In<u8>, int) \
    X(50, 50, listen, "listen for connections", "fd, backlog", int, int) \
    X(51, 51, getsockname, "name of a socket", "fd, addr, addrlen", int, Out<u8>, InOut<int>) \
    X(52, 52, getpeername, "name of a connected peer", "fd, addr, addrlen", int, Out<u8>, InOut<int>) \
    X(53, 53, socketpair, "create a pair of connected sockets", "domain, type, protocol, fds", int, int, int, Out<int>) \
    X(54, 54, setsockopt, "set a socket option", "fd, level, option, value, length", int, int, int, In<u8>, int) \
    X(55, 55, getsockopt, "value of a socket option", "fd, level, option, value, length", int, int, int, Out<u8>, InOut<int>) \
    X(56, 56, clone, "create a thread or process", "flags, stack, parent_tid, child_tid, tls", u64, u64, Out<int>, Out<int>, u64) \
    X(57, 57, fork, "create a process", "") \
    X(58, 58, vfork, "create a process and wait until it executes", "") \
    X(59, 59, execve, "execute a program", "path, argv, envp", UserString, In<u64>, In<u64>) \
    X(60, 60, exit, "end the calling thread", "status", int) \
    X(61, 61, wait4, "wait for a child", "pid, status, options, rusage", int, Out<int>, int, Out<RUsage>) \
    X(62, 62, kill, "send a signal to a process", "pid, signal", int, int) \
    X(63, 63, uname, "system identification", "buf", Out<UtsName>) \
    X(64, 64, semget, "a System V semaphore set", "key, count, flags", int, int, int) \
    X(65, 65, semop, "operate on semaphores", "id, operations, count", int, In<SemBuf>, usize) \
    X(66, 66, semctl, "control a semaphore set", "id, number, command, argument", int, int, int, u64) \
    X(67, 67, shmdt, "detach a shared memory segment", "addr", u64) \
    X(68, 68, msgget, "a System V message queue", "key, flags", int, int) \
    X(69, 69, msgsnd, "send a message to a queue", "id, message, size, flags", int, In<u8>, usize, int) \
    X(70, 70, msgrcv, "receive a message from a queue", "id, message, size, type, flags", int, Out<u8>, usize, i64, int) \
    X(71, 71, msgctl, "control a message queue", "id, command, buf", int, int, InOut<u8>) \
    X(72, 72, fcntl, "manipulate a descriptor", "fd, command, argument", int, int, u64) \
    X(73, 73, flock, "advisory lock on an open file", "fd, operation", int, int) \
    X(74, 74, fsync, "synchronise a file", "fd", int) \
    X(75, 75, fdatasync, "synchronise a file's data", "fd", int) \
    X(76, 76, truncate, "set a file's length by path", "path, length", UserString, i64) \
    X(77, 77, ftruncate, "set a file's length", "fd, length", int, i64) \
    X(78, 78, getdents, "read directory entries (old record)", "fd, dirp, count", int, Out<u8>, usize) \
    X(79, 79, getcwd, "working directory", "buf, size", Out<u8>, usize) \
    X(80, 80, chdir, "change the working directory", "path", UserString) \
    X(81, 81, fchdir, "change the working directory by descriptor", "fd", int) \
    X(82, 82, rename, "rename a file", "old_path, new_path", UserString, UserString) \
    X(83, 83, mkdir, "create a directory", "path, mode", UserString, u32) \
    X(84, 84, rmdir, "remove a directory", "path", UserString) \
    X(85, 85, creat, "create a file", "path, mode", UserString, u32) \
    X(86, 86, link, "create a hard link", "old_path, new_path", UserString, UserString) \
    X(87, 87, unlink, "remove a name", "path", UserString) \
    X(88, 88, symlink, "create a symbolic link", "target, path", UserString, UserString) \
    X(89, 89, readlink, "read a symbolic link", "path, buf, size", UserString, Out<u8>, int) \
    X(90, 90, chmod, "change permissions", "path, mode", UserString, u32) \
    X(91, 91, fchmod, "change permissions by descriptor", "fd, mode", int, u32) \
    X(92, 92, chown, "change ownership", "path, uid, gid", UserString, u32, u32) \
    X(93, 93, fchown, "change ownership by descriptor", "fd, uid, gid", int, u32, u32) \
    X(94, 94, lchown, "change ownership of a link", "path, uid, gid", UserString, u32, u32) \
    X(95, 95, umask, "file mode creation mask", "mask", u32) \
    X(96, kNone, gettimeofday, "wall-clock time", "tv, tz", Out<TimeVal>, Out<TimeZone>) \
    X(97, 97, getrlimit, "resource limits", "resource, rlim", int, Out<RLimit>) \
    X(98, 98, getrusage, "resource usage", "who, usage", int, Out<RUsage>) \
    X(99, 99, sysinfo, "system information", "info", Out<SysInfo>) \
    X(100, 100, times, "process times", "buf", Out<Tms>) \
    X(102, 102, getuid, "user identity", "") \
    X(103, 103, syslog, "read or control the kernel log", "type, buf, length", int, Out<u8>, int) \
    X(104, 104, getgid, "group identity", "") \
    X(105, 105, setuid, "set the user identity", "uid", u32) \
    X(106, 106, setgid, "set the group identity", "gid", u32) \
    X(107, 107, geteuid, "effective user identity", "") \
    X(108, 108, getegid, "effective group identity", "") \
    X(109, 109, setpgid, "set a process group", "pid, pgid", int, int) \
    X(110, 110, getppid, "parent process identifier", "") \
    X(111, 111, getpgrp, "process group", "") \
    X(112, 112, setsid, "create a session", "") \
    X(113, 113, setreuid, "set real and effective user identity", "ruid, euid", u32, u32) \
    X(114, 114, setregid, "set real and effective group identity", "rgid, egid", u32, u32) \
    X(115, 115, getgroups, "supplementary groups", "size, list", int, Out<u32>) \
    X(116, 116, setgroups, "set supplementary groups", "size, list", int, In<u32>) \
    X(117, 117, setresuid, "set real, effective and saved user identity", "ruid, euid, suid", u32, u32, u32) \
    X(118, 118, getresuid, "real, effective and saved user identity", "ruid, euid, suid", Out<u32>, Out<u32>, Out<u32>) \
    X(119, 119, setresgid, "set real, effective and saved group identity", "rgid, egid, sgid", u32, u32, u32) \
    X(120, 120, getresgid, "real, effective and saved group identity", "rgid, egid, sgid", Out<u32>, Out<u32>, Out<u32>) \
    X(121, 121, getpgid, "process group of a process", "pid", int) \
    X(122, 122, setfsuid, "user identity for file access", "uid", u32) \
    X(123, 123, setfsgid, "group identity for file access", "gid", u32) \
    X(124, 124, getsid, "session of a process", "pid", int) \
    X(125, 125, capget, "thread capabilities", "header, data", InOut<CapHeader>, Out<CapData>) \
    X(126, 126, capset, "set thread capabilities", "header, data", InOut<CapHeader>, In<CapData>) \
    X(127, 127, rt_sigpending, "pending signals", "set, sigsetsize", Out<SigSet>, usize) \
    X(128, 128, rt_sigtimedwait, "wait for a queued signal", "set, info, timeout, sigsetsize", In<SigSet>, Out<SigInfo>, In<TimeSpec>, usize) \
    X(129, 129, rt_sigqueueinfo, "queue a signal with data", "pid, signal, info", int, int, In<SigInfo>) \
    X(130, 130, rt_sigsuspend, "wait for a signal with a mask", "set, sigsetsize", In<SigSet>, usize) \
    X(131, 131, sigaltstack, "alternate signal stack", "ss, old", In<SigStack>, Out<SigStack>) \
    X(132, 132, utime, "set file times (seconds)", "path, times", UserString, In<i64>) \
    X(133, 133, mknod, "create a special file", "path, mode, dev", UserString, u32, u64) \
    X(135, 135, personality, "execution domain of the process", "persona", u32) \
    X(137, 137, statfs, "file system statistics", "path, buf", UserString, Out<StatFs>) \
    X(138, 138, fstatfs, "file system statistics by descriptor", "fd, buf", int, Out<StatFs>) \
    X(140, 140, getpriority, "scheduling priority", "which, who", int, int) \
    X(141, 141, setpriority, "set scheduling priority", "which, who, priority", int, int, int) \
    X(142, 142, sched_setparam, "set scheduling parameters", "pid, param", int, In<SchedParam>) \
    X(143, 143, sched_getparam, "scheduling parameters", "pid, param", int, Out<SchedParam>) \
    X(144, 144, sched_setscheduler, "set scheduling policy", "pid, policy, param", int, int, In<SchedParam>) \
    X(145, 145, sched_getscheduler, "scheduling policy", "pid", int) \
    X(146, 146, sched_get_priority_max, "highest priority of a policy", "policy", int) \
    X(147, 147, sched_get_priority_min, "lowest priority of a policy", "policy", int) \
    X(148, 148, sched_rr_get_interval, "time slice of a thread", "pid, interval", int, Out<TimeSpec>) \
    X(149, 149, mlock, "lock memory", "addr, length", u64, usize) \
    X(150, 150, munlock, "unlock memory", "addr, length", u64, usize) \
    X(151, 151, mlockall, "lock all memory of the process", "flags", int) \
    X(152, 152, munlockall, "unlock all memory of the process", "") \
    X(155, 155, pivot_root, "change the root mount", "new_root, put_old", UserString, UserString) \
    X(157, 157, prctl, "operations on a process", "option, arg2, arg3, arg4, arg5", int, u64, u64, u64, u64) \
    X(158, 158, arch_prctl, "architecture-specific thread state", "code, address", int, u64) \
    X(159, 159, adjtimex, "examine or tune the wall clock", "buf", InOut<Timex>) \
    X(160, 160, setrlimit, "set resource limits", "resource, rlim", int, In<RLimit>) \
    X(161, 161, chroot, "change the root directory", "path", UserString) \
    X(162, 162, sync, "commit file systems", "") \
    X(164, 164, settimeofday, "set the wall clock (microseconds)", "tv, tz", In<TimeVal>, In<TimeZone>) \
    X(165, 165, mount, "mount a file system", "source, target, type, flags, data", UserString, UserString, UserString, u64, u64) \
    X(166, 166, umount2, "unmount a file system", "target, flags", UserString, int) \
    X(169, 169, reboot, "stop the machine", "magic, magic2, command, argument", u32, u32, u32, u64) \
    X(170, 170, sethostname, "set the host name", "name, length", In<u8>, usize) \
    X(171, 171, setdomainname, "set the NIS domain name", "name, length", In<u8>, usize) \
    X(186, 186, gettid, "thread identifier", "") \
    X(187, 187, readahead, "read a file ahead", "fd, offset, count", int, i64, usize) \
    X(188, 188, setxattr, "set an extended attribute", "path, name, value, size, flags", UserString, UserString, In<u8>, usize, int) \
    X(189, 189, lsetxattr, "set an extended attribute of a link", "path, name, value, size, flags", UserString, UserString, In<u8>, usize, int) \
    X(190, 190, fsetxattr, "set an extended attribute by descriptor", "fd, name, value, size, flags", int, UserString, In<u8>, usize, int) \
    X(191, 191, getxattr, "value of an extended attribute", "path, name, value, size", UserString, UserString, Out<u8>, usize) \
    X(192, 192, lgetxattr, "value of an extended attribute of a link", "path, name, value, size", UserString, UserString, Out<u8>, usize) \
    X(193, 193, fgetxattr, "value of an extended attribute by descriptor", "fd, name, value, size", int, UserString, Out<u8>, usize) \
    X(194, 194, listxattr, "names of extended attributes", "path, list, size", UserString, Out<u8>, usize) \
    X(195, 195, llistxattr, "names of extended attributes of a link", "path, list, size", UserString, Out<u8>, usize) \
    X(196, 196, flistxattr, "names of extended attributes by descriptor", "fd, list, size", int, Out<u8>, usize) \
    X(197, 197, removexattr, "remove an extended attribute", "path, name", UserString, UserString) \
    X(198, 198, lremovexattr, "remove an extended attribute of a link", "path, name", UserString, UserString) \
    X(199, 199, fremovexattr, "remove an extended attribute by descriptor", "fd, name", int, UserString) \
    X(200, 200, tkill, "send a signal to a thread", "tid, signal", int, int) \
    X(201, kNone, time, "seconds since the epoch", "result", Out<i64>) \
    X(202, 202, futex, "fast user-space locking", "uaddr, op, value, timeout, uaddr2, value3", InOut<u32>, int, u32, u64, InOut<u32>, u32) \
    X(203, 203, sched_setaffinity, "set a thread's CPU mask", "pid, size, mask", int, usize, In<u8>) \
    X(204, 204, sched_getaffinity, "a thread's CPU mask", "pid, size, mask", int, usize, Out<u8>) \
    X(213, 213, epoll_create, "open an epoll descriptor", "size", int) \
    X(217, 217, getdents64, "read directory entries", "fd, dirp, count", int, Out<u8>, usize) \
    X(218, 218, set_tid_address, "where to clear the thread id at exit", "tidptr", Out<int>) \
    X(219, 219, restart_syscall, "restart an interrupted call", "") \
    X(220, 220, semtimedop, "operate on semaphores, with a timeout", "id, operations, count, timeout", int, In<SemBuf>, usize, In<TimeSpec>) \
    X(221, 221, fadvise64, "advice about file access", "fd, offset, length, advice", int, i64, usize, int) \
    X(222, 222, timer_create, "create a POSIX timer", "clock, event, timer", int, In<SigEvent>, Out<int>) \
    X(223, 223, timer_settime, "arm a POSIX timer", "timer, flags, value, old", int, int, In<ITimerSpec>, Out<ITimerSpec>) \
    X(224, 224, timer_gettime, "time left on a POSIX timer", "timer, value", int, Out<ITimerSpec>) \
    X(225, 225, timer_getoverrun, "overrun count of a POSIX timer", "timer", int) \
    X(226, 226, timer_delete, "delete a POSIX timer", "timer", int) \
    X(227, 227, clock_settime, "set a clock", "clock, tp", int, In<TimeSpec>) \
    X(228, 96, clock_gettime, "time of a clock", "clock, tp", int, Out<TimeSpec>) \
    X(229, 228, clock_getres, "resolution of a clock", "clock, res", int, Out<TimeSpec>) \
    X(230, 230, clock_nanosleep, "sleep on a clock", "clock, flags, request, remain", int, int, In<TimeSpec>, Out<TimeSpec>) \
    X(231, 231, exit_group, "end all threads of the process", "status", int) \
    X(232, 232, epoll_wait, "wait for epoll events", "epfd, events, maxevents, timeout_ms", int, Out<EpollEvent>, int, int) \
    X(233, 233, epoll_ctl, "control an epoll descriptor", "epfd, op, fd, event", int, int, int, In<EpollEvent>) \
    X(234, 234, tgkill, "send a signal to a thread of a process", "pid, tid, signal", int, int, int) \
    X(235, 235, utimes, "set file times (microseconds)", "path, times", UserString, In<TimeVal>) \
    X(247, 247, waitid, "wait for a child, with details", "which, pid, info, options, rusage", int, int, Out<SigInfo>, int, Out<RUsage>) \
    X(251, 251, ioprio_set, "set the I/O priority", "which, who, priority", int, int, int) \
    X(252, 252, ioprio_get, "I/O priority", "which, who", int, int) \
    X(253, 253, inotify_init, "create an instance that watches files", "") \
    X(254, 254, inotify_add_watch, "watch a file or directory", "fd, path, mask", int, UserString, u32) \
    X(255, 255, inotify_rm_watch, "watch a file or directory no longer", "fd, descriptor", int, int) \
    X(257, 257, openat, "open a file relative to a directory", "dirfd, path, flags, mode", int, UserString, int, u32) \
    X(258, 258, mkdirat, "create a directory relative to a directory", "dirfd, path, mode", int, UserString, u32) \
    X(259, 259, mknodat, "create a special file relative to a directory", "dirfd, path, mode, dev", int, UserString, u32, u64) \
    X(260, 260, fchownat, "change ownership relative to a directory", "dirfd, path, uid, gid, flags", int, UserString, u32, u32, int) \
    X(261, 261, futimesat, "set file times relative to a directory", "dirfd, path, times", int, UserString, In<TimeVal>) \
    X(262, 262, newfstatat, "file status relative to a directory", "dirfd, path, statbuf, flags", int, UserString, Out<Stat>, int) \
    X(263, 263, unlinkat, "remove a name relative to a directory", "dirfd, path, flags", int, UserString, int) \
    X(264, 264, renameat, "rename relative to directories", "olddirfd, old_path, newdirfd, new_path", int, UserString, int, UserString) \
    X(265, 265, linkat, "hard link relative to directories", "olddirfd, old_path, newdirfd, new_path, flags", int, UserString, int, UserString, int) \
    X(266, 266, symlinkat, "symbolic link relative to a directory", "target, dirfd, path", UserString, int, UserString) \
    X(267, 267, readlinkat, "read a link relative to a directory", "dirfd, path, buf, size", int, UserString, Out<u8>, int) \
    X(268, 268, fchmodat, "change permissions relative to a directory", "dirfd, path, mode", int, UserString, u32) \
    X(269, 269, faccessat, "check permissions relative to a directory", "dirfd, path, mode", int, UserString, int) \
    X(270, 270, pselect6, "wait for events on descriptor sets, with a signal mask", "nfds, readfds, writefds, exceptfds, timeout, sigmask", int, InOut<u64>, InOut<u64>, InOut<u64>, InOut<TimeSpec>, In<u64>) \
    X(271, 271, ppoll, "wait for events on descriptors, with a signal mask", "fds, nfds, timeout, sigmask, sigsetsize", InOut<PollFd>, u32, InOut<TimeSpec>, In<SigSet>, usize) \
    X(272, 272, unshare, "stop sharing descriptors or directories", "flags", u64) \
    X(273, 273, set_robust_list, "register the robust futex list", "head, length", In<RobustListHead>, usize) \
    X(274, 274, get_robust_list, "the robust futex list of a thread", "pid, head, length", int, Out<u64>, Out<usize>) \
    X(275, 275, splice, "move data from or into a pipe", "fd_in, off_in, fd_out, off_out, length, flags", int, InOut<i64>, int, InOut<i64>, usize, u32) \
    X(276, 276, tee, "copy a pipe's data into another", "fd_in, fd_out, length, flags", int, int, usize, u32) \
    X(277, 277, sync_file_range, "synchronise a part of a file", "fd, offset, length, flags", int, i64, i64, u32) \
    X(278, 278, vmsplice, "move memory into a pipe, or out of one", "fd, iov, count, flags", int, In<IoVec>, usize, u32) \
    X(280, 280, utimensat, "set file times (nanoseconds)", "dirfd, path, times, flags", int, UserString, In<TimeSpec>, int) \
    X(281, 281, epoll_pwait, "wait for epoll events, with a signal mask", "epfd, events, maxevents, timeout_ms, sigmask, sigsetsize", int, Out<EpollEvent>, int, int, In<SigSet>, usize) \
    X(282, 282, signalfd, "open a descriptor for signals", "fd, mask, sigsetsize", int, In<SigSet>, usize) \
    X(283, 283, timerfd_create, "open a descriptor for a timer", "clock, flags", int, int) \
    X(284, 284, eventfd, "create an event counter", "initial", u32) \
    X(285, 285, fallocate, "allocate or punch file space", "fd, mode, offset, length", int, int, i64, i64) \
    X(286, 286, timerfd_settime, "arm a timer descriptor", "fd, flags, value, old", int, int, In<ITimerSpec>, Out<ITimerSpec>) \
    X(287, 287, timerfd_gettime, "time left on a timer descriptor", "fd, value", int, Out<ITimerSpec>) \
    X(288, 288, accept4, "accept a connection, with flags", "fd, addr, addrlen, flags", int, Out<u8>, InOut<int>, int) \
    X(289, 289, signalfd4, "open a descriptor for signals, with flags", "fd, mask, sigsetsize, flags", int, In<SigSet>, usize, int) \
    X(290, 290, eventfd2, "create an event counter, with flags", "initial, flags", u32, int) \
    X(291, 291, epoll_create1, "open an epoll descriptor, with flags", "flags", int) \
    X(292, 292, dup3, "duplicate a descriptor, with flags", "oldfd, newfd, flags", int, int, int) \
    X(293, 293, pipe2, "create a pipe, with flags", "fds, flags", Out<int>, int) \
    X(294, 294, inotify_init1, "create an instance that watches files, with flags", "flags", int) \
    X(295, 295, preadv, "read into several buffers at an offset", "fd, iov, iovcnt, offset, offset_high", int, In<IoVec>, int, u64, u64) \
    X(296, 296, pwritev, "write from several buffers at an offset", "fd, iov, iovcnt, offset, offset_high", int, In<IoVec>, int, u64, u64) \
    X(297, 297, rt_tgsigqueueinfo, "queue a signal with data for a thread", "pid, tid, signal, info", int, int, int, In<SigInfo>) \
    X(299, 299, recvmmsg, "receive several messages", "fd, messages, count, flags, timeout", int, InOut<MMsgHdr>, u32, u32, InOut<TimeSpec>) \
    X(302, 302, prlimit64, "get and set resource limits", "pid, resource, new_limit, old_limit", int, int, In<RLimit>, Out<RLimit>) \
    X(303, 303, name_to_handle_at, "a handle for a file", "dirfd, path, handle, mount_id, flags", int, UserString, InOut<u32>, Out<int>, int) \
    X(304, 304, open_by_handle_at, "open a file by handle", "mount_fd, handle, flags", int, InOut<u32>, int) \
    X(305, 305, clock_adjtime, "examine or tune a clock", "clock, buf", int, InOut<Timex>) \
    X(306, 306, syncfs, "commit a file system", "fd", int) \
    X(307, 307, sendmmsg, "send several messages", "fd, messages, count, flags", int, InOut<MMsgHdr>, u32, u32) \
    X(309, 309, getcpu, "the CPU and node the thread runs on", "cpu, node, unused", Out<u32>, Out<u32>, u64) \
    X(310, 310, process_vm_readv, "copy from another process's memory", "pid, local, local_count, remote, remote_count, flags", int, In<IoVec>, u64, In<IoVec>, u64, u64) \
    X(311, 311, process_vm_writev, "copy to another process's memory", "pid, local, local_count, remote, remote_count, flags", int, In<IoVec>, u64, In<IoVec>, u64, u64) \
    X(312, 312, kcmp, "compare what two processes share", "pid1, pid2, type, index1, index2", int, int, int, u64, u64) \
    X(314, 314, sched_setattr, "set scheduling policy and attributes", "pid, attr, flags", int, InOut<SchedAttr>, u32) \
    X(315, 315, sched_getattr, "scheduling policy and attributes", "pid, attr, size, flags", int, Out<u8>, u32, u32) \
    X(316, 316, renameat2, "rename with flags", "olddirfd, old_path, newdirfd, new_path, flags", int, UserString, int, UserString, u32) \
    X(318, 318, getrandom, "random bytes", "buf, count, flags", Out<u8>, usize, u32) \
    X(319, 319, memfd_create, "create an anonymous file", "name, flags", UserString, u32) \
    X(322, 322, execveat, "execute a program relative to a directory", "dirfd, path, argv, envp, flags", int, UserString, In<u64>, In<u64>, int) \
    X(324, 324, membarrier, "memory barrier on other threads' CPUs", "command, flags, cpu", int, u32, int) \
    X(325, 325, mlock2, "lock memory, with flags", "addr, length, flags", u64, usize, int) \
    X(326, 326, copy_file_range, "copy between files", "fd_in, off_in, fd_out, off_out, length, flags", int, InOut<i64>, int, InOut<i64>, usize, u32) \
    X(327, 327, preadv2, "read into several buffers at an offset, with flags", "fd, iov, iovcnt, offset, offset_high, flags", int, In<IoVec>, int, u64, u64, u32) \
    X(328, 328, pwritev2, "write from several buffers at an offset, with flags", "fd, iov, iovcnt, offset, offset_high, flags", int, In<IoVec>, int, u64, u64, u32) \
    X(329, 329, pkey_mprotect, "change the protection of a mapping, with a protection key", "addr, length, prot, key", u64, usize, int, int) \
    X(330, 330, pkey_alloc, "allocate a protection key", "flags, rights", u64, u64) \
    X(331, 331, pkey_free, "free a protection key", "key", int) \
    X(332, 332, statx, "extended file status", "dirfd, path, flags, mask, statxbuf", int, UserString, int, u32, Out<Statx>) \
    X(424, 424, pidfd_send_signal, "send a signal by process descriptor", "pidfd, signal, info, flags", int, int, In<SigInfo>, u32) \
    X(434, 434, pidfd_open, "a descriptor for a process", "pid, flags", int, u32) \
    X(435, 435, clone3, "create a thread or process, extensible", "args, size", In<CloneArgs>, usize) \
    X(436, 436, close_range, "close a range of descriptors", "first, last, flags", u32, u32, u32) \
    X(437, 437, openat2, "open a file, extensible", "dirfd, path, how, size", int, UserString, In<OpenHow>, usize) \
    X(438, 438, pidfd_getfd, "duplicate another process's descriptor", "pidfd, target_fd, flags", int, int, u32) \
    X(439, 439, faccessat2, "check permissions, with flags", "dirfd, path, mode, flags", int, UserString, int, int) \
    X(440, 440, process_madvise, "advice about another process's memory", "pidfd, iov, count, advice, flags", int, In<IoVec>, usize, int, u32) \
    X(441, 441, epoll_pwait2, "wait for epoll events, with nanoseconds and a signal mask", "epfd, events, maxevents, timeout, sigmask, sigsetsize", int, Out<EpollEvent>, int, In<TimeSpec>, In<SigSet>, usize) \
    X(449, 449, futex_waitv, "wait on several futexes", "waiters, count, flags, timeout, clock", In<FutexWaitV>, u32, u32, In<TimeSpec>, int) \
    X(452, 452, fchmodat2, "change permissions relative to a directory, with flags", "dirfd, path, mode, flags", int, UserString, u32, int)
// clang-format on
