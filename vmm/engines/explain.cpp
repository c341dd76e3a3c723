// Turning a machine's end into words.
#include "vmm/engines/explain.hpp"

#include <fmt/format.h>
#include <string.h>
#include <sys/wait.h>

namespace astra::vmm {
namespace {

using control::Outcome;

constexpr char kSeeLog[] = "run again with --verbose to see the guest kernel's log";

/// How the kernel's reports begin.
constexpr std::string_view kPanicHeading = "KERNEL PANIC: ";

Outcome lost(std::string message, std::string hint) {
    return {.kind = Outcome::Kind::Lost, .message = std::move(message), .hint = std::move(hint)};
}

Outcome panicked(const EndFacts& facts) {
    const std::string& report = facts.panic_report.empty() ? facts.log : facts.panic_report;
    auto first_line = report.substr(0, report.find('\n'));
    if (first_line.starts_with(kPanicHeading)) first_line.erase(0, kPanicHeading.size());
    return {.kind = Outcome::Kind::Panicked,
            .message = "the guest kernel panicked" + (first_line.empty() ? "" : ": " + first_line),
            .hint = "please report this with the lines below",
            .report = report};
}

Outcome killed(const EndFacts& facts) {
    int number = WTERMSIG(facts.wait_status);
    return lost(fmt::format("{} was killed by signal {} ({})", facts.program, number, ::strsignal(number)),
                number == 9
                    ? "someone killed it, or the host ran out of memory (see dmesg; try a smaller --memory)"
                    : "");
}

/// What a machine's process said about its own end.
struct Complaint {
    std::string first, last;  // its first and last lines, without its name
    std::string hint;
    std::string all;
};
Complaint complaint_of(const EndFacts& facts) {
    Complaint complaint;
    for (std::string_view line : facts.errors) {
        if (line.starts_with(facts.program + ": ")) line.remove_prefix(facts.program.size() + 2);
        complaint.all += fmt::format("{}\n", line);
        if (line.starts_with("hint: ")) {
            complaint.hint = line.substr(6);
        } else if (line.find_first_not_of(' ') != line.npos) {
            if (complaint.first.empty()) complaint.first = line;
            complaint.last = line;
        }
    }
    return complaint;
}

/// QEMU warns first and says last what it died of.
Outcome failed(const EndFacts& facts) {
    Complaint complaint = complaint_of(facts);
    if (complaint.last.empty())
        return lost(fmt::format("{} ended with status {}", facts.program, WEXITSTATUS(facts.wait_status)),
                    kSeeLog);
    return lost(facts.program + ": " + complaint.last, complaint.hint);
}

/// The reason comes first, registers follow.
Outcome vcpu_died(const EndFacts& facts) {
    Complaint complaint = complaint_of(facts);
    Outcome outcome = lost(
        "a virtual CPU could not go on" + (complaint.first.empty() ? "" : ": " + complaint.first), kSeeLog);
    outcome.report = complaint.all;
    return outcome;
}

}  // namespace

Outcome explain_end(const EndFacts& facts) {
    if (facts.panicked) return panicked(facts);
    switch (facts.end) {
        case MachineEnd::Panic: return panicked(facts);
        case MachineEnd::WrongBuild:
            return lost(fmt::format("the {} kernel build cannot run on this machine", facts.kernel_name),
                        "use --kernel auto");
        case MachineEnd::VcpuDied: return vcpu_died(facts);
        case MachineEnd::Reset: return lost("the guest reset itself (a triple fault in its kernel)", kSeeLog);
        case MachineEnd::Clean:
            if (!facts.greeted && !facts.errors.empty()) return failed(facts);
            return lost("the guest shut down before its program ended",
                        facts.greeted ? "the program may have called reboot(2)" : kSeeLog);
        case MachineEnd::Failed: return failed(facts);
        case MachineEnd::Killed: return killed(facts);
    }
    return lost("the guest ended", "");
}

}  // namespace astra::vmm
