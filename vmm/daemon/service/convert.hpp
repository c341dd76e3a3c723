// Between astra.v1's messages and the core's types.
#pragma once
#include "control_proto/astra.grpc.pb.h"
#include "control_proto/doctor.hpp"
#include "vmm/daemon/manager.hpp"
#include "vmm/daemon/processes.hpp"

namespace astra::vmm::daemon {

namespace api = astra::v1;

/// What grpc carries for an error: canonical code, message, and an ErrorDetail.
[[nodiscard]] grpc::Status to_status(const Error& error);

[[nodiscard]] api::Guest to_api(const GuestInfo& info);
[[nodiscard]] api::Outcome to_api(const control::Outcome& outcome);
[[nodiscard]] api::Process to_api(const GuestProcess& process);
[[nodiscard]] api::Image to_api(const ImageInfo& info);
[[nodiscard]] api::Event to_api(const Event& event);
[[nodiscard]] api::Finding to_api(const control::Finding& finding);

/// Errors: InvalidArgument, naming the field.
[[nodiscard]] Result<control::LaunchSpec> from_api(const api::GuestSpec& spec);

}  // namespace astra::vmm::daemon
