// stats: a guest's system calls and counters.
#include <fmt/format.h>

#include "cli/remote/remote_command.hpp"
#include "cli/statistics_format.hpp"

namespace astra::cli {
namespace {

Table syscall_table(const v1::MetricsSample& sample) {
    Table table{.header = {"syscall", "calls", "errors", "total", "mean", "p50", "p99", "max", "blocked"},
                .rows = {}};
    for (const v1::SyscallMetrics& row : sample.syscalls())
        table.rows.push_back({row.name(), std::to_string(row.calls()), std::to_string(row.errors()),
                              format_time(row.total_ns()), format_time(row.mean_ns()),
                              format_time(row.p50_ns()), format_time(row.p99_ns()), format_time(row.max_ns()),
                              format_time(row.blocked_ns())});
    for (const v1::UnknownSyscall& row : sample.unknown())
        table.rows.push_back({fmt::format("#{} (ENOSYS)", row.number()), std::to_string(row.calls()),
                              std::to_string(row.calls()), "", "", "", "", "", ""});
    return table;
}

class StatsCommand : public RemoteCommand {
  public:
    StatsCommand() : RemoteCommand("stats", "show a guest's system calls and counters") {}

  protected:
    void add_options(CLI::App& command) override {
        add_guest(command);
        command.add_option("--top", top_, "only so many, those with the most total time")->type_name("N");
        command.add_flag("--histograms", histograms_, "with latency histograms (json, yaml)");
        add_format(command);
    }
    Result<int> work(Remote& remote) override {
        v1::GetMetricsRequest request;
        request.set_guest(guest_);
        request.set_top(top_);
        request.set_histograms(histograms_);
        auto sample = TRY(Remote::call(*remote.metrics, &v1::Metrics::Stub::Get, request, patience()));
        return report(sample, syscall_table(sample));
    }

  private:
    unsigned top_ = 0;
    bool histograms_ = false;
};

}  // namespace

Commands make_stats_commands() {
    Commands commands;
    commands.push_back(std::make_unique<StatsCommand>());
    commands.push_back(make_top_command());
    return commands;
}

}  // namespace astra::cli
