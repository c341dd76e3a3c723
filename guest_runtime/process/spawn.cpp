// Starting programs: clone(2) with the memory shared until execve(2), as posix_spawn(3) does, so nothing is
// copied and the child can say in a variable why it failed.
#include "guest_runtime/process/prepared.hpp"
#include "guest_runtime/sys/constants.hpp"
#include "guest_runtime/thread/clone.hpp"

namespace astra::process {

void Command::Prepared::become() {
    auto failed = [&](i64 answer) {
        if (answer < 0) error = static_cast<int>(-answer);
        return answer < 0;
    };
    for (int to = 0; to < 3; to++)
        if (streams[to] >= 0 && failed(sys::dup3(streams[to], to, 0))) return;
    if (directory && failed(sys::chdir(directory))) return;
    abi::SigAction standard{};
    sys::rt_sigaction(sys::kSigPipe, &standard, nullptr, sizeof mask);  // ignored in this process only
    sys::rt_sigprocmask(2, &mask, nullptr, sizeof mask);
    // As execvp(3): the first candidate that is there; one that may not be executed is told of when no other
    // is found.
    int denied = 0;
    for (const char* path : candidates) {
        error = 0;  // what the parent reads when execve does not come back
        if (!failed(sys::execve(path, argv.data(), envp.data()))) continue;
        if (error == static_cast<int>(Errno::kEACCES))
            denied = error;
        else if (error != static_cast<int>(Errno::kENOENT) && error != static_cast<int>(Errno::kENOTDIR))
            return;
    }
    if (denied) error = denied;
}

namespace {

struct ChildStack {
    static constexpr usize kSize = 32 * 1024;
    ChildStack() : memory(static_cast<u8*>(::operator new(kSize, std::nothrow))) {}
    ~ChildStack() { ::operator delete(memory); }
    u8* memory;
};

}  // namespace

io::Result<void> Command::open_streams(Stdio::Kind unset, Prepared& p, Child& child) {
    for (usize i = 0; i < 3; i++) {
        auto kind = streams_[i] ? streams_[i]->kind_ : unset;
        os::OwnedFd& theirs = p.opened[i];
        if (kind == Stdio::Kind::Null) {
            theirs = TRY(os::OwnedFd::from(sys::open("/dev/null", sys::kReadWrite | sys::kCloseOnExec, 0)));
        } else if (kind == Stdio::Kind::Fd) {
            theirs = TRY(streams_[i]->fd_.try_clone());
        } else if (kind == Stdio::Kind::Piped) {
            auto made = TRY(pipe());
            theirs = i == 0 ? made.reader.into_fd() : made.writer.into_fd();
            if (i == 0)
                child.stdin_pipe.emplace(std::move(made.writer));
            else
                (i == 1 ? child.stdout_pipe : child.stderr_pipe).emplace(std::move(made.reader));
        }
        if (!theirs.is_open()) continue;
        // Above the three, so that placing one does not overwrite another.
        if (theirs.raw() < 3) theirs = TRY(theirs.try_clone());
        p.streams[i] = theirs.raw();
    }
    return {};
}

io::Result<Child> Command::start(Stdio::Kind unset) {
    Prepared p;
    TRY(prepare(p));
    Child child;
    TRY(open_streams(unset, p, child));
    ChildStack stack;
    if (!stack.memory) return std::unexpected(io::Error(Errno::kENOMEM));
    // No handler may run in the child: it would see this process's memory.
    abi::SigSet all = ~abi::SigSet{0};
    sys::rt_sigprocmask(0, &all, &p.mask, sizeof all);
    auto run = [](void* argument) {
        static_cast<Prepared*>(argument)->become();
        for (;;) sys::exit_group(127);
    };
    i64 pid = astra_clone(sys::kCloneVm | sys::kCloneVfork | sys::kSigChild, stack.memory + ChildStack::kSize,
                          run, &p, 0, nullptr);
    sys::rt_sigprocmask(2, &p.mask, nullptr, sizeof all);
    TRY(os::check(pid));
    child.pid_ = static_cast<int>(pid);
    int error = *const_cast<volatile int*>(&p.error);
    if (error != 0) {
        (void)child.wait();
        return std::unexpected(io::Error::from_raw_os_error(error));
    }
    return child;
}

io::Error Command::exec() {
    Prepared p;
    Child child;  // has the other ends of pipes, which nobody will use
    auto ready = prepare(p);
    if (ready) ready = open_streams(Stdio::Kind::Inherit, p, child);
    if (!ready) return ready.error();
    sys::rt_sigprocmask(0, nullptr, &p.mask, sizeof p.mask);
    p.become();
    abi::SigAction ignore{.handler = sys::kSigIgnore, .flags = 0, .restorer = 0, .mask = 0};
    sys::rt_sigaction(sys::kSigPipe, &ignore, nullptr, sizeof p.mask);  // as it was (start/start.cpp)
    return io::Error::from_raw_os_error(p.error);
}

}  // namespace astra::process
