// astra.v1.Events and astra.v1.Daemon.
#include <unistd.h>

#include "vmm/daemon/service/services.hpp"
#include "vmm/engines/doctor.hpp"

namespace astra::vmm::daemon {
namespace {

using grpc::ServerContext;
using grpc::Status;

constexpr usize kBatch = 256;

class EventsService final : public api::Events::Service {
  public:
    explicit EventsService(Manager& manager) : manager_(manager) {}

    Status Watch(ServerContext* context, const api::WatchEventsRequest* request,
                 grpc::ServerWriter<api::Event>* writer) override {
        return answer([&]() -> Result<void> {
            EventLog& log = manager_.events();
            std::string id;
            if (!request->guest().empty()) {
                auto guest = manager_.find(request->guest());
                id = guest ? (*guest)->info().record.id : request->guest();  // events outlive their guest
            }
            u64 last = log.last();
            u64 next = request->from_sequence() ? request->from_sequence() : last + 1;
            while (request->follow() || next <= last) {
                for (const Event& event : TRY(log.read(next, kBatch, kSlice))) {
                    next = event.sequence + 1;
                    bool wanted = id.empty() || event.guest_id == id || event.guest_name == id;
                    if (wanted && !writer->Write(to_api(event))) return still_wanted(*context);
                }
                TRY(still_wanted(*context));
            }
            return {};
        });
    }

  private:
    Manager& manager_;
};

class DaemonService final : public api::Daemon::Service {
  public:
    DaemonService(Manager& manager, const DaemonFacts& facts, Role role)
        : manager_(manager), facts_(facts), role_(role) {}

    Status GetInfo(ServerContext*, const api::GetInfoRequest*, api::DaemonInfo* out) override {
        describe(*out);
        return Status::OK;
    }

    Status WaitReady(ServerContext* context, const api::WaitReadyRequest*, api::DaemonInfo* out) override {
        return answer([&]() -> Result<void> {
            while (!manager_.settled()) {
                TRY(still_wanted(*context));
                ::usleep(10'000);
            }
            describe(*out);
            return {};
        });
    }

  private:
    void describe(api::DaemonInfo& out) const {
        control::DoctorReport report = examine(gather_host_facts());
        out.set_version(facts_.version);
        out.set_pid(::getpid());
        out.set_started_unix_ns(facts_.started_unix_ns);
        out.set_state_directory(manager_.folder());
        out.set_read_only(role_ == Role::ReadOnly);
        out.set_can_run(report.can_run);
        out.set_engine(report.engine);
        out.set_kernel(report.kernel);
        out.set_reason(report.reason);
        for (const control::Finding& finding : report.findings) *out.add_findings() = to_api(finding);
        u32 running = 0;
        auto guests = manager_.list();
        for (const auto& guest : guests) {
            GuestState state = guest->info().state;
            running +=
                state != GuestState::Created && state != GuestState::Ended && state != GuestState::Broken;
        }
        out.set_guests(static_cast<u32>(guests.size()));
        out.set_guests_running(running);
        out.set_last_event(manager_.events().last());
    }

    Manager& manager_;
    const DaemonFacts& facts_;
    Role role_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_events_service(Manager& manager) {
    return std::make_unique<EventsService>(manager);
}

std::unique_ptr<grpc::Service> make_daemon_service(Manager& manager, const DaemonFacts& facts, Role role) {
    return std::make_unique<DaemonService>(manager, facts, role);
}

std::vector<std::unique_ptr<grpc::Service>> make_services(Manager& manager, const DaemonFacts& facts,
                                                          Role role) {
    std::vector<std::unique_ptr<grpc::Service>> services;
    services.push_back(make_daemon_service(manager, facts, role));
    services.push_back(make_images_service(manager, role));
    services.push_back(make_guests_service(manager, role));
    services.push_back(make_console_service(manager, role));
    services.push_back(make_exec_service(manager, role));
    services.push_back(make_files_service(manager, role));
    services.push_back(make_metrics_service(manager));
    services.push_back(make_events_service(manager));
    return services;
}

}  // namespace astra::vmm::daemon
