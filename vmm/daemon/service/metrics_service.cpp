// astra.v1.Metrics.
#include <algorithm>
#include <map>
#include <thread>

#include "vmm/control/counters.hpp"
#include "vmm/control/rates.hpp"
#include "vmm/daemon/service/services.hpp"

namespace astra::vmm::daemon {
namespace {

using grpc::ServerContext;
using grpc::Status;

constexpr u64 kMinInterval = 10, kDefaultInterval = 1000;  // ms

api::SyscallMetrics to_api(const control::SyscallStatistics& row, bool histogram) {
    api::SyscallMetrics to;
    to.set_name(row.name);
    to.set_calls(row.calls);
    to.set_errors(row.errors);
    to.set_total_ns(row.total_ns);
    to.set_mean_ns(row.mean_ns);
    to.set_p50_ns(row.p50_ns);
    to.set_p99_ns(row.p99_ns);
    to.set_max_ns(row.max_ns);
    to.set_blocked_ns(row.blocked_ns);
    if (histogram) to.mutable_histogram()->Assign(row.histogram.begin(), row.histogram.end());
    return to;
}

Result<u64> interval_of(u64 asked) {
    u64 interval = asked ? asked : kDefaultInterval;
    if (interval < kMinInterval) return fail(Code::InvalidArgument, "an interval is at least 10 ms");
    return interval;
}

Result<api::MetricsSample> sample(Guest& guest, u32 top, bool histograms) {
    GuestInfo info = guest.info();
    auto memory = TRY(guest.counters());
    control::Statistics statistics = TRY(CountersReader(memory->span()).read());
    api::MetricsSample out;
    out.set_guest_id(info.record.id);
    out.set_unix_ns(unix_ns());
    out.set_final(has_ended(info));
    if (top > 0 && statistics.syscalls.size() > top) statistics.syscalls.resize(top);
    for (const control::SyscallStatistics& row : statistics.syscalls)
        *out.add_syscalls() = to_api(row, histograms);
    for (const control::UnknownSyscall& row : statistics.unknown) {
        auto* to = out.add_unknown();
        to->set_number(row.number);
        to->set_calls(row.calls);
    }
    for (const control::NamedCounter& counter : statistics.counters)
        (*out.mutable_counters())[counter.name] = counter.value;
    return out;
}

/// What all guests had counted at the last look, to tell what has happened since.
class TopWatch {
  public:
    /// What `guest` counted since the last look at it. None while it has no counters.
    std::optional<api::TopGuest> look(Guest& guest, bool each_call) {
        auto memory = guest.counters();
        if (!memory) return std::nullopt;
        auto statistics = CountersReader((*memory)->span()).read();
        if (!statistics) return std::nullopt;
        api::Guest info = to_api(guest.info());
        control::Statistics& before = before_[info.guest_id()];
        SyscallRows rows = since(before.syscalls, statistics->syscalls);
        api::TopGuest out;
        out.set_guest_id(info.guest_id());
        out.set_name(info.name());
        out.set_state(info.state());
        *out.mutable_total() = to_api(total(rows), false);
        if (each_call)
            for (const auto& row : rows) *out.add_syscalls() = to_api(row, true);
        out.set_calls(total(statistics->syscalls).calls);
        before = std::move(*statistics);
        return out;
    }

  private:
    std::map<std::string, control::Statistics> before_;  // by guest's id
};

class MetricsService final : public api::Metrics::Service {
  public:
    explicit MetricsService(Manager& manager) : manager_(manager) {}

    Status Get(ServerContext*, const api::GetMetricsRequest* request, api::MetricsSample* out) override {
        return answer([&]() -> Result<void> {
            auto guest = TRY(manager_.find(request->guest()));
            *out = TRY(sample(*guest, request->top(), request->histograms()));
            return {};
        });
    }

    Status Stream(ServerContext* context, const api::StreamMetricsRequest* request,
                  grpc::ServerWriter<api::MetricsSample>* writer) override {
        return answer([&]() -> Result<void> {
            u64 interval = TRY(interval_of(request->interval_ms()));
            auto guest = TRY(manager_.find(request->guest()));
            auto next = Guest::Clock::now();
            for (;;) {
                auto now = TRY(sample(*guest, request->top(), request->histograms()));
                if (!writer->Write(now)) return still_wanted(*context);
                if (now.final()) return {};
                next = std::max(next + std::chrono::milliseconds(interval), Guest::Clock::now());
                TRY(sleep_until(*context, guest.get(), next));
            }
        });
    }

    Status Top(ServerContext* context, const api::TopRequest* request,
               grpc::ServerWriter<api::TopSample>* writer) override {
        return answer([&]() -> Result<void> {
            std::chrono::milliseconds interval(TRY(interval_of(request->interval_ms())));
            std::shared_ptr<Guest> only;
            if (!request->guest().empty()) only = TRY(manager_.find(request->guest()));
            TopWatch watch;
            auto last = Guest::Clock::now();
            for (bool first = true;; first = false) {
                auto now = Guest::Clock::now();
                bool over = only && has_ended(only->info());
                api::TopSample out;
                out.set_unix_ns(unix_ns());
                out.set_interval_ns(static_cast<u64>(std::chrono::nanoseconds(now - last).count()));
                for (const auto& guest : only ? std::vector{only} : manager_.list()) {
                    if (!only && has_ended(guest->info())) continue;
                    if (auto row = watch.look(*guest, only != nullptr)) *out.add_guests() = std::move(*row);
                }
                // The first look is what the next is compared with.
                if (!first && !writer->Write(out)) return still_wanted(*context);
                if (over) return {};
                last = now;
                TRY(sleep_until(*context, only.get(), now + interval));
            }
        });
    }

  private:
    /// Until then, or until the guest (if there is one) has ended.
    static Result<void> sleep_until(const ServerContext& context, const Guest* guest,
                                    Guest::Clock::time_point when) {
        for (;;) {
            TRY(still_wanted(context));
            auto left = std::chrono::ceil<std::chrono::milliseconds>(when - Guest::Clock::now());
            if (left.count() <= 0) return {};
            auto slice = std::min<std::chrono::milliseconds>(left, kSlice);
            if (!guest)
                std::this_thread::sleep_for(slice);
            else if (guest->wait(slice, has_ended))
                return {};
        }
    }

    Manager& manager_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_metrics_service(Manager& manager) {
    return std::make_unique<MetricsService>(manager);
}

}  // namespace astra::vmm::daemon
