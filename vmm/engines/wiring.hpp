// The sockets and pipes between the launcher and a machine's process, made the same way for every engine.
#pragma once
#include "vmm/base/error.hpp"
#include "vmm/base/fd.hpp"

namespace astra::vmm {

/// Two ends: the launcher keeps `ours` (non-blocking), the process inherits `theirs`.
struct Ends {
    Fd ours, theirs;
};

/// A connected pair of stream sockets.
[[nodiscard]] Result<Ends> make_socket_pair();
/// A pipe that the launcher reads, with room for a burst of `kPipeBytes`.
[[nodiscard]] Result<Ends> make_pipe();

inline constexpr int kPipeBytes = 256 * 1024;

}  // namespace astra::vmm
