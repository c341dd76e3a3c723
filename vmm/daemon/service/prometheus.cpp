// Collecting at every scrape; nothing is kept between two.
#include "vmm/daemon/service/prometheus.hpp"

#include <limits>

#include "vmm/control/counters.hpp"

namespace astra::vmm::daemon {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr double kNanosecond = 1e-9;

class Collector : public prometheus::Collectable {
  public:
    explicit Collector(const Manager& manager) : manager_(manager) {}
    [[nodiscard]] std::vector<MetricFamily> Collect() const override { return collect_metrics(manager_); }

  private:
    const Manager& manager_;
};

/// The families, one row per name, filled guest by guest.
class Families {
  public:
    void add(const std::string& name, const char* help, MetricType type, double value,
             std::vector<ClientMetric::Label> labels) {
        ClientMetric& metric = next(name, help, type, std::move(labels));
        (type == MetricType::Gauge ? metric.gauge.value : metric.counter.value) = value;
    }
    void add_histogram(const std::string& name, const char* help, const control::SyscallStatistics& row,
                       std::vector<ClientMetric::Label> labels) {
        ClientMetric& metric = next(name, help, MetricType::Histogram, std::move(labels));
        u64 total = 0;
        for (usize i = 0; i < row.histogram.size(); i++) {
            total += row.histogram[i];
            bool last = i + 1 == row.histogram.size();
            double bound = last ? std::numeric_limits<double>::infinity()
                                : static_cast<double>(u64{2} << i) * kNanosecond;
            metric.histogram.bucket.push_back({.cumulative_count = total, .upper_bound = bound});
        }
        metric.histogram.sample_count = total;
        metric.histogram.sample_sum = static_cast<double>(row.total_ns) * kNanosecond;
    }
    std::vector<MetricFamily> take() {
        std::vector<MetricFamily> all;
        for (auto& [name, family] : families_) all.push_back(std::move(family));
        return all;
    }

  private:
    ClientMetric& next(const std::string& name, const char* help, MetricType type,
                       std::vector<ClientMetric::Label> labels) {
        MetricFamily& family = families_[name];
        if (family.name.empty()) family = {.name = name, .help = help, .type = type, .metric = {}};
        family.metric.emplace_back();
        family.metric.back().label = std::move(labels);
        return family.metric.back();
    }
    std::map<std::string, MetricFamily> families_;
};

void add_guest(Families& families, Guest& guest) {
    GuestInfo info = guest.info();
    std::vector<ClientMetric::Label> labels{{"guest", info.record.name}};
    bool up = info.state == GuestState::Running || info.state == GuestState::Paused;
    families.add("astra_guest_up", "Whether the guest's program runs", MetricType::Gauge, up, labels);
    auto memory = guest.counters();
    if (!memory) return;  // none yet, or none ever: absent, not zero
    auto statistics = CountersReader((*memory)->span()).read();
    if (!statistics) return;
    for (const control::NamedCounter& counter : statistics->counters)
        families.add("astra_guest_" + counter.name + "_total", "A counter of the guest kernel",
                     MetricType::Counter, static_cast<double>(counter.value), labels);
    for (const control::SyscallStatistics& row : statistics->syscalls) {
        auto named = labels;
        named.push_back({"syscall", row.name});
        families.add("astra_guest_syscalls_total", "System calls answered", MetricType::Counter,
                     static_cast<double>(row.calls), named);
        families.add("astra_guest_syscall_errors_total", "System calls answered with an error",
                     MetricType::Counter, static_cast<double>(row.errors), named);
        families.add("astra_guest_syscall_blocked_seconds_total", "Time in system calls off the CPU",
                     MetricType::Counter, static_cast<double>(row.blocked_ns) * kNanosecond, named);
        families.add_histogram("astra_guest_syscall_seconds", "Time of system calls, entry to exit", row,
                               named);
    }
    for (const control::UnknownSyscall& row : statistics->unknown) {
        auto numbered = labels;
        numbered.push_back({"number", std::to_string(row.number)});
        families.add("astra_guest_unknown_syscalls_total", "System calls the guest kernel does not have",
                     MetricType::Counter, static_cast<double>(row.calls), numbered);
    }
}

}  // namespace

std::vector<MetricFamily> collect_metrics(const Manager& manager) {
    Families families;
    for (const auto& guest : manager.list()) add_guest(families, *guest);
    return families.take();
}

Result<std::unique_ptr<PrometheusEndpoint>> PrometheusEndpoint::start(const Manager& manager,
                                                                      const std::string& address) {
    std::unique_ptr<PrometheusEndpoint> endpoint(new PrometheusEndpoint);
    endpoint->collector_ = std::make_shared<Collector>(manager);
    try {
        endpoint->exposer_ = std::make_unique<prometheus::Exposer>(address);
    } catch (const std::exception& error) {
        return fail(Code::Unavailable, "cannot serve metrics on " + address + ": " + error.what(),
                    "is the address in use?");
    }
    endpoint->exposer_->RegisterCollectable(endpoint->collector_);
    return endpoint;
}

}  // namespace astra::vmm::daemon
