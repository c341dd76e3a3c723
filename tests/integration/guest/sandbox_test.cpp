// The confinement of astra-vmm around real guests: what it tries and may not ends it by name, and nothing is
// allowed that no guest needs.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "guest_kernel/abi/syscall_rows.hpp"
#include "tests/integration/guest/guest_test.hpp"
#include "tests/integration/guest/host_socket.hpp"
#include "vmm/machine/sandbox_rules.hpp"

namespace astra::tests {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

std::string text_of(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// The one child of a process; -1 when there is none or more.
pid_t child_of(pid_t parent) {
    std::string all =
        text_of("/proc/" + std::to_string(parent) + "/task/" + std::to_string(parent) + "/children");
    pid_t child = -1;
    auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), child);
    return error == std::errc() && std::string_view(end) == " " ? child : -1;
}

/// The thread of a process that has this name.
pid_t thread_called(pid_t process, const std::string& name) {
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(process) + "/task"))
        if (text_of(entry.path() / "comm") == name + "\n") return std::stoi(entry.path().filename());
    return -1;
}

/// Turns the next system call that a thread makes into another.
void change_next_call(pid_t thread, long call) {
    ASSERT_GT(thread, 1);
    ASSERT_EQ(::ptrace(PTRACE_SEIZE, thread, 0, PTRACE_O_TRACESYSGOOD), 0) << strerror(errno);
    ASSERT_EQ(::ptrace(PTRACE_INTERRUPT, thread, 0, 0), 0);
    for (int status;;) {
        ASSERT_EQ(::waitpid(thread, &status, __WALL), thread);
        ASSERT_TRUE(WIFSTOPPED(status)) << status;
        __ptrace_syscall_info info{};
        ::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info);
        if (WSTOPSIG(status) == (SIGTRAP | 0x80) && info.op == PTRACE_SYSCALL_INFO_ENTRY) break;
        ASSERT_EQ(::ptrace(PTRACE_SYSCALL, thread, 0, 0), 0);
    }
    ASSERT_EQ(::ptrace(PTRACE_POKEUSER, thread, offsetof(user, regs.orig_rax), call), 0);
    ASSERT_EQ(::ptrace(PTRACE_DETACH, thread, 0, 0), 0);
}

class Sandbox : public GuestTest {};

TEST_F(Sandbox, AForbiddenCallEndsTheMachineAndIsNamed) {
    struct Case {
        const char *thread, *role;
    };
    for (auto [thread, role] : {Case{"astra-vmm", "device"}, Case{"vcpu0", "CPU"}, Case{"net", "network"}}) {
        AstraProcess process(words({"sh", "-c", "echo up; while :; do sleep 0.05; done"}));
        ASSERT_TRUE(process.wait_for("up"));
        pid_t machine = process.only_child();
        ASSERT_GT(machine, 0);
        change_next_call(thread_called(machine, thread), SYS_execve);
        auto done = process.finish(30s);
        EXPECT_EQ(done.status, 125);
        EXPECT_THAT(done.error,
                    HasSubstr("its " + std::string(role) + " thread tried the forbidden system call execve"));
    }
}

TEST_F(Sandbox, TheMachineOwnsNothing) {
    AstraProcess process(words({"sh", "-c", "echo up; read line"}));
    ASSERT_TRUE(process.wait_for("up"));
    pid_t machine = process.only_child();
    ASSERT_GT(machine, 0);
    std::string status = text_of("/proc/" + std::to_string(machine) + "/status");
    EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1\n"));
    EXPECT_THAT(status, HasSubstr("CapEff:\t0000000000000000\n"));
    EXPECT_THAT(status, HasSubstr("CapPrm:\t0000000000000000\n"));
    EXPECT_THAT(status,
                ::geteuid() == 0 ? HasSubstr("Uid:\t65534\t65534\t65534\t65534\n") : HasSubstr("Uid:"));
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(machine) + "/task"))
        EXPECT_THAT(text_of(task.path() / "status"), HasSubstr("Seccomp:\t2\n")) << task.path();
    process.write("\n");
    EXPECT_EQ(process.finish(30s).status, 0);
}

