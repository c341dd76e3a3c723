// All counters of all guests as Prometheus text, over HTTP.
#pragma once
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <memory>

#include "vmm/daemon/manager.hpp"

namespace astra::vmm::daemon {

/// Serves http://ADDRESS/metrics ("127.0.0.1:9464") as long as it lives.
class PrometheusEndpoint {
  public:
    /// Errors: Unavailable when the address cannot be had.
    [[nodiscard]] static Result<std::unique_ptr<PrometheusEndpoint>> start(const Manager& manager,
                                                                           const std::string& address);

  private:
    PrometheusEndpoint() = default;
    std::shared_ptr<prometheus::Collectable> collector_;
    std::unique_ptr<prometheus::Exposer> exposer_;
};

/// The metric families, as scraped now.
[[nodiscard]] std::vector<prometheus::MetricFamily> collect_metrics(const Manager& manager);

}  // namespace astra::vmm::daemon
