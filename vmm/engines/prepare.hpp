// From what a client asked for to what a run needs: checked, engine and kernel chosen, image found.
#pragma once
#include "control_proto/client.hpp"
#include "vmm/engines/local_run.hpp"

namespace astra::vmm {

/// Whether a specification makes sense by itself; touches nothing. Errors: InvalidArgument.
[[nodiscard]] Result<void> check_spec(const control::LaunchSpec& spec);

/// Resolves a specification on this host. `store` is the image store's folder (empty: the default one);
/// an archive is imported into it. Progress and choices are told to `events`. Errors: check_spec()'s, those
/// of choose() and of the import, NotFound for an unknown image.
[[nodiscard]] Result<RunRequest> prepare(const control::LaunchSpec& spec, const std::string& store,
                                         control::RunEvents& events);

}  // namespace astra::vmm
