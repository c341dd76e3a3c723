// execve(2): everything that can fail happens in a new address space, then there is no way back.
#include "guest_kernel/sched/exec.hpp"

#include "guest_kernel/sched/futex.hpp"
#include "guest_kernel/sched/internal.hpp"
#include "guest_kernel/sched/program_image.hpp"
#include "guest_kernel/sched/script.hpp"
#include "guest_kernel/sched/vdso.hpp"

namespace astra::sched {

namespace {

constexpr usize kHeadBytes = 256;  // BINPRM_BUF_SIZE: what decides how a file is run
constexpr int kMostScripts = 4;    // interpreters that are scripts themselves
constexpr u32 kSetUid = 04000, kSetGid = 02000, kGroupExecute = 010;

// A program that is ready to run but for the threads and memory of the old one.
struct Prepared {
    Ref<mm::AddressSpace> space;
    LoadedProgram program;
    UserAddr stack;
    Ref<fs::File> file;
    String path;  // absolute
    Credentials credentials;
    bool secure = false;
};

// Reads as much of the file's beginning as there is.
Result<usize> read_head(fs::File& file, std::span<u8> to) {
    i64 offset = 0;
    fs::KernelBuffer buffer(to);
    while (buffer.remaining() && TRY(file.read(buffer, &offset))) {}
    return buffer.done();
}

// The file to load: what was named, or its interpreter when it is a script, whose arguments then change.
Result<Ref<fs::File>> find_binary(const fs::Path& base, ExecRequest& request) {
    Ref<fs::File> file = request.file ? TRY(reopen_program(*request.file))
                                      : TRY(open_program(base, request.path, request.no_follow));
    String script = TRY(request.path.clone());
    for (int depth = 0;; depth++) {
        u8 head[kHeadBytes];
        usize size = TRY(read_head(*file, head));
        std::string_view text(reinterpret_cast<char*>(head), size);
        if (!is_script(text)) return file;
        if (depth == kMostScripts) return fail(Errno::kELOOP);
        ScriptLine line = TRY(parse_script_line(text, size == kHeadBytes));
        std::string_view words[3] = {line.interpreter};
        usize count = 1;
        if (!line.argument.empty()) words[count++] = line.argument;
        words[count++] = script;
        TRY(request.arguments.replace_first({words, count}));
        script = TRY(String::from(line.interpreter));
        file = TRY(open_program(base, script));
    }
}

// Set-user-ID and set-group-ID programs.
Result<void> take_identity(fs::File& file, Prepared& prepared) {
    Process& process = current_process();
    Credentials& who = prepared.credentials;
    who = process.credentials();
    abi::Stat stat{};
    TRY(file.stat(stat));
    if (!process.no_new_privileges) {
        if (stat.mode & kSetUid) who.euid = stat.uid;
        if ((stat.mode & (kSetGid | kGroupExecute)) == (kSetGid | kGroupExecute)) who.egid = stat.gid;
    }
    who.suid = who.fsuid = who.euid;
    who.sgid = who.fsgid = who.egid;
    Credentials before = process.credentials();
    who.follow_exec(who.euid != before.euid || who.egid != before.egid);
    prepared.secure = who.uid != who.euid || who.gid != who.egid;
    return {};
}

Result<Prepared> prepare(const fs::Path& base, ExecRequest& request) {
    Process& process = current_process();
    Prepared prepared;
    prepared.file = TRY(find_binary(base, request));
    TRY(take_identity(*prepared.file, prepared));
    const fs::Path* place = prepared.file->path();
    prepared.path = place ? TRY(fs::path_name(*place)) : TRY(request.path.clone());
    prepared.space = TRY(mm::AddressSpace::create());
    u64 stack_limit = process.limit(kLimitStack);
    prepared.space->set_limits({.address_space = process.limit(kLimitAddressSpace),
                                .data = process.limit(kLimitData),
                                .stack = stack_limit});
    prepared.program = TRY(load_program(*prepared.space, prepared.file));
    prepared.space->init_break(prepared.program.heap_start);
    UserAddr vdso = TRY(map_vdso(*prepared.space));
    prepared.stack = TRY(build_stack(*prepared.space, prepared.program, request,
                                     {prepared.credentials, prepared.secure, stack_limit, vdso}));
    prepared.space->warm_up();
    return prepared;
}

// Ends the process's other threads. Errors: EAGAIN when the process is ending or another thread was first;
// the caller is ending then.
Result<void> become_only_thread(Process& process) {
    {
        auto signals = process.signals.lock();
        if (signals->exiting) return fail(Errno::kEAGAIN);
        if (signals->live_threads == 1) return {};
        begin_group_exit(*signals, 0, &current());
    }
    auto alone = [&] { return process.signals.lock()->live_threads == 1; };
    (void)process.thread_exits.wait(alone, Sleep::Killable);
    auto signals = process.signals.lock();
    if (signals->survivor != &current()) return fail(Errno::kEAGAIN);  // killed meanwhile
    signals->exiting = false;
    signals->survivor = nullptr;
    return {};
}

// The thread that executes becomes the leader, whichever it was.
void take_process_id(Thread& thread, Process& process) {
    if (thread.tid() == process.pid()) return;
    auto processes = tree().lock();
    processes->remove(thread);
    ThreadAccess::set_tid(thread, process.pid());
    processes->add(thread);
}

void reset_signals(Process& process, const Credentials& credentials) {
    auto signals = process.signals.lock();
    for (abi::SigAction& action : signals->actions) {
        u64 kept = action.handler == kSigIgnore ? kSigIgnore : kSigDefault;
        action = {};
        action.handler = kept;
    }
    signals->credentials = credentials;
}

// Descriptors shared with another process stay that process's.
Result<Ref<fs::FdTable>> private_descriptors(Process& process) {
    Ref<fs::FdTable> table = process.fds_ref();
    constexpr u32 kOurs = 2;  // the process's reference and this one
    return table->ref_count() > kOurs ? process.fds().clone() : Result<Ref<fs::FdTable>>(std::move(table));
}

void reset_thread(Thread& thread, const Prepared& prepared) {
    thread.alt_stack = {0, 2 /* SS_DISABLE */, 0, 0};
    thread.restore_saved_mask = false;
    thread.restart_deadline_ns = 0;
    thread.mutexes_orphaned = false;
    bool interrupts = arch::interrupts_disable();
    arch::fpu_init(thread.fpu);
    arch::fpu_restore(thread.fpu);
    arch::set_fs_base(0);
    arch::set_user_gs_base(0);
    arch::interrupts_restore(interrupts);
    arch::init_user_registers(thread.registers(), prepared.program.start, prepared.stack);
    thread.registers().orig_rax = ~u64{0};
}

void rename(Process& process, Thread& thread, Prepared& prepared, std::string_view named) {
    usize slash = named.rfind('/');
    thread.set_name(slash == named.npos ? named : named.substr(slash + 1));
    Ref<fs::File> old_file;
    auto processes = tree().lock();
    old_file = std::exchange(process.executable, std::move(prepared.file));
    process.executable_path = std::move(prepared.path);
    process.has_execed = true;
    process.barriers = 0;
    process.abi = prepared.program.abi;
    process.dumpable = !prepared.secure;
    if (prepared.secure) process.death_signal = 0;
    processes.unlock();  // before the old file goes
}

}  // namespace

Result<void> StringBlock::add(std::string_view text) {
    TRY(bytes_.append({text.data(), text.size()}));
    TRY(bytes_.push_back('\0'));
    count_++;
    return {};
}

std::string_view StringBlock::first() const { return count_ ? std::string_view(bytes_.data()) : ""; }

Result<void> StringBlock::replace_first(std::span<const std::string_view> strings) {
    StringBlock fresh;
    for (std::string_view text : strings) TRY(fresh.add(text));
    if (count_) {
        TRY(fresh.bytes_.append(bytes().subspan(first().size() + 1)));
        fresh.count_ += count_ - 1;
    }
    *this = std::move(fresh);
    return {};
}

Result<void> execute(const fs::Path& base, ExecRequest request) {
    Thread& thread = current();
    Process& process = thread.process();
    Prepared prepared = TRY(prepare(base, request));
    Ref<fs::FdTable> descriptors = TRY(private_descriptors(process));
    TRY(become_only_thread(process));
    // No way back.
    take_process_id(thread, process);
    leave_user_memory(thread);
    Ref<mm::AddressSpace> old = replace_space(std::move(prepared.space));
    release_vfork_parent(process);
    if (old) retire_space(std::move(old));
    drop_timers(process, false);
    reset_signals(process, prepared.credentials);
    descriptors->close_on_exec_all();
    {
        auto signals = process.signals.lock();
        std::swap(ProcessAccess::fds(process), descriptors);
    }
    reset_thread(thread, prepared);
    rename(process, thread, prepared, request.path);
    return {};
}

}  // namespace astra::sched
