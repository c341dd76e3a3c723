// /proc/PID/stat, io and cmdline, read through the guest's kernel.
#include "vmm/daemon/processes.hpp"

#include <algorithm>
#include <charconv>

namespace astra::vmm::daemon {
namespace {

constexpr u64 kTickNs = 10'000'000;      // USER_HZ is 100
constexpr usize kMostBytes = 64 * 1024;  // of one file

Result<std::string> read_text(FileChannel& files, const std::string& path,
                              const FileChannel::Wanted& wanted) {
    std::string text;
    while (text.size() < kMostBytes) {
        auto bytes = TRY(files.read(path, text.size(), wanted));
        if (bytes.empty()) break;
        text.append(bytes.begin(), bytes.end());
    }
    return text;
}

/// The fields of /proc/PID/stat, "pid (name) state ppid …": the name may hold anything, so it ends at the
/// last ')'.
Result<GuestProcess> parse_stat(const std::string& text) {
    // Where fields lie behind the name (proc(5) counts from 1, the state being 3).
    enum : usize {
        kParent = 1,
        kUserTicks = 11,
        kSystemTicks = 12,
        kThreads = 17,
        kResidentPages = 21,
        kNeeded
    };
    auto bad = [] { return fail(Code::Corrupt, "the guest's /proc makes no sense"); };
    usize open = text.find('('), close = text.rfind(") ");
    if (open == text.npos || close == text.npos || close < open || close + 2 >= text.size()) return bad();
    GuestProcess process;
    process.name = text.substr(open + 1, close - open - 1);
    process.state = text[close + 2];
    std::vector<i64> numbers{0};  // in the state's place
    const char *at = text.data() + close + 3, *end = text.data() + text.size();
    while (at < end && numbers.size() < kNeeded) {
        if (*at == ' ') at++;
        i64 value = 0;
        auto [after, error] = std::from_chars(at, end, value);
        if (error != std::errc()) return bad();
        numbers.push_back(value);
        at = after;
    }
    auto [after, error] = std::from_chars(text.data(), end, process.pid);
    if (numbers.size() < kNeeded || error != std::errc()) return bad();
    process.parent = static_cast<i32>(numbers[kParent]);
    process.cpu_ns = static_cast<u64>(numbers[kUserTicks] + numbers[kSystemTicks]) * kTickNs;
    process.threads = static_cast<u32>(numbers[kThreads]);
    process.resident_bytes = static_cast<u64>(numbers[kResidentPages]) * kPageSize;
    return process;
}

/// The lines of /proc/PID/io, "name: number". Those that are missing stay 0.
void parse_io(std::string_view text, GuestProcess& process) {
    struct Line {
        std::string_view name;
        u64 GuestProcess::*value;
    };
    constexpr Line kLines[]{{"rchar: ", &GuestProcess::read_bytes},
                            {"wchar: ", &GuestProcess::written_bytes},
                            {"syscr: ", &GuestProcess::read_calls},
                            {"syscw: ", &GuestProcess::write_calls}};
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        for (const Line& known : kLines)
            if (line.starts_with(known.name))
                std::from_chars(line.data() + known.name.size(), line.data() + line.size(),
                                process.*known.value);
    }
}

std::vector<std::string> split_arguments(const std::string& text) {
    std::vector<std::string> arguments;
    for (usize at = 0; at < text.size();) {
        usize end = std::min(text.find('\0', at), text.size());
        arguments.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return arguments;
}

}  // namespace

Result<std::vector<GuestProcess>> list_processes(FileChannel& files, const FileChannel::Wanted& wanted) {
    std::vector<GuestProcess> processes;
    for (const FileChannel::Entry& entry : TRY(files.list("/proc", wanted))) {
        if (!std::ranges::all_of(entry.name, [](char c) { return c >= '0' && c <= '9'; })) continue;
        std::string folder = "/proc/" + entry.name;
        auto stat = read_text(files, folder + "/stat", wanted);
        if (!stat && stat.error().code == Code::NotFound) continue;  // it has ended meanwhile
        GuestProcess process = TRY(parse_stat(TRY(std::move(stat))));
        auto arguments = read_text(files, folder + "/cmdline", wanted);
        if (arguments) process.arguments = split_arguments(*arguments);
        if (auto io = read_text(files, folder + "/io", wanted)) parse_io(*io, process);
        processes.push_back(std::move(process));
    }
    std::ranges::sort(processes, {}, &GuestProcess::pid);
    return processes;
}

}  // namespace astra::vmm::daemon
