// A process: what its threads share, and its place among the others (parents, groups, sessions).
#pragma once
#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/fs/context.hpp"
#include "guest_kernel/fs/fd_table.hpp"
#include "guest_kernel/mm/address_space.hpp"
#include "guest_kernel/sched/credentials.hpp"
#include "guest_kernel/sched/process_timers.hpp"
#include "guest_kernel/sched/thread.hpp"

namespace astra::sched {

enum class Abi : u8 { Linux, Astra };

/// RLIMIT_* numbers (asm-generic/resource.h).
enum Limit : int {
    kLimitCpu,
    kLimitFileSize,
    kLimitData,
    kLimitStack,
    kLimitCore,
    kLimitRss,
    kLimitProcesses,
    kLimitFiles,
    kLimitMemlock,
    kLimitAddressSpace,
    kLimitLocks,
    kLimitSigPending,
    kLimitMsgQueue,
    kLimitNice,
    kLimitRtPriority,
    kLimitRtTime,
    kLimits
};
inline constexpr u64 kUnlimited = ~u64{0};

struct Signals {
    abi::SigAction actions[kSignals] = {};
    PendingSignals pending;
    List<Thread, &Thread::process_node> threads;
    u32 live_threads = 0;
    u64 dead_system_ns = 0;  // kernel time of threads that ended
    bool exiting = false;    // exit_group or exec in progress: every thread but `survivor` ends
    Thread* survivor = nullptr;
    int exit_status = 0;  // wait status when exiting
    bool stopped = false, stop_reported = false, continued = false;
    bool stop_due = false;    // a thread has taken a stop signal and is about to stop; SIGCONT calls it off
    u32 stopping = 0;         // threads that have yet to notice the stop
    u32 stop_generation = 0;  // counts stops
    int stop_signal = 0;
    bool notify_continued = false;  // the parent has yet to hear of SIGCONT
    Credentials credentials;
    abi::RLimit limits[kLimits];

    /// True when `signal` would be thrown away: ignored explicitly or by default.
    [[nodiscard]] bool ignores(int signal) const;
};

enum class ProcessState : u8 { Live, Zombie, Reaped };

class Process : public RefCounted {
  public:
    [[nodiscard]] int pid() const { return pid_; }
    // For the process's own threads, while it lives:
    [[nodiscard]] mm::AddressSpace& space() const { return *space_; }
    [[nodiscard]] fs::FdTable& fds() const { return *fds_; }
    [[nodiscard]] fs::Context& fs() const { return *fs_; }
    // For everyone; null once it has exited:
    [[nodiscard]] Ref<mm::AddressSpace> space_ref();
    [[nodiscard]] Ref<fs::FdTable> fds_ref();
    [[nodiscard]] Ref<fs::Context> fs_ref();
    [[nodiscard]] Credentials credentials();  // a snapshot
    [[nodiscard]] abi::RLimit limit_pair(int resource);
    [[nodiscard]] u64 limit(int resource) { return limit_pair(resource).current; }  // the soft one
    /// A live thread, its leader when it lives; null for zombies.
    [[nodiscard]] Ref<Thread> any_thread();
    /// CPU time of all its threads, dead ones included, in nanoseconds.
    [[nodiscard]] u64 cpu_time_ns() const;
    /// What it used so far, children not included (getrusage(2)).
    [[nodiscard]] abi::RUsage resource_usage();
    /// Text of the program's name (comm), also of zombies.
    [[nodiscard]] const char* name() const { return name_; }

    SpinLocked<Signals, Rank::Signals> signals;
    MutexLocked<ProcessTimers, Rank::PosixTimers> timers;
    CpuTimers cpu_timers;

    // Under the process tree's mutex (tree()).
    int ppid = 0, pgid = 0, sid = 0;
    ProcessState state = ProcessState::Live;
    ListNode all_node, sibling_node, id_node;
    List<Process, &Process::sibling_node> children;
    Process* parent = nullptr;
    WaitQueue child_events;  // wait4 sleeps here
    WaitQueue exit_waiters;  // pidfds poll here
    u64 start_ns = 0;
    abi::RUsage usage{}, children_usage{};  // usage: set at exit
    u32 children_total = 0;
    bool has_execed = false;
    bool child_subreaper = false;  // PR_SET_CHILD_SUBREAPER
    int death_signal = 0;          // PR_SET_PDEATHSIG
    int exit_signal = kSigChld;
    int nice = 0;
    bool dumpable = true;
    std::atomic<int> oom_score_adjust{0};     // /proc/PID/oom_score_adj; kept across fork and exec
    std::atomic<u32> core_dump_filter{0x33};  // /proc/PID/coredump_filter, likewise
    struct IoCounts {
        std::atomic<u64> read_calls{0}, read_bytes{0}, write_calls{0}, written_bytes{0};
    } io;  // /proc/PID/io
    bool no_new_privileges = false;
    std::atomic<u32> barriers{0};  // membarrier(2): commands it registered for
    u32 persona = 0;               // personality(2)
    i32 io_priority = 0;           // ioprio_set(2); kept, there are no disks
    Abi abi = Abi::Linux;
    Ref<RefCounted> terminal;  // controlling terminal (fs::Tty)
    Ref<fs::File> executable;  // /proc/PID/exe
    String executable_path;
    u64 control_tag = 0;  // non-zero: spawned by the host, whose Exited frame carries it

