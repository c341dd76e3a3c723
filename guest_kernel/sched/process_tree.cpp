// The table of processes and threads, by id and by relation.
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

namespace {

MutexLocked<ProcessTree, Rank::ProcessTree> g_tree;

usize bucket(int id) { return static_cast<u32>(id) % ProcessTree::kBuckets; }

// Ids of groups and sessions outlive their leaders.
bool in_use(const ProcessTree& tree, int id) {
    if (tree.find(id) || tree.find_thread(id)) return true;
    for (Process& process : tree.all)
        if (process.pgid == id || process.sid == id) return true;
    return false;
}

}  // namespace

MutexLocked<ProcessTree, Rank::ProcessTree>& tree() { return g_tree; }

Result<int> ProcessTree::allocate_pid() {
    constexpr int kFirstAfterWrap = 300;  // as Linux: low ids stay with what started early
    for (int tried = 0; tried < kMaxPid; tried++) {
        int id = next_pid++;
        if (next_pid >= kMaxPid) {
            next_pid = kFirstAfterWrap;
            pids_wrapped = true;
        }
        if (!pids_wrapped || !in_use(*this, id)) return id;
    }
    return fail(Errno::kEAGAIN);
}

void ProcessTree::add(Process& process) {
    process.ref();
    all.push_back(process);
    processes[bucket(process.pid())].push_back(process);
    process_count++;
}

void ProcessTree::add(Thread& thread) {
    threads[bucket(thread.tid())].push_back(thread);
    thread_count++;
}

void ProcessTree::remove(Thread& thread) {
    thread.id_node.unlink();
    thread_count--;
}

void ProcessTree::reap(Process& process) {
    process.state = ProcessState::Reaped;
    process.all_node.unlink();
    process.id_node.unlink();
    process.sibling_node.unlink();
    process.parent = nullptr;
    process_count--;
    process.unref();
}

Process* ProcessTree::find(int pid) const {
    for (Process& process : processes[bucket(pid)])
        if (process.pid() == pid) return &process;
    return nullptr;
}

Thread* ProcessTree::find_thread(int tid) const {
    for (Thread& thread : threads[bucket(tid)])
        if (thread.tid() == tid) return &thread;
    return nullptr;
}

bool ProcessTree::group_exists(int pgid, int sid) const {
    for (Process& process : all)
        if (process.pgid == pgid && (!sid || process.sid == sid)) return true;
    return false;
}

bool ProcessTree::is_orphaned(int pgid) const {
    for (Process& process : all) {
        if (process.pgid != pgid || process.state != ProcessState::Live || !process.parent) continue;
        if (process.parent->pgid != pgid && process.parent->sid == process.sid) return false;
    }
    return true;
}

Ref<Process> find_process(int pid) {
    auto guard = g_tree.lock();
    Process* found = guard->find(pid);
    return found ? Ref<Process>(*found) : nullptr;
}

Ref<Thread> find_thread(int tid) {
    auto guard = g_tree.lock();
    Thread* found = guard->find_thread(tid);
    return found ? Ref<Thread>(*found) : nullptr;
}

}  // namespace astra::sched
