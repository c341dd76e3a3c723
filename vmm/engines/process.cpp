// Starting, watching and ending child processes by pidfd.
#include "vmm/engines/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace astra::vmm {
namespace {

/// Above every number an inherited descriptor can get, so that moving them into place never overwrites one.
constexpr int kParking = 256;

/// In the child, after fork: only async-signal-safe calls. Reports errno through `report` and never returns.
[[noreturn]] void become(const ProcessSpec& spec, char* const argv[], pid_t parent, int report) {
    auto give_up = [&] {
        int number = errno;
        (void)!::write(report, &number, sizeof number);
        ::_exit(127);
    };
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int number : {SIGPIPE, SIGINT, SIGQUIT, SIGTERM, SIGHUP}) ::signal(number, SIG_DFL);
    if (spec.detached) {
        ::setsid();
    } else {
        ::setpgid(0, 0);
        if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) give_up();
        if (::getppid() != parent) ::_exit(127);  // the parent died before prctl
    }

    int count = static_cast<int>(spec.inherited.size());
    int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) give_up();
    int errors = ::fcntl(spec.errors.valid() ? spec.errors.get() : null, F_DUPFD_CLOEXEC, kParking);
    report = ::fcntl(report, F_DUPFD_CLOEXEC, kParking);
    null = ::fcntl(null, F_DUPFD_CLOEXEC, kParking);
    if (errors < 0 || report < 0 || null < 0) give_up();
    int parked[kParking];
    for (int i = 0; i < count; i++) {
        parked[i] = ::fcntl(spec.inherited[static_cast<usize>(i)].get(), F_DUPFD_CLOEXEC, kParking);
        if (parked[i] < 0) give_up();
    }
    for (int i = 0; i < count; i++)
        if (::dup2(parked[i], ProcessSpec::kFirstInherited + i) < 0) give_up();
    if (::dup2(null, 0) < 0 || ::dup2(null, 1) < 0 || ::dup2(errors, 2) < 0) give_up();
    if (::close_range(static_cast<unsigned>(ProcessSpec::kFirstInherited + count), ~0u,
                      CLOSE_RANGE_CLOEXEC) != 0)
        give_up();
    ::execv(spec.program.c_str(), argv);
    give_up();
    __builtin_unreachable();
}

}  // namespace

Result<Process> Process::start(ProcessSpec spec) {
    if (spec.inherited.size() > kParking - ProcessSpec::kFirstInherited)
        return fail(Code::Internal, "too many descriptors to inherit");
    std::vector<char*> argv{spec.program.data()};
    for (std::string& argument : spec.arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);

    int pipe[2];
    if (::pipe2(pipe, O_CLOEXEC) != 0) return fail_errno("pipe");
    Fd report(pipe[0]), reporter(pipe[1]);
    pid_t parent = ::getpid();
    pid_t pid = ::fork();
    if (pid < 0) return fail_errno("fork");
    if (pid == 0) become(spec, argv.data(), parent, reporter.get());
    // The child cannot be collected by anyone else, so its number is still its own here.
    Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd.valid()) {
        auto error = fail_errno("pidfd_open");
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
        return error;
    }
    Process process(std::move(pidfd), pid);
    reporter.reset();
    int number = 0;
    ssize_t got;
    do got = ::read(report.get(), &number, sizeof number);
    while (got < 0 && errno == EINTR);
    if (got == sizeof number) return fail_errno(spec.program, number);
    return process;
}

Process& Process::operator=(Process&& other) noexcept {
    if (this != &other) {
        end();
        pidfd_ = std::move(other.pidfd_);
        pid_ = other.pid_;
        status_ = std::exchange(other.status_, std::nullopt);
    }
    return *this;
}

std::optional<int> Process::status() {
    if (status_ || !pidfd_.valid()) return status_;
    siginfo_t info{};
    if (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0)
        return std::nullopt;
    status_ = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8 : info.si_status & 0x7f;
    return status_;
}

void Process::kill() const { send(SIGKILL); }

void Process::suspend(bool stopped) const { send(stopped ? SIGSTOP : SIGCONT); }

void Process::send(int signal) const {
    if (pidfd_.valid() && !status_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
}

void Process::end() {
    if (!pidfd_.valid() || status_) return;
    kill();
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED) != 0 && errno == EINTR) {}
}

}  // namespace astra::vmm
