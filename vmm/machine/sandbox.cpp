// Credentials, Landlock, and a seccomp filter per thread.
#include "vmm/machine/sandbox.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "guest_kernel/abi/syscall_rows.hpp"
#include "vmm/base/fd.hpp"
#include "vmm/machine/sandbox_rules.hpp"

namespace astra::vmm {

namespace {

constexpr uid_t kNobody = 65534;
/// All that Landlock's first version knows of the file system: bits 0 (execute) to 12 (make a symbolic link).
constexpr u64 kFileAccess = (u64{1} << 13) - 1;
constexpr char kResolver[] = "/etc/resolv.conf";

thread_local const char* thread_name = "?";

Result<void> become_nobody() {
    if (::geteuid() != 0) return {};
    int death_signal = 0;
    ::prctl(PR_GET_PDEATHSIG, &death_signal);
    if (::setgroups(0, nullptr) < 0 || ::setresgid(kNobody, kNobody, kNobody) < 0 ||
        ::setresuid(kNobody, kNobody, kNobody) < 0)
        return fail_errno("becoming nobody");
    // Forgotten with the credentials.
    if (death_signal && ::prctl(PR_SET_PDEATHSIG, death_signal) < 0) return fail_errno("PR_SET_PDEATHSIG");
    return {};
}

Result<void> give_up_files() {
    landlock_ruleset_attr handled{};
    handled.handled_access_fs = kFileAccess;
    Fd rules(static_cast<int>(
        ::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled.handled_access_fs, 0)));
    if (!rules.valid()) {
        if (errno == ENOSYS || errno == EOPNOTSUPP) return {};
        return fail_errno("landlock_create_ruleset");
    }
    if (Fd file(::open(kResolver, O_PATH | O_CLOEXEC)); file.valid()) {
        landlock_path_beneath_attr beneath{};
        beneath.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
        beneath.parent_fd = file.get();
        if (::syscall(SYS_landlock_add_rule, rules.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
            return fail_errno("landlock_add_rule");
    }
    if (::syscall(SYS_landlock_restrict_self, rules.get(), 0) < 0)
        return fail_errno("landlock_restrict_self");
    return {};
}

/// In the thread that made the call, which was not carried out.
void on_forbidden(int, siginfo_t* info, void*) {
    auto number = static_cast<u32>(info->si_syscall);
    u16 row = number < abi::kSyscallNumbers ? abi::kLinuxRows[number] : abi::SyscallRow::kNone;
    char line[160], *at = line;
    auto add = [&](std::string_view text) {
        usize count = std::min<usize>(text.size(), static_cast<usize>(line + sizeof line - at));
        std::memcpy(at, text.data(), count);
        at += count;
    };
    add("astra-vmm: its ");
    add(thread_name);
    add(" thread tried the forbidden system call ");
    add(row == abi::SyscallRow::kNone ? "that is not in the table" : abi::kSyscallTable[row].name);
    add("\n");
    (void)!::write(STDERR_FILENO, line, static_cast<usize>(at - line));
    ::_exit(kForbiddenStatus);
}

constexpr sock_filter load(u32 offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset); }
constexpr sock_filter skip_unless(u32 value, u8 count) {
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count);
}
constexpr sock_filter answer(u32 action) { return BPF_STMT(BPF_RET | BPF_K, action); }
constexpr sock_filter keep_bits(u32 mask) { return BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask); }
constexpr u32 kNumber = offsetof(seccomp_data, nr);

/// The filter's program (Documentation/userspace-api/seccomp_filter.rst). While the rules are walked the
/// accumulator holds the call's number.
std::vector<sock_filter> program_of(u32 role) {
    std::vector<sock_filter> program{
        load(offsetof(seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        answer(SECCOMP_RET_KILL_PROCESS),  // another ABI's numbers
        load(kNumber),
    };
    for (const SandboxRule& rule : kSandboxRules) {
        if (!(rule.roles & role)) continue;
        if (rule.mask == 0) {
            program.insert(program.end(), {skip_unless(rule.call, 1), answer(SECCOMP_RET_ALLOW)});
            continue;
        }
        u32 argument = offsetof(seccomp_data, args) + rule.argument * sizeof(u64);
        program.insert(program.end(), {skip_unless(rule.call, 5), load(argument), keep_bits(rule.mask),
                                       skip_unless(rule.value, 1), answer(SECCOMP_RET_ALLOW), load(kNumber)});
    }
    program.push_back(answer(SECCOMP_RET_TRAP));
    return program;
}

}  // namespace

Result<void> drop_privileges() {
    struct sigaction action {};
    action.sa_sigaction = on_forbidden;
    action.sa_flags = SA_SIGINFO;
    if (::sigaction(SIGSYS, &action, nullptr) < 0) return fail_errno("sigaction");
    TRY(become_nobody());
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return fail_errno("PR_SET_NO_NEW_PRIVS");
    return give_up_files();
}

Result<void> confine_thread(u32 role, const char* name) {
    thread_name = name;
    std::vector<sock_filter> program = program_of(role);
    sock_fprog filter{.len = static_cast<u16>(program.size()), .filter = program.data()};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0) return fail_errno("seccomp");
    return {};
}

}  // namespace astra::vmm
