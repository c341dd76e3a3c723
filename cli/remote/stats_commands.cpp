// stats and top: a guest's system calls, once or live.
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "cli/messages.hpp"
#include "cli/parse.hpp"
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

class TopCommand : public RemoteCommand {
  public:
    TopCommand() : RemoteCommand("top", "watch a guest's system calls") {}

  protected:
    void add_options(CLI::App& command) override {
        add_guest(command);
        command.add_option("--interval", interval_, "between two looks, as 500ms (1s)")
            ->type_name("DURATION");
        command.add_option("-n,--samples", samples_, "end after so many")->type_name("N");
    }
    Result<int> work(Remote& remote) override {
        v1::StreamMetricsRequest request;
        request.set_guest(guest_);
        auto interval = TRY(parse_duration(interval_));
        request.set_interval_ms(static_cast<uint64_t>(interval.count()));
        grpc::ClientContext context;
        auto stream = remote.metrics->Stream(&context, request);
        v1::MetricsSample before, now;
        for (unsigned seen = 0; (samples_ == 0 || seen < samples_) && stream->Read(&now); seen++) {
            std::string screen = ::isatty(STDOUT_FILENO) ? "\x1b[H\x1b[2J" : "";
            screen += to_text(rates(before, now, static_cast<double>(interval.count()) / 1000));
            if (int printed = print(screen + "\n"); printed != 0) return printed;
            before = now;
        }
        if (samples_ != 0) context.TryCancel();
        grpc::Status end = stream->Finish();
        bool enough = samples_ != 0 && end.error_code() == grpc::StatusCode::CANCELLED;
        if (!end.ok() && !enough) return std::unexpected(control::to_error(end));
        return 0;
    }

  private:
    static constexpr size_t kRows = 20;
    /// What happened between two samples, most calls first.
    static Table rates(const v1::MetricsSample& before, const v1::MetricsSample& now, double planned) {
        std::map<std::string, const v1::SyscallMetrics*> old;
        for (const v1::SyscallMetrics& row : before.syscalls()) old[row.name()] = &row;
        double seconds =
            before.unix_ns() ? static_cast<double>(now.unix_ns() - before.unix_ns()) / 1e9 : planned;
        std::vector<std::pair<uint64_t, std::vector<std::string>>> rows;
        for (const v1::SyscallMetrics& row : now.syscalls()) {
            const v1::SyscallMetrics* was = old.contains(row.name()) ? old[row.name()] : nullptr;
            uint64_t calls = row.calls() - (was ? was->calls() : 0);
            uint64_t total = row.total_ns() - (was ? was->total_ns() : 0);
            rows.push_back({calls,
                            {row.name(), fmt::format("{:.0f}", static_cast<double>(calls) / seconds),
                             calls ? format_time(total / calls) : "", format_time(row.p99_ns()),
                             std::to_string(row.calls()), std::to_string(row.errors())}});
        }
        std::ranges::stable_sort(rows, std::greater(), [](const auto& row) { return row.first; });
        Table table{.header = {"syscall", "calls/s", "mean", "p99", "calls", "errors"}, .rows = {}};
        for (auto& row : rows)
            if (table.rows.size() < kRows) table.rows.push_back(std::move(row.second));
        return table;
    }

    std::string interval_ = "1s";
    unsigned samples_ = 0;
};

}  // namespace

Commands make_stats_commands() {
    Commands commands;
    commands.push_back(std::make_unique<StatsCommand>());
    commands.push_back(std::make_unique<TopCommand>());
    return commands;
}

}  // namespace astra::cli
