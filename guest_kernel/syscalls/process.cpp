// Making, replacing and ending processes and threads; waiting for them.
#include "guest_kernel/base/format.hpp"
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/mm/user_copy.hpp"
#include "guest_kernel/sched/clone.hpp"
#include "guest_kernel/sched/exec.hpp"
#include "guest_kernel/sched/pidfd.hpp"
#include "guest_kernel/sched/wait.hpp"
#include "guest_kernel/syscalls/syscalls.hpp"

namespace astra::syscalls {

namespace {

constexpr u64 kExitSignalMask = 0xff;  // CSIGNAL
constexpr int kAtFdCwd = -100;
constexpr int kAtNoFollow = 0x100, kAtEmptyPath = 0x1000;  // AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
constexpr u32 kNonblock = 04000;
/// waitid(2)'s id types.
enum : int { kIdAll, kIdPid, kIdGroup, kIdPidFd };

// Reads a null-terminated array of string pointers. Errors: EFAULT, E2BIG, ENOMEM.
Result<sched::StringBlock> read_strings(In<u64> pointers, u64 limit) {
    sched::StringBlock block;
    if (pointers.is_null()) return block;
    for (;; pointers = pointers + 1) {
        u64 pointer = TRY(mm::read(pointers));
        if (!pointer) return block;
        String text =
            TRY(mm::read_string(UserString(UserAddr(pointer)), sched::kMostArgument, Errno::kE2BIG));
        TRY(block.add(text));
        if (block.bytes().size() + block.count() * sizeof(u64) > limit) return fail(Errno::kE2BIG);
    }
}

// Bytes behind the part of an extensible struct that this kernel knows must be zero (copy_struct_from_user).
Result<CloneArgs> read_clone_args(In<CloneArgs> args, usize size) {
    constexpr usize kFirstVersion = 64;
    if (size > kPageSize) return fail(Errno::kE2BIG);
    if (size < kFirstVersion) return fail(Errno::kEINVAL);
    CloneArgs known{};
    usize common = size < sizeof known ? size : sizeof known;
    TRY(mm::copy_in({reinterpret_cast<u8*>(&known), common}, args.address()));
    for (usize at = common; at < size; at++)
        if (TRY(mm::read(In<u8>(args.address() + at)))) return fail(Errno::kE2BIG);
    return known;
}

// What a program run by its descriptor is called, and what a script's interpreter is given to open.
Result<String> descriptor_name(int fd) {
    char text[24];
    return String::from({text, format_to(text, sizeof text, "/dev/fd/%d", fd)});
}

Result<sched::WaitRequest> wait4_request(int pid, int options) {
    constexpr u32 kAllowed = sched::kWaitNoHang | sched::kWaitStopped | sched::kWaitContinued |
                             sched::kWaitNoThread | sched::kWaitClone | sched::kWaitAll;
    auto bits = static_cast<u32>(options);
    if (bits & ~kAllowed) return fail(Errno::kEINVAL);
    if (pid == static_cast<int>(0x8000'0000)) return fail(Errno::kESRCH);
    using Which = sched::WaitRequest::Which;
    bits |= sched::kWaitExited;
    if (pid > 0) return sched::WaitRequest{Which::Pid, pid, bits};
    if (pid == -1) return sched::WaitRequest{Which::Any, 0, bits};
    int group = pid ? -pid : sched::current_process().pgid;
    return sched::WaitRequest{Which::Group, group, bits};
}

Result<sched::WaitRequest> waitid_request(int which, int id, int options) {
    constexpr u32 kAllowed = sched::kWaitNoHang | sched::kWaitNoWait | sched::kWaitExited |
                             sched::kWaitStopped | sched::kWaitContinued | sched::kWaitNoThread |
                             sched::kWaitClone | sched::kWaitAll;
    constexpr u32 kEvents = sched::kWaitExited | sched::kWaitStopped | sched::kWaitContinued;
    auto bits = static_cast<u32>(options);
    if (bits & ~kAllowed || !(bits & kEvents)) return fail(Errno::kEINVAL);
    using Which = sched::WaitRequest::Which;
    switch (which) {
        case kIdAll: return sched::WaitRequest{Which::Any, 0, bits};
        case kIdPid:
            if (id <= 0) return fail(Errno::kEINVAL);
            return sched::WaitRequest{Which::Pid, id, bits};
        case kIdGroup:
            if (id < 0) return fail(Errno::kEINVAL);
            return sched::WaitRequest{Which::Group, id ? id : sched::current_process().pgid, bits};
        case kIdPidFd: {
            Ref<sched::Process> process = TRY(sched::pidfd_process(id));
            return sched::WaitRequest{Which::Pid, process->pid(), bits};
        }
        default: return fail(Errno::kEINVAL);
    }
}

SigInfo describe_change(const sched::WaitResult& result) {
    SigInfo info{};
    if (!result.pid) return info;
    info.signo = sched::kSigChld;
    info.child.pid = result.pid;
    info.child.uid = result.uid;
    int status = result.status;
    if (status == 0xffff) {
        info.code = sched::kCldContinued;
        info.child.status = sched::kSigCont;
    } else if ((status & 0xff) == 0x7f) {
        info.code = sched::kCldStopped;
        info.child.status = status >> 8;
    } else if (status & 0x7f) {
        info.code = sched::kCldKilled;
        info.child.status = status & 0x7f;
    } else {
        info.code = sched::kCldExited;
        info.child.status = status >> 8 & 0xff;
    }
    return info;
}

SyscallResult fork_with(u64 flags) {
    sched::CloneRequest request;
    request.flags = flags;
    request.exit_signal = sched::kSigChld;
    return TRY(sched::clone(request));
}

}  // namespace

SyscallResult sys_getpid() { return sched::current_process().pid(); }
SyscallResult sys_gettid() { return sched::current().tid(); }
SyscallResult sys_getppid() { return sched::current_process().ppid; }

SyscallResult sys_set_tid_address(Out<int> tidptr) {
    sched::current().clear_child_tid = tidptr.address();
    return sched::current().tid();
}

SyscallResult sys_fork() { return fork_with(0); }
SyscallResult sys_vfork() { return fork_with(sched::kCloneVm | sched::kCloneVfork); }

SyscallResult sys_unshare(u64 flags) {
    TRY(sched::unshare(flags));
    return 0;
}

SyscallResult sys_clone(u64 flags, u64 stack, Out<int> parent_tid, Out<int> child_tid, u64 tls) {
    sched::CloneRequest request;
    request.flags = static_cast<u32>(flags & ~kExitSignalMask);
    int signal = static_cast<int>(flags & kExitSignalMask);
    request.exit_signal = signal <= sched::kSignals ? signal : 0;  // clone3 refuses what this one ignores
    request.stack = stack;
    request.tls = tls;
    request.parent_tid = parent_tid.address();
    request.child_tid = child_tid.address();
    request.pidfd = parent_tid.address();  // clone(2): both use the same argument
    constexpr u64 kBoth = u64{sched::kClonePidFd} | sched::kCloneParentSetTid;
    if ((flags & kBoth) == kBoth) return fail(Errno::kEINVAL);
    return TRY(sched::clone(request));
}

SyscallResult sys_clone3(In<CloneArgs> args, usize size) {
    CloneArgs wanted = TRY(read_clone_args(args, size));
    constexpr u64 kRefused = kExitSignalMask | sched::kCloneDetached;
    if (wanted.flags & kRefused || wanted.exit_signal & ~kExitSignalMask) return fail(Errno::kEINVAL);
    if (wanted.set_tid || wanted.set_tid_size) return fail(Errno::kEINVAL);
    if ((wanted.stack == 0) != (wanted.stack_size == 0)) return fail(Errno::kEINVAL);
    if (!mm::is_user_range(UserAddr(wanted.stack), wanted.stack_size)) return fail(Errno::kEINVAL);
    bool child_of_same_parent = wanted.flags & (sched::kCloneThread | sched::kCloneParent);
    if (child_of_same_parent && wanted.exit_signal) return fail(Errno::kEINVAL);
    return TRY(sched::clone({.flags = wanted.flags,
                             .exit_signal = static_cast<int>(wanted.exit_signal),
                             .stack = wanted.stack + wanted.stack_size,
                             .tls = wanted.tls,
                             .parent_tid = UserAddr(wanted.parent_tid),
                             .child_tid = UserAddr(wanted.child_tid),
                             .pidfd = UserAddr(wanted.pidfd)}));
}

SyscallResult sys_execve(UserString path, In<u64> argv, In<u64> envp) {
    return sys_execveat(kAtFdCwd, path, argv, envp, 0);
}

SyscallResult sys_execveat(int dirfd, UserString path, In<u64> argv, In<u64> envp, int flags) {
    if (flags & ~(kAtNoFollow | kAtEmptyPath)) return fail(Errno::kEINVAL);
    sched::ExecRequest request;
    request.path = TRY(mm::read_path(path));
    request.no_follow = flags & kAtNoFollow;
    u64 limit = sched::argument_limit(sched::current_process().limit(sched::kLimitStack));
    request.arguments = TRY(read_strings(argv, limit));
    request.environment = TRY(read_strings(envp, limit));
    // As Linux since 5.18: programs may rely on having a name.
    if (!request.arguments.count()) TRY(request.arguments.add(""));
    fs::Path base;
    if (request.path.empty() && flags & kAtEmptyPath) {
        if (dirfd == kAtFdCwd) return fail(Errno::kEACCES);  // a directory
        request.file = TRY(sched::current_process().fds().get(dirfd, true));
        request.path = TRY(descriptor_name(dirfd));
    } else {
        if (request.path.empty()) return fail(Errno::kENOENT);
        base = TRY(fs::at(dirfd, request.path));
    }
    TRY(sched::execute(base, std::move(request)));
    return 0;
}

SyscallResult sys_exit(int status) { sched::exit_thread((status & 0xff) << 8); }
SyscallResult sys_exit_group(int status) { sched::exit_group((status & 0xff) << 8); }

SyscallResult sys_wait4(int pid, Out<int> status, int options, Out<RUsage> rusage) {
    sched::WaitResult result = TRY(sched::wait_for_child(TRY(wait4_request(pid, options))));
    if (!result.pid) return 0;
    TRY(mm::write_if(status, result.status));
    TRY(mm::write_if(rusage, result.usage));
    return result.pid;
}

SyscallResult sys_waitid(int which, int id, Out<SigInfo> info, int options, Out<RUsage> rusage) {
    sched::WaitResult result = TRY(sched::wait_for_child(TRY(waitid_request(which, id, options))));
    if (result.pid) TRY(mm::write_if(rusage, result.usage));
    TRY(mm::write_if(info, describe_change(result)));
    return 0;
}

SyscallResult sys_pidfd_open(int pid, u32 flags) {
    if (flags & ~kNonblock) return fail(Errno::kEINVAL);
    if (pid <= 0) return fail(Errno::kEINVAL);
    Ref<sched::Process> process = sched::find_process(pid);
    if (!process) return fail(sched::find_thread(pid) ? Errno::kEINVAL : Errno::kESRCH);
    Ref<fs::File> file = TRY(sched::open_pidfd(*process, flags));
    sched::Process& caller = sched::current_process();
    constexpr bool kCloseOnExec = true;
    return TRY(caller.fds().install(std::move(file), kCloseOnExec, caller.limit(sched::kLimitFiles)));
}

}  // namespace astra::syscalls
