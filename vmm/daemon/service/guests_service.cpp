// astra.v1.Guests.
#include <signal.h>

#include <algorithm>

#include "vmm/daemon/service/services.hpp"

namespace astra::vmm::daemon {
namespace {

using grpc::ServerContext;
using grpc::Status;

constexpr std::chrono::milliseconds kDefaultGrace{10'000};
constexpr u32 kSignals = 64;

class GuestsService final : public api::Guests::Service {
  public:
    GuestsService(Manager& manager, Role role) : manager_(manager), role_(role) {}

    Status Create(ServerContext*, const api::CreateGuestRequest* request, api::Guest* out) override {
        return answer([&]() -> Result<void> {
            *out = to_api(TRY(create(*request))->info());
            return {};
        });
    }

    Status Start(ServerContext*, const api::StartGuestRequest* request, api::Guest* out) override {
        return change(request->guest(), out, [](Guest& guest) { return guest.start(); });
    }

    Status Launch(ServerContext* context, const api::CreateGuestRequest* request, api::Guest* out) override {
        return answer([&]() -> Result<void> {
            auto guest = TRY(create(*request));
            // A repeated request finds it started already.
            if (auto started = guest->start(); !started && guest->info().state == GuestState::Created)
                return started;
            TRY(wait_for(*context, *guest, [](const GuestInfo& info) {
                return has_ended(info) || info.state == GuestState::Running ||
                       info.state == GuestState::Paused;
            }));
            *out = to_api(guest->info());
            return {};
        });
    }

    Status Get(ServerContext*, const api::GetGuestRequest* request, api::Guest* out) override {
        return answer([&]() -> Result<void> {
            *out = to_api(TRY(manager_.find(request->guest()))->info());
            return {};
        });
    }

    Status List(ServerContext*, const api::ListGuestsRequest* request,
                api::ListGuestsResponse* out) override {
        for (const auto& guest : manager_.list()) {
            api::Guest entry = to_api(guest->info());
            bool labelled = std::ranges::all_of(request->labels(), [&](const auto& label) {
                auto found = entry.labels().find(label.first);
                return found != entry.labels().end() && found->second == label.second;
            });
            bool wanted =
                request->states().empty() || std::ranges::count(request->states(), entry.state()) > 0;
            if (labelled && wanted) *out->add_guests() = std::move(entry);
        }
        return Status::OK;
    }

    Status Wait(ServerContext* context, const api::WaitGuestRequest* request, api::Guest* out) override {
        return answer([&]() -> Result<void> {
            bool started = request->state() == api::GUEST_STATE_RUNNING;
            if (!started && request->state() != api::GUEST_STATE_ENDED &&
                request->state() != api::GUEST_STATE_UNSPECIFIED)
                return fail(Code::InvalidArgument, "only RUNNING and ENDED can be waited for");
            auto guest = TRY(manager_.find(request->guest()));
            TRY(wait_for(*context, *guest, [&](const GuestInfo& info) {
                return has_ended(info) ||
                       (started && (info.state == GuestState::Running || info.state == GuestState::Paused));
            }));
            *out = to_api(guest->info());
            return {};
        });
    }

    Status Signal(ServerContext*, const api::SignalGuestRequest* request, api::Guest* out) override {
        if (request->signal() > kSignals)
            return to_status(
                {Code::InvalidArgument, "there is no signal " + std::to_string(request->signal()), ""});
        u32 number = request->signal() ? request->signal() : u32{SIGTERM};
        return change(request->guest(), out, [&](Guest& guest) { return guest.signal(number); });
    }

    Status Stop(ServerContext* context, const api::StopGuestRequest* request, api::Guest* out) override {
        std::chrono::milliseconds grace(request->grace_ms());
        if (grace.count() <= 0) grace = kDefaultGrace;
        return change(request->guest(), out, [&](Guest& guest) -> Result<void> {
            TRY(guest.stop(grace));
            return wait_for(*context, guest, has_ended);
        });
    }

    Status Kill(ServerContext* context, const api::KillGuestRequest* request, api::Guest* out) override {
        return change(request->guest(), out, [&](Guest& guest) -> Result<void> {
            TRY(guest.kill());
            return wait_for(*context, guest, has_ended);
        });
    }

    Status Pause(ServerContext* context, const api::PauseGuestRequest* request, api::Guest* out) override {
        return change(request->guest(), out, [&](Guest& guest) { return pause(*context, guest, true); });
    }

    Status Resume(ServerContext* context, const api::ResumeGuestRequest* request, api::Guest* out) override {
        return change(request->guest(), out, [&](Guest& guest) { return pause(*context, guest, false); });
    }

    Status Processes(ServerContext* context, const api::ListProcessesRequest* request,
                     api::ListProcessesResponse* out) override {
        return answer([&]() -> Result<void> {
            auto files = TRY(TRY(manager_.find(request->guest()))->open_files());
            for (const GuestProcess& process :
                 TRY(list_processes(*files, [&] { return still_wanted(*context); })))
                *out->add_processes() = to_api(process);
            return {};
        });
    }

    Status Delete(ServerContext*, const api::DeleteGuestRequest* request,
                  api::DeleteGuestResponse*) override {
        return answer([&]() -> Result<void> {
            TRY(may_change(role_));
            return manager_.remove(request->guest(), request->force());
        });
    }

  private:
    Result<std::shared_ptr<Guest>> create(const api::CreateGuestRequest& request) {
        TRY(may_change(role_));
        return manager_.create({.name = request.name(),
                                .labels = {request.labels().begin(), request.labels().end()},
                                .spec = TRY(from_api(request.spec())),
                                .request_id = request.request_id()});
    }

    /// Does something to a guest and answers with what it is then.
    template <class Do>
    Status change(const std::string& reference, api::Guest* out, Do action) {
        return answer([&]() -> Result<void> {
            TRY(may_change(role_));
            auto guest = TRY(manager_.find(reference));
            TRY(action(*guest));
            *out = to_api(guest->info());
            return {};
        });
    }

    static Result<void> pause(const ServerContext& context, Guest& guest, bool paused) {
        TRY(guest.pause(paused));
        return wait_for(context, guest, [&](const GuestInfo& info) {
            return has_ended(info) || (info.state == GuestState::Paused) == paused;
        });
    }

    Manager& manager_;
    Role role_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_guests_service(Manager& manager, Role role) {
    return std::make_unique<GuestsService>(manager, role);
}

}  // namespace astra::vmm::daemon