/// What the threads of astra-vmm asked for once they were confined, by their roles.
class Usage {
  public:
    /// Reads what `strace -f -e raw=all` wrote.
    void add(const std::string& file) {
        std::map<std::string, std::vector<Call>> confined;  // by thread
        std::ifstream lines(file);
        for (std::string line; std::getline(lines, line);) {
            size_t space = line.find(' '), open = line.find('(');
            if (open == line.npos || space > open) continue;
            std::string thread = line.substr(0, space), name = line.substr(space, open - space);
            name.erase(0, name.find_first_not_of(' '));
            auto known = confined.find(thread);
            if (known != confined.end()) known->second.push_back({name, arguments(line.substr(open + 1))});
            if (name == "seccomp") confined[thread];
        }
        for (auto& [thread, calls] : confined)
            for (const Call& call : calls) calls_[role_of(calls)].push_back(call);
    }
    [[nodiscard]] bool uses(const vmm::SandboxRule& rule) const {
        std::string_view name = abi::kSyscallTable[abi::kLinuxRows[rule.call]].name;
        for (const auto& [role, calls] : calls_)
            for (const Call& call : calls)
                if ((rule.roles & role) && call.name == name &&
                    (rule.mask == 0 || (call.arguments.size() > rule.argument &&
                                        (call.arguments[rule.argument] & rule.mask) == rule.value)))
                    return true;
        return false;
    }

  private:
    struct Call {
        std::string name;
        std::vector<uint32_t> arguments;  // their low halves
    };
    static std::vector<uint32_t> arguments(const std::string& text) {
        std::vector<uint32_t> values;
        // "0x5, 0, 0x1f3) = …" or "… <unfinished ...>"
        for (const char *at = text.data(), *end = at + text.size();;) {
            if (std::string_view(at, end).starts_with("0x")) at += 2;
            uint64_t value = 0;
            auto [after, error] = std::from_chars(at, end, value, 16);
            if (error != std::errc()) break;
            values.push_back(static_cast<uint32_t>(value));
            if (!std::string_view(after, end).starts_with(", ")) break;
            at = after + 2;
        }
        return values;
    }
    static uint32_t role_of(const std::vector<Call>& calls) {
        for (const Call& call : calls) {
            if (call.name == "epoll_wait") return vmm::kDeviceRole;
            if (call.name == "poll") return vmm::kNetRole;
        }
        return vmm::kVcpuRole;
    }
    std::map<uint32_t, std::vector<Call>> calls_;
};

TEST_F(Sandbox, EveryRuleIsNeeded) {
    ASSERT_EQ(std::system("strace -V >/dev/null"), 0) << "strace is missing";
    std::string trace = "/tmp/astra-sandbox-" + std::to_string(::getpid());
    uint16_t port = free_port();
    Listener server;
    std::thread serving([&] { server.answer("from the host\n"); });
    AstraProcess process(
        words(
            {"--net", "user,host-loopback", "-p", std::to_string(port) + ":8000", "sh", "-c",
             "busybox wget -q -O - http://10.0.2.2:" + std::to_string(server.port()) +
                 "/; busybox nslookup localhost >/dev/null 2>&1; head -c 100000 /dev/urandom >/dev/null; "
                 "mkdir /tmp/w; "
                 "echo here >/tmp/w/file; busybox httpd -p 8000 -h /tmp/w; echo served; read line; exit 7"}),
        AstraProcess::Stdio::Pipes, {"strace", "-f", "-qq", "-e", "raw=all", "-o", trace});
    EXPECT_TRUE(process.wait_for("from the host"));
    serving.join();
    EXPECT_TRUE(process.wait_for("served"));
    EXPECT_THAT(fetch(port, "GET /file HTTP/1.0\r\n\r\n"), HasSubstr("here"));
    pid_t machine = child_of(process.only_child());
    ASSERT_GT(machine, 1);
    ::kill(machine, SIGQUIT);  // the CPUs' registers
    std::this_thread::sleep_for(500ms);
    process.write("\n");
    EXPECT_EQ(process.finish(60s).status, 7);
    Usage usage;
    usage.add(trace);
    AstraProcess ticking(words({"--append", "clock=pit", "true"}), AstraProcess::Stdio::Pipes,
                         {"strace", "-f", "-qq", "-e", "raw=all", "-o", trace});
    EXPECT_EQ(ticking.finish(60s).status, 0);
    usage.add(trace);
    for (size_t i = 0; i < std::size(vmm::kSandboxRules); i++) {
        const vmm::SandboxRule& rule = vmm::kSandboxRules[i];
        EXPECT_TRUE(rule.rare || usage.uses(rule))
            << "rule " << i << ": " << abi::kSyscallTable[abi::kLinuxRows[rule.call]].name << ", value "
            << rule.value;
    }
    std::filesystem::remove(trace);
}

}  // namespace
}  // namespace astra::tests
