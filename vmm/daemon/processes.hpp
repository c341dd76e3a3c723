// The processes in a running guest.
#pragma once
#include "vmm/daemon/file_channel.hpp"

namespace astra::vmm::daemon {

struct GuestProcess {
    i32 pid = 0, parent = 0;
    std::string name;
    std::vector<std::string> arguments;
    char state = '?';  // as in proc(5)
    u32 threads = 0;
    u64 cpu_ns = 0, resident_bytes = 0;
    u64 read_bytes = 0, written_bytes = 0, read_calls = 0, write_calls = 0;  // as in /proc/PID/io
};

/// Reads them from the guest's /proc, in the order of their numbers. Errors: FileChannel's; Corrupt when
/// /proc is not what proc(5) says.
[[nodiscard]] Result<std::vector<GuestProcess>> list_processes(FileChannel& files,
                                                               const FileChannel::Wanted& wanted);

}  // namespace astra::vmm::daemon
