// The client that does the work in this process: resolves a specification, starts the run.
#include "control_proto/client.hpp"

#include "vmm/engines/doctor.hpp"
#include "vmm/engines/prepare.hpp"

namespace astra::vmm {
namespace {

class LocalClient : public control::Client {
  public:
    Result<std::unique_ptr<control::Run>> launch(const control::LaunchSpec& spec,
                                                 control::RunEvents& events) override {
        return TRY(LocalRun::start(TRY(prepare(spec, {}, events)), events));
    }

    control::DoctorReport doctor() override { return examine(gather_host_facts()); }
};

}  // namespace
}  // namespace astra::vmm

std::unique_ptr<astra::control::Client> astra::control::make_local_client() {
    return std::make_unique<vmm::LocalClient>();
}