    // vfork: the parent waits until the child has left its memory.
    std::atomic<bool> vfork_done{true};
    WaitQueue vfork_waiters;

    // Sleeping place of stopped threads, and of the thread that waits for the others to end (exec).
    WaitQueue continue_waiters, thread_exits;
    std::atomic<u64> run_ns{0};  // CPU time up to the last switch of each thread
    std::atomic<u64> page_faults{0}, voluntary_switches{0}, involuntary_switches{0};  // of threads that ended

    ~Process() override;

  private:
    friend struct ProcessAccess;
    template <class T, class... A>
    friend Result<Ref<T>> astra::make_ref(A&&...);
    Process() = default;
    int pid_ = 0;
    char name_[16] = {};
    Ref<mm::AddressSpace> space_;
    Ref<fs::FdTable> fds_;
    Ref<fs::Context> fs_;
};

/// What one thread used so far (RUSAGE_THREAD).
abi::RUsage thread_usage(const Thread& thread);

struct ProcessTree {
    static constexpr int kMaxPid = 32768;
    static constexpr usize kBuckets = 256;
    List<Process, &Process::all_node> all;
    List<Process, &Process::id_node> processes[kBuckets];  // by pid
    List<Thread, &Thread::id_node> threads[kBuckets];      // by tid
    int next_pid = 1;
    bool pids_wrapped = false;
    u32 thread_count = 0, process_count = 0;

    /// An id no process, thread, group or session has. Errors: EAGAIN.
    Result<int> allocate_pid();
    void add(Process& process);
    void add(Thread& thread);
    void remove(Thread& thread);
    /// The process is gone for good (its zombie was waited for): drops the tree's reference.
    void reap(Process& process);
    [[nodiscard]] Process* find(int pid) const;
    [[nodiscard]] Thread* find_thread(int tid) const;
    /// Is there a process of group `pgid` (in session `sid`, when not 0)?
    [[nodiscard]] bool group_exists(int pgid, int sid = 0) const;
    /// True when no member's parent is outside the group but in its session: nobody can continue it when it
    /// stops (POSIX, "orphaned process group").
    [[nodiscard]] bool is_orphaned(int pgid) const;
};
/// Every process; hold it to walk, reparent or change groups.
MutexLocked<ProcessTree, Rank::ProcessTree>& tree();
/// The process or thread with this id; null when none. Takes the tree's mutex.
Ref<Process> find_process(int pid);
Ref<Thread> find_thread(int tid);

/// True when the current process may look into and change `target` (ptrace(2), "Ptrace access mode checking",
/// PTRACE_MODE_ATTACH_REALCREDS).
bool may_inspect(Process& target);

inline Process& current_process() { return current().process(); }

/// What the host asks for with Spawn: the first program (also later ones).
struct SpawnRequest {
    u64 tag = 0;
    std::string_view cwd;
    Vector<String> arguments, environment;
    Ref<fs::File> stdio[3];
    std::string_view terminal;  // instead of stdio: the device to open for all three, a literal
    /// Called by the new process once it will run, before its program's first instruction.
    void (*started)(u64 tag, int pid) = nullptr;
    bool new_session = true;  // setsid; stdio[0]'s terminal becomes the controlling one
};
/// Starts a program as a child of the kernel; a name without a slash is looked up in the environment's PATH.
/// Returns its pid; errno when it cannot start (ENOENT, EACCES, ENOEXEC, …).
Result<int> spawn(SpawnRequest request);
/// Called by process exit for processes with a control_tag; implemented by drivers/control.
void report_exit(u64 tag, int pid, int wait_status);

/// Ends the current thread, or its whole process. `status` is a wait status as wait4(2) reports it: what
/// exit(2) was given times 256, or a signal's number.
[[noreturn]] void exit_thread(int wait_status);
[[noreturn]] void exit_group(int wait_status);

}  // namespace astra::sched
