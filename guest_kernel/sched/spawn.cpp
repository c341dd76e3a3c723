// Programs the host asks for: a process of their own from the start, child of the kernel.
#include "guest_kernel/fs/vfs.hpp"
#include "guest_kernel/sched/exec.hpp"
#include "guest_kernel/sched/internal.hpp"

namespace astra::sched {

namespace {

constexpr u32 kIoctlControllingTerminal = 0x540e;  // TIOCSCTTY
constexpr u32 kOpenReadWrite = 02, kOpenNoControllingTerminal = 0400;
constexpr std::string_view kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
constexpr u64 kDefaultStack = 8 << 20;
constexpr u64 kDefaultFiles = 1024, kMostFiles = 1 << 20;
constexpr u64 kDefaultMemlock = 8 << 20, kDefaultQueue = 819200, kDefaultNice = 0;

// Between the one who spawns and the new thread, which tells how it went.
struct Start : RefCounted {
    SpawnRequest request;
    std::atomic<bool> done{false};
    Result<void> outcome;
    WaitQueue finished;
    void finish(Result<void> result) {
        outcome = result;
        done = true;
        finished.wake_all();
    }
};

void set_default_limits(Signals& signals) {
    for (abi::RLimit& limit : signals.limits) limit = {kUnlimited, kUnlimited};
    constexpr u64 kThreads = 16384;
    signals.limits[kLimitStack] = {kDefaultStack, kUnlimited};
    signals.limits[kLimitCore] = {0, kUnlimited};
    signals.limits[kLimitProcesses] = {kThreads, kThreads};
    signals.limits[kLimitFiles] = {kDefaultFiles, kMostFiles};
    signals.limits[kLimitMemlock] = {kDefaultMemlock, kDefaultMemlock};
    signals.limits[kLimitSigPending] = {kThreads, kThreads};
    signals.limits[kLimitMsgQueue] = {kDefaultQueue, kDefaultQueue};
    signals.limits[kLimitNice] = signals.limits[kLimitRtPriority] = {kDefaultNice, kDefaultNice};
}

std::string_view search_path(const SpawnRequest& request) {
    constexpr std::string_view kKey = "PATH=";
    for (const String& variable : request.environment)
        if (variable.view().starts_with(kKey)) return variable.view().substr(kKey.size());
    return kDefaultPath;
}

Result<ExecRequest> exec_request(const SpawnRequest& request, std::string_view path) {
    ExecRequest exec;
    exec.path = TRY(String::from(path));
    for (const String& argument : request.arguments) TRY(exec.arguments.add(argument));
    for (const String& variable : request.environment) TRY(exec.environment.add(variable));
    return exec;
}

// Tries the directories of PATH in turn, as execvp(3).
Result<void> execute_by_name(const fs::Path& cwd, const SpawnRequest& request, std::string_view name) {
    Errno error = Errno::kENOENT;
    std::string_view path = search_path(request);
    while (!path.empty()) {
        usize colon = path.find(':');
        std::string_view directory = path.substr(0, colon);
        path = colon == path.npos ? "" : path.substr(colon + 1);
        String candidate = TRY(String::from(directory.empty() ? "." : directory));
        TRY(candidate.push_back('/'));
        TRY(candidate.append(name));
        Result<void> done = execute(cwd, TRY(exec_request(request, candidate)));
        if (done) return done;
        if (done.error() == Errno::kEACCES)
            error = Errno::kEACCES;
        else if (done.error() != Errno::kENOENT && done.error() != Errno::kENOTDIR)
            return done;
    }
    return fail(error);
}

Result<void> become_program(Start& start) {
    Process& process = current_process();
    const SpawnRequest& request = start.request;
    if (request.arguments.empty()) return fail(Errno::kEINVAL);
    fs::Path cwd =
        TRY(fs::resolve(fs::root(), request.cwd.empty() ? "/" : request.cwd, fs::kFollow | fs::kDirectory));
    process.fs().set_cwd(cwd);
    Ref<fs::File> terminal;
    if (!request.terminal.empty())
        terminal =
            TRY(fs::open(fs::root(), request.terminal, kOpenReadWrite | kOpenNoControllingTerminal, 0));
    for (int fd = 0; fd < 3; fd++) {
        const Ref<fs::File>& file = terminal ? terminal : request.stdio[fd];
        if (file) TRY(process.fds().install_at(fd, file, false, process.limit(kLimitFiles)));
    }
    // Not every stdio is a terminal: then there is no controlling one.
    const Ref<fs::File>& input = terminal ? terminal : request.stdio[0];
    if (request.new_session && input) (void)input->ioctl(kIoctlControllingTerminal, 0);
    std::string_view name = request.arguments[0];
    if (name.find('/') != name.npos) return execute(cwd, TRY(exec_request(request, name)));
    return execute_by_name(cwd, request, name);
}

// The new process's first thread: its program's registers are not needed yet and carry the request.
void spawned_thread_main(void* self) {
    finish_switch();
    arch::interrupts_enable();
    auto& thread = *static_cast<Thread*>(self);
    {
        auto start = Ref<Start>::adopt(reinterpret_cast<Start*>(thread.registers().rdi));
        Process& process = thread.process();
        Result<void> outcome = become_program(*start);
        if (!outcome) process.control_tag = 0;  // nobody hears of its end
        if (outcome && start->request.started) start->request.started(process.control_tag, process.pid());
        start->finish(outcome);
        start = nullptr;
        if (!outcome) exit_group(0);
    }
    prepare_return_to_user(&thread.registers());
    arch::return_to_user();
}

Result<Ref<Process>> make_process(const SpawnRequest& request) {
    Ref<Process> process = TRY(ProcessAccess::create());
    ProcessAccess::fds(*process) = TRY(fs::FdTable::create());
    ProcessAccess::fs(*process) = TRY(fs::Context::create(fs::root(), fs::root()));
    set_default_limits(process->signals.unlocked());
    process->control_tag = request.tag;
    process->start_ns = arch::now_ns();
    return process;
}

Result<void> launch(Process& process, Start& start) {
    auto guard = tree().lock();
    int pid = TRY(guard->allocate_pid());
    ProcessAccess::set_pid(process, pid);
    Ref<Thread> thread = TRY(Thread::create(&process, pid));
    start.ref();
    thread->registers().rdi = reinterpret_cast<u64>(&start);
    prepare_thread(*thread, spawned_thread_main);
    process.pgid = process.sid = pid;
    process.signals.with([&](Signals& signals) {
        signals.threads.push_back(*thread);
        signals.live_threads = 1;
    });
    guard->add(process);
    guard->add(*thread);
    start_thread(*thread);
    return {};
}

}  // namespace

Result<int> spawn(SpawnRequest request) {
    Ref<Start> start = TRY(make_ref<Start>());
    start->request = std::move(request);
    Ref<Process> process = TRY(make_process(start->request));
    TRY(launch(*process, *start));
    int pid = process->pid();
    (void)start->finished.wait([&] { return start->done.load(); }, Sleep::Uninterruptible);
    if (start->outcome) return pid;
    auto gone = [&] { return process->state == ProcessState::Reaped; };
    (void)process->exit_waiters.wait(gone, Sleep::Uninterruptible);
    auto guard = tree().lock();
    if (guard->process_count == 0) guard->next_pid = 1;  // the first program that runs is the first process
    return fail(start->outcome.error());
}

}  // namespace astra::sched
