// What is kept of a guest: one folder, and what the files in it are called.
#pragma once
#include <string>

namespace astra::vmm {

struct GuestFiles {
    std::string folder;

    /// Written by the daemon: id, name, specification (see records.hpp).
    [[nodiscard]] std::string record() const { return folder + "/guest.json"; }
    /// Written by the supervisor when all is over.
    [[nodiscard]] std::string exit_record() const { return folder + "/exit.json"; }
    /// The supervisor's listening socket.
    [[nodiscard]] std::string socket() const { return folder + "/socket"; }
    /// See console_log.hpp.
    [[nodiscard]] std::string console() const { return folder + "/console"; }
    /// The counters region as the guest left it.
    [[nodiscard]] std::string counters() const { return folder + "/counters"; }
    /// The supervisor's stderr.
    [[nodiscard]] std::string errors() const { return folder + "/supervisor.log"; }
};

}  // namespace astra::vmm
