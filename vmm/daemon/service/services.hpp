// The services of astra.v1 over a manager. Each lives in a file of its own; they validate, forward, map
// errors.
#pragma once
#include <memory>
#include <vector>

#include "vmm/daemon/service/call.hpp"

namespace astra::vmm::daemon {

/// What the Daemon service tells of itself.
struct DaemonFacts {
    std::string version;
    u64 started_unix_ns = 0;
};

/// All services, for clients of that role. `manager` and `facts` must outlive them.
[[nodiscard]] std::vector<std::unique_ptr<grpc::Service>> make_services(Manager& manager,
                                                                        const DaemonFacts& facts, Role role);

[[nodiscard]] std::unique_ptr<grpc::Service> make_daemon_service(Manager& manager, const DaemonFacts& facts,
                                                                 Role role);
[[nodiscard]] std::unique_ptr<grpc::Service> make_images_service(Manager& manager, Role role);
[[nodiscard]] std::unique_ptr<grpc::Service> make_guests_service(Manager& manager, Role role);
[[nodiscard]] std::unique_ptr<grpc::Service> make_console_service(Manager& manager, Role role);
[[nodiscard]] std::unique_ptr<grpc::Service> make_exec_service(Manager& manager, Role role);
[[nodiscard]] std::unique_ptr<grpc::Service> make_files_service(Manager& manager, Role role);
[[nodiscard]] std::unique_ptr<grpc::Service> make_metrics_service(Manager& manager);
[[nodiscard]] std::unique_ptr<grpc::Service> make_events_service(Manager& manager);

}  // namespace astra::vmm::daemon
