// astra.v1.Metrics.
#include <algorithm>

#include "vmm/control/counters.hpp"
#include "vmm/daemon/service/services.hpp"

namespace astra::vmm::daemon {
namespace {

using grpc::ServerContext;
using grpc::Status;

constexpr u64 kMinInterval = 10, kDefaultInterval = 1000;  // ms

Result<api::MetricsSample> sample(Guest& guest, u32 top, bool histograms) {
    GuestInfo info = guest.info();
    auto memory = TRY(guest.counters());
    control::Statistics statistics = TRY(CountersReader(memory->span()).read());
    api::MetricsSample out;
    out.set_guest_id(info.record.id);
    out.set_unix_ns(unix_ns());
    out.set_final(has_ended(info));
    if (top > 0 && statistics.syscalls.size() > top) statistics.syscalls.resize(top);
    for (const control::SyscallStatistics& row : statistics.syscalls) {
        auto* to = out.add_syscalls();
        to->set_name(row.name);
        to->set_calls(row.calls);
        to->set_errors(row.errors);
        to->set_total_ns(row.total_ns);
        to->set_mean_ns(row.mean_ns);
        to->set_p50_ns(row.p50_ns);
        to->set_p99_ns(row.p99_ns);
        to->set_max_ns(row.max_ns);
        to->set_blocked_ns(row.blocked_ns);
        if (histograms) to->mutable_histogram()->Assign(row.histogram.begin(), row.histogram.end());
    }
    for (const control::UnknownSyscall& row : statistics.unknown) {
        auto* to = out.add_unknown();
        to->set_number(row.number);
        to->set_calls(row.calls);
    }
    for (const control::NamedCounter& counter : statistics.counters)
        (*out.mutable_counters())[counter.name] = counter.value;
    return out;
}

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
            u64 interval = request->interval_ms() ? request->interval_ms() : kDefaultInterval;
            if (interval < kMinInterval) return fail(Code::InvalidArgument, "an interval is at least 10 ms");
            auto guest = TRY(manager_.find(request->guest()));
            auto next = Guest::Clock::now();
            for (;;) {
                auto now = TRY(sample(*guest, request->top(), request->histograms()));
                if (!writer->Write(now)) return still_wanted(*context);
                if (now.final()) return {};
                next = std::max(next + std::chrono::milliseconds(interval), Guest::Clock::now());
                TRY(sleep_until(*context, *guest, next));
            }
        });
    }

  private:
    /// Until then, or until the guest has ended.
    static Result<void> sleep_until(const ServerContext& context, const Guest& guest,
                                    Guest::Clock::time_point when) {
        for (;;) {
            TRY(still_wanted(context));
            auto left = std::chrono::ceil<std::chrono::milliseconds>(when - Guest::Clock::now());
            if (left.count() <= 0 || guest.wait(std::min(left, kSlice), has_ended)) return {};
        }
    }

    Manager& manager_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_metrics_service(Manager& manager) {
    return std::make_unique<MetricsService>(manager);
}

}  // namespace astra::vmm::daemon
