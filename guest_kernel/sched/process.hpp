// A process: what its threads share, and its place among the others (parents, groups, sessions).
#pragma once
#include "guest_kernel/base/vector.hpp"
#include "guest_kernel/fs/context.hpp"
#include "guest_kernel/fs/fd_table.hpp"
#include "guest_kernel/mm/address_space.hpp"
#include "guest_kernel/sched/thread.hpp"

namespace astra::sched {

enum class Abi : u8 { Linux, Astra };

/// Identities and what they allow (credentials(7)). Copied on fork; changed only by the process itself, under
/// its signal lock. Capabilities follow effective uid 0.
struct Credentials {
    u32 uid = 0, euid = 0, suid = 0, fsuid = 0;
    u32 gid = 0, egid = 0, sgid = 0, fsgid = 0;
    u32 group_count = 0;
    u32 groups[32] = {};
    [[nodiscard]] bool is_root() const { return fsuid == 0; }
    [[nodiscard]] bool in_group(u32 gid_wanted) const;
};

struct Signals {
    abi::SigAction actions[kSignals] = {};
    PendingSignals pending;
    List<Thread, &Thread::process_node> threads;
    u32 live_threads = 0;
    bool exiting = false;  // exit_group in progress
    int exit_status = 0;   // wait status when exiting
    bool stopped = false, stop_reported = false, continued = false;
    int stop_signal = 0;
    Credentials credentials;
    abi::RLimit limits[16];
};

enum class ProcessState : u8 { Live, Zombie, Reaped };

class Process : public RefCounted {
  public:
    [[nodiscard]] int pid() const { return pid_; }
    [[nodiscard]] mm::AddressSpace& space() const { return *space_; }
    [[nodiscard]] Ref<mm::AddressSpace> space_ref() const { return space_; }
    [[nodiscard]] fs::FdTable& fds() const { return *fds_; }
    [[nodiscard]] fs::Context& fs() const { return *fs_; }
    [[nodiscard]] Credentials credentials();  // a snapshot
    [[nodiscard]] u64 limit(int resource);    // current (soft) limit
    SpinLocked<Signals, Rank::Signals> signals;

    // Under the process tree's mutex (tree()).
    int ppid = 0, pgid = 0, sid = 0;
    ProcessState state = ProcessState::Live;
    ListNode all_node, sibling_node;
    List<Process, &Process::sibling_node> children;
    Process* parent = nullptr;
    WaitQueue child_events;  // wait4 sleeps here
    WaitQueue exit_waiters;  // pidfds poll here
    u64 start_ns = 0;
    abi::RUsage usage{}, children_usage{};
    u32 children_total = 0;
    bool has_execed = false;
    int death_signal = 0;  // PR_SET_PDEATHSIG
    int exit_signal = 17;  // SIGCHLD
    int nice = 0;
    bool dumpable = true;
    Abi abi = Abi::Linux;
    Ref<RefCounted> terminal;  // controlling terminal (fs::Tty)
    Ref<fs::File> executable;  // /proc/PID/exe
    String executable_path;
    WaitQueue* vfork_waiter = nullptr;  // released at exec or exit
    u64 control_tag = 0;                // non-zero: spawned by the host, whose Exited frame carries it

    ~Process() override;

  private:
    friend struct ProcessAccess;
    template <class T, class... A>
    friend Result<Ref<T>> astra::make_ref(A&&...);
    Process() = default;
    int pid_ = 0;
    Ref<mm::AddressSpace> space_;
    Ref<fs::FdTable> fds_;
    Ref<fs::Context> fs_;
};

struct ProcessTree {
    List<Process, &Process::all_node> all;
    int next_pid = 1;
};
/// Every process; hold it to walk, reparent or change groups.
MutexLocked<ProcessTree, Rank::ProcessTree>& tree();
/// The process or thread with this id; null when none. Takes the tree's mutex.
Ref<Process> find_process(int pid);
Ref<Thread> find_thread(int tid);
/// True while any live process belongs to session `sid`. Takes the tree's mutex.
bool session_exists(int sid);

inline Process& current_process() { return current().process(); }

/// What the host asks for with Spawn: the first program (also later ones).
struct SpawnRequest {
    u64 tag = 0;
    std::string_view cwd;
    Vector<String> arguments, environment;
    Ref<fs::File> stdio[3];
    bool new_session = true;  // setsid; stdio[0]'s terminal becomes the controlling one
};
/// Starts a program as a child of the kernel. Returns its pid; errno when it cannot start (ENOENT, EACCES,
/// ENOEXEC, …).
Result<int> spawn(SpawnRequest request);
/// Called by process exit for processes with a control_tag; implemented by drivers/control.
void report_exit(u64 tag, int pid, int wait_status);

/// Ends the current thread, or its whole process.
[[noreturn]] void exit_thread(int status);
[[noreturn]] void exit_group(int wait_status);

}  // namespace astra::sched
